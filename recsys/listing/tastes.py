"""Lists from what a listener plays: mixes, rediscoveries, discoveries, what is new."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.errors import DataError
from recsys.listing.desk import Mask
from recsys.listing.drafts import DAY, Draft, Order, because, history_of, mixed, profile, ranks
from recsys.playlists.clusters import group
from recsys.playlists.kinds import Discover, Mix, New, Rediscover
from recsys.playlists.names import named
from recsys.playlists.rules import Quota

LEAST = 8  # tracks that a side of a taste has at least
UNDATED = "the table of tracks has no dates in a column added; new is counted by year of release"
NAMING = 20  # candidates that help to name a mix


def mix(order: Order) -> list[Draft]:
    """One list of each side of a taste; what is played and what is new stand side by side."""
    recipe, who, desk = order.recipe, order.who, order.desk
    assert isinstance(recipe, Mix)
    known = _known(order)
    seed = np.random.default_rng([recipe.seed, *who.name.encode()])
    weights = np.log1p(history_weights(order, known))
    sides = group(_vectors(order, known), min(recipe.mixes, max(1, len(known) // LEAST)), seed, weights=weights)
    members = [known[sides.of == side] for side in range(len(sides.centres))]
    histories = [history_of(len(desk.facts), rows, history_weights(order, rows)) for rows in members]
    stacked = sp.csr_array(sp.vstack(histories, format="csr"))
    found = desk.lists(stacked, order.candidates, allow=order.rows)
    lists = [found.rows[side][found.rows[side] >= 0] for side in range(len(members))]
    names = named(desk.facts, [np.union1d(m, rows[:NAMING]) for m, rows in zip(members, lists, strict=True)])
    return [
        Draft(names[side], rows, found.scores[side][: len(rows)], because(desk, who.history))
        for side, rows in enumerate(lists)
    ]


def rediscover(order: Order) -> list[Draft]:
    """What was loved and not heard for long, the most loved first."""
    recipe, who = order.recipe, order.who
    assert isinstance(recipe, Rediscover)
    if who.last is None:
        raise DataError("rediscover needs to know when plays happened; the log of this bundle has no times")
    loved = ranks(who.history.data.astype(np.float32)) >= 1 - recipe.loved
    old = who.last < order.desk.now - recipe.not_heard_days * DAY
    mine = loved & old & order.allowed[who.heard]
    if not mine.any():
        raise DataError(
            f"{who.name} has heard all they love within {recipe.not_heard_days:g} days, or too little is known of "
            "them; lower not_heard_days or raise loved"
        )
    rows, plays = who.heard[mine].astype(np.int32), who.history.data[mine]
    days = dict(zip(rows.tolist(), ((order.desk.now - who.last[mine]) / DAY).tolist(), strict=True))

    def reasons(asked: Rows) -> list[str]:
        return [f"you loved it; not heard for {days[row]:.0f} days" for row in asked.tolist()]

    return [Draft("Rediscover", rows, np.log1p(plays).astype(np.float32), reasons)]


def discover(order: Order) -> list[Draft]:
    """What was never heard, and a share of it by artists that were never heard."""
    recipe, who, desk = order.recipe, order.who, order.desk
    assert isinstance(recipe, Discover)
    found = desk.lists(
        who.history, order.candidates, rows=np.array([who.row], np.int32), allow=order.rows, exclude=who.history
    )
    rows = found.rows[0][found.rows[0] >= 0]
    strange = ~np.isin(desk.facts.artist, desk.facts.artist[who.heard])
    quota = Quota("by artists never heard", strange, at_least=float(recipe.new_artists))
    reasons = because(desk, who.history)
    return [Draft("Discover", rows, found.scores[0][: len(rows)], reasons, quotas=(quota,))]


def new(order: Order) -> list[Draft]:
    """What was added lately, by how well it fits the listener; for nobody the latest first."""
    recipe, who, desk = order.recipe, order.who, order.desk
    assert isinstance(recipe, New)
    lately, words = recent(order, recipe.days, recipe.years)
    rows = np.flatnonzero(lately & order.allowed).astype(np.int32)
    if not len(rows):
        raise DataError(f"nothing that may be chosen is new ({words}); raise days or years")
    known = who.history.nnz > 0
    scores = mixed(_near_profile(order, rows), desk.scores(who, rows), 0.5) if known else desk.engine.listeners[rows]
    title, notes = "New for you" if known else "New", (UNDATED,) if words.startswith("released") else ()
    return [Draft(title, rows, scores, lambda asked: [words] * len(asked), notes=notes)]


def recent(order: Order, days: float = 30, years: int = 1) -> tuple[Mask, str]:
    """Tracks added lately by the column ``added``, else of the latest years; and what that means in words.

    Raises:
        DataError: the catalogue has neither.
    """
    frame = order.desk.engine.catalogue.frame
    if "added" in frame:
        times = added(frame["added"])
        if np.isfinite(times).any():
            return (times >= order.desk.now - days * DAY) & (times <= order.desk.now), f"added within {days:g} days"
    year = order.desk.facts.number("year")
    if not np.isfinite(year).any():
        raise DataError(
            "nothing says what is recent: no track has added or year; give the table of tracks a column added "
            "(a date or Unix seconds), or year"
        )
    first = int(np.nanmax(year)) - years + 1
    return np.nan_to_num(year) >= first, f"released {first} or later"


def added(column: pd.Series[object]) -> NDArray[np.float64]:
    """When tracks were added, Unix seconds from numbers or dates, NaN where unknown, (tracks,)."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    dates = pd.to_datetime(column.where(np.isnan(numbers)), errors="coerce", utc=True, format="mixed")
    seconds = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isnan(numbers), seconds, numbers)


def history_weights(order: Order, rows: Rows) -> Floats:
    """How much some tracks of a history weigh, (rows,)."""
    place = np.searchsorted(order.who.heard, rows)
    return order.who.history.data[place].astype(np.float32)


def _known(order: Order) -> Rows:
    """Played tracks that have a place in the space that taste is grouped in."""
    rows = np.sort(order.who.heard).astype(np.int32)
    known = rows[_vectors(order, rows).any(axis=1)] if len(rows) else rows
    if not len(known):
        raise DataError(f"nothing is known of the taste of {order.who.name or 'nobody'}; expected plays")
    return known


def _vectors(order: Order, rows: Rows) -> Floats:
    """Unit vectors of tracks by who hears them, or by what they are where that is not known."""
    index = order.desk.index
    block = "collaborative" if "collaborative" in index.blocks else next(iter(order.desk.weights))
    return np.ascontiguousarray(index.vectors(block, rows))


def _near_profile(order: Order, rows: Rows) -> Floats:
    """Likeness of some tracks to what the listener plays, by what they are and who hears them, (rows,)."""
    heard = order.who.heard.astype(np.int32)
    wanted = profile(order.desk, heard, np.log1p(order.who.history.data).astype(np.float32))
    parts = [
        (weight, order.desk.index.vectors(block, rows) @ wanted[block][0])
        for block, weight in order.desk.weights.items()
    ]
    known = np.stack([weight * (score != 0) for weight, score in parts])
    total = np.stack([weight * score for weight, score in parts]).sum(axis=0)
    return (total / np.maximum(known.sum(axis=0), 1e-9)).astype(np.float32)
