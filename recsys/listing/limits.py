"""A recipe in, the solver's rules and goals out: which tracks may be chosen, quotas, turnover, rotation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from recsys.contracts import Floats, Rows
from recsys.errors import DataError
from recsys.listing.desk import Desk, Listener, Mask
from recsys.listing.drafts import DAY, Draft, Order
from recsys.listing.seeded import listing_of, matched
from recsys.listing.tastes import recent
from recsys.playlists.goals import Curve, Goals
from recsys.playlists.kinds import Different, ForScene, Recipe, Share, Which
from recsys.playlists.memory import Memory
from recsys.playlists.objective import span
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.tables import Catalogue
from recsys.tables.narrowed import narrowed

SPAN = re.compile(r"\s*(\d{1,4})\s*(?:[-–]\s*(\d{1,4})\s*)?")


def allowed(desk: Desk, recipe: Recipe) -> Mask:
    """Tracks that a recipe may choose whoever it is for, bool (tracks,).

    Raises:
        DataError: nothing is left.
    """
    songs = desk.engine.catalogue
    mask = np.ones(len(songs), bool)
    if asked := narrowed(songs.frame, recipe.where, recipe.mood):
        mask &= songs.where(asked)
    for one, keep in ((recipe.only, True), (recipe.without, False)):
        for found in _which(desk, one).values():
            mask &= found if keep else ~found
    if not recipe.explicit:
        mask &= ~songs.where("explicit")
    if isinstance(recipe, ForScene):
        mask &= _has(songs, "licence", recipe.licences)
    if not mask.any():
        raise DataError("no track satisfies where, mood, only and without; loosen them")
    return mask


def _which(desk: Desk, one: Which) -> dict[str, Mask]:
    """A mask for each thing that is said of a set of tracks."""
    songs, found = desk.engine.catalogue, {}
    columns = {"artists": "artist", "albums": "album", "genres": "genre", "tags": "tags", "licences": "licence"}
    for name, column in columns.items():
        if values := getattr(one, name):
            found[name] = _has(songs, column, values)
    if one.tracks:
        found["tracks"] = _of(desk.rows(one.tracks), len(songs))
    if one.years:
        found["years"] = _years(desk.facts.number("year"), one.years)
    if one.playlists:
        rows = [matched(desk, listing_of(desk, file))[0] for file in one.playlists]
        found["playlists"] = _of(np.concatenate(rows), len(songs))
    return found


def _has(songs: Catalogue, column: str, values: list[str]) -> Mask:
    return songs.where(f"{column} in {list(map(str, values))!r}")


def _of(rows: Rows, tracks: int) -> Mask:
    mask = np.zeros(tracks, bool)
    mask[rows] = True
    return mask


def _years(years: Floats, spans: list[str | int]) -> Mask:
    mask = np.zeros(len(years), bool)
    for one in spans:
        found = SPAN.fullmatch(str(one))
        if not found:
            raise DataError(f'years {one!r}; expected a year or a span such as "1980-1989"')
        mask |= (years >= int(found[1])) & (years <= int(found[2] or found[1]))
    return mask


def fresh(desk: Desk, recipe: Recipe, who: Listener, memory: Memory | None) -> Mask:
    """Tracks that the listener has not heard or been given lately, bool (tracks,)."""
    mask = np.ones(len(desk.facts), bool)
    if recipe.not_heard_days and who.last is not None:
        mask[who.heard[who.last >= desk.now - recipe.not_heard_days * DAY]] = False
    if recipe.not_listed_days and memory is not None:
        mask &= ~memory.within(recipe.not_listed_days)
    return mask


def rules(order: Order, name: str, draft: Draft, memory: Memory | None) -> Rules:
    """The hard rules of one list."""
    recipe, desk = order.recipe, order.desk
    tracks = recipe.tracks if draft.tracks is None else draft.tracks
    include = [int(row) for row in desk.rows(recipe.include)] if recipe.include else []
    if recipe.rotation and memory is not None:
        among = order.allowed & desk.engine.catalogue.where(recipe.rotation.where)
        include += memory.due(name, among, recipe.rotation.lists).tolist()
    ends = {*draft.opening, *draft.closing}
    return Rules(
        tracks=tracks,
        minutes=None if tracks is not None else recipe.minutes,
        tolerance=recipe.tolerance,
        opening=draft.opening,
        closing=draft.closing,
        include=tuple(row for row in dict.fromkeys(include) if row not in ends),
        where=order.allowed,
        max_per_artist=recipe.cap(tracks or int(recipe.minutes or 0) // 4 or 1),
        max_per_album=recipe.max_per_album,
        artist_gap=recipe.artist_gap,
        album_gap=recipe.album_gap,
        quotas=(*_turnover(recipe, name, memory), *draft.quotas, *_shares(order), *_spreads(order)),
    )


def _turnover(recipe: Recipe, name: str, memory: Memory | None) -> list[Quota]:
    if memory is None or not recipe.last_lists or recipe.max_overlap >= 1:
        return []
    before = memory.on_last(name, recipe.last_lists)
    words = f"on the last {recipe.last_lists} lists"
    return [Quota(words, before, at_most=float(recipe.max_overlap))] if before.any() else []


def _shares(order: Order) -> list[Quota]:
    return [
        Quota(share.name or share.where or str(share.of), _share(order, share), share.at_least, share.at_most)
        for share in order.recipe.shares
    ]


def _share(order: Order, share: Share) -> Mask:
    if share.where is not None:
        return order.desk.engine.catalogue.where(share.where)
    if share.of == "recent":
        return recent(order)[0]
    heard = _of(order.who.heard, len(order.allowed))
    return heard if share.of == "familiar" else ~heard


def _spreads(order: Order) -> list[Spread]:
    return [Spread(one.column + "s", _codes(order.desk, one), one.at_least) for one in order.recipe.different]


def _codes(desk: Desk, one: Different) -> Rows:
    if one.column == "decade":
        years = desk.facts.number("year")
        return np.where(np.isfinite(years), np.nan_to_num(years) // 10, -1).astype(np.int32)
    return desk.engine.catalogue.codes(one.column)


def goals(order: Order) -> Goals:
    """What makes one list of the recipe better than another."""
    recipe = order.recipe
    curves = tuple(_curve(order, trait, text) for trait, text in recipe.curve.items())
    said: dict[str, Any] = {"relevance": recipe.relevance, "transitions": recipe.smooth, "diversity": recipe.diversity}
    if recipe.familiar is not None:
        said |= {"familiarity": 1.0, "familiar": recipe.familiar}
    weights = {name: value for name, value in said.items() if value is not None}
    return Goals(curves=curves, **weights)


def _curve(order: Order, trait: str, text: str) -> Curve:
    """A curve in values of its trait; parts of the library run from the low to the high end of what may be chosen."""
    values = order.desk.trait(trait)[1][order.allowed]
    curve = Curve.parse(trait, text)
    known = values[np.isfinite(values)].astype(np.float64)
    if curve.absolute or not len(known):
        return curve
    low, high = span(known)
    return Curve(trait, tuple((place, low + share * (high - low)) for place, share in curve.points), absolute=True)
