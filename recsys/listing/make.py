"""One recipe at a desk: lists for one listener after another, each drafted, solved and told about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recsys.contracts import Floats
from recsys.errors import DataError
from recsys.listing import limits, seeded, shapes, tastes
from recsys.listing.desk import Desk, Listener, Mask
from recsys.listing.drafts import Draft, Order
from recsys.playlists.formats import Entry
from recsys.playlists.goals import Goals
from recsys.playlists.kinds import Recipe
from recsys.playlists.memory import Memory
from recsys.playlists.pool import Pool
from recsys.playlists.report import Report
from recsys.playlists.solve import Playlist, solve

DRAFTS: dict[str, Callable[[Order], list[Draft]]] = {
    "radio": seeded.radio,
    "mix": tastes.mix,
    "continue": seeded.more,
    "path": seeded.path,
    "mood": shapes.mood,
    "curve": shapes.curve,
    "rediscover": tastes.rediscover,
    "discover": tastes.discover,
    "new": tastes.new,
    "similar-artists": seeded.similar_artists,
    "for-scene": shapes.for_scene,
    "library-map": shapes.library_map,
}
SEVERAL = ("mix", "library-map")  # kinds that make more than one list
TIRED = 0.1  # what one listing in vain takes off a score, in standard deviations


@dataclass(frozen=True, eq=False)
class Listing:
    """A finished list.

    Attributes:
        name: what it is known by in the ledger and on disk.
        kind: of its recipe.
        who: whom it is for.
        made: tracks in order, what was relaxed, scores.
        reasons: one per track.
        report: how it turned out.
    """

    name: str
    title: str
    kind: str
    who: Listener
    made: Playlist
    reasons: list[str]
    report: Report


class Maker:
    """A recipe at a desk.

    Raises:
        DataError: data that this kind needs is not there, or nothing satisfies the filters.
    """

    def __init__(self, desk: Desk, name: str, recipe: Recipe, *, effort: float = 1.0) -> None:
        self.desk, self.name, self.recipe, self.effort = desk, name, recipe, effort
        self.kind = str(getattr(recipe, "kind"))  # noqa: B009

    @cached_property
    def allowed(self) -> Mask:
        """Tracks that may be chosen whoever it is for."""
        return limits.allowed(self.desk, self.recipe)

    def lists(self, who: Listener, *, seed: int, memory: Memory | None = None) -> list[Listing]:
        """The lists of this recipe for a listener; equal seeds, times and memories give equal lists."""
        if self.recipe.personal and not who.ids:
            raise DataError(f"a {self.kind} is made for a listener; name one (--for)")
        fresh = limits.fresh(self.desk, self.recipe, who, memory)
        order = Order(self.desk, self.recipe, who, self.allowed & fresh)
        if not order.allowed.any():
            raise DataError("nothing that may be chosen is left: all of it was heard or listed lately")
        drafts = DRAFTS[self.kind](order)
        several = self.kind in SEVERAL
        names = [f"{self.name} {i}" if several else self.name for i in range(1, len(drafts) + 1)]
        return [self._solved(order, name, draft, seed, memory) for name, draft in zip(names, drafts, strict=True)]

    def _solved(self, order: Order, name: str, draft: Draft, seed: int, memory: Memory | None) -> Listing:
        goals = limits.goals(order)
        made = self._whole(draft) if draft.whole else self._chosen(order, name, draft, goals, seed, memory)
        made = replace(made, notes=(*made.notes, *draft.notes), scores=_plain(draft, made))
        title = self._title(draft, order.who)
        report = Report.of(
            title, made, self.desk.facts, goals=goals, heard=order.who.heard, before=self._before(name, memory)
        )
        return Listing(name, title, self.kind, order.who, made, draft.reasons(made.rows), report)

    def _chosen(
        self, order: Order, name: str, draft: Draft, goals: Goals, seed: int, memory: Memory | None
    ) -> Playlist:
        rules = limits.rules(order, name, draft, memory)
        scores = _varied(draft, self.recipe.variety, np.random.default_rng(seed), memory)
        known = self._familiarity(order.who, draft) if self.recipe.familiar is not None else None
        pool = Pool.of(self.desk.facts, draft.rows, scores, likeness=self.desk.likeness, familiarity=known)
        return solve(pool, rules, goals, seed=seed % (1 << 31), effort=self.effort)

    def _whole(self, draft: Draft) -> Playlist:
        return Playlist(draft.rows, draft.scores, float(self.desk.facts.seconds[draft.rows].sum()))

    def _familiarity(self, who: Listener, draft: Draft) -> Floats:
        return np.isin(draft.rows, who.heard).astype(np.float32)

    def _before(self, name: str, memory: Memory | None) -> Mask | None:
        return None if memory is None else memory.on_last(name, self.recipe.last_lists or 7)

    def _title(self, draft: Draft, who: Listener) -> str:
        if self.recipe.title is None:
            return draft.title
        date = np.datetime_as_string(np.datetime64(int(self.desk.now), "s"), unit="D")
        told = {"name": draft.title, "listener": who.name, "date": str(date)}
        try:
            return self.recipe.title.format(**told)
        except (KeyError, IndexError, ValueError) as error:
            raise DataError(
                f"title {self.recipe.title!r}: {error}; expected {{name}}, {{listener}}, {{date}}"
            ) from error


def make(desk: Desk, name: str, recipe: Recipe, who: Listener | None = None, *, seed: int = 0) -> list[Listing]:
    """The lists of one recipe for one listener, or for nobody in particular.

    Raises:
        DataError: data that this kind needs is not there.
        UnknownId: a seed or artist that is not in the catalogue.
    """
    who = who or desk.nobody()
    return Maker(desk, name, recipe).lists(who, seed=seed, memory=desk.memory(who))


def entries(desk: Desk, listing: Listing) -> list[Entry]:
    """The list as entries for a file."""
    return [desk.engine.entry(int(row), why) for row, why in zip(listing.made.rows, listing.reasons, strict=True)]


def seed_of(*parts: object) -> int:
    """A seed that depends on all parts and nothing else.

    >>> seed_of(0, "daily", "ann", 19_700) == seed_of(0, "daily", "ann", 19_700)
    True
    """
    text = "\0".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _varied(draft: Draft, variety: float, rng: np.random.Generator, memory: Memory | None) -> Floats:
    """Scores with some chance in them, and less for what was listed in vain."""
    scores = draft.scores.astype(np.float32)
    known = scores[np.isfinite(scores)]
    spread = float(known.std()) if len(known) else 0.0
    scores = scores + np.float32(variety * spread) * rng.standard_normal(len(scores)).astype(np.float32)
    if memory is not None:
        scores = scores - np.float32(TIRED * spread) * memory.fatigue()[draft.rows]
    return scores


def _plain(draft: Draft, made: Playlist) -> Floats:
    """The scores of a list as its model gave them, (n,); NaN for a track that was no candidate."""
    order = np.argsort(draft.rows, kind="stable")
    place = np.clip(np.searchsorted(draft.rows[order], made.rows), 0, max(len(order) - 1, 0))
    if not len(order):
        return np.full(len(made), np.nan, np.float32)
    found = order[place]
    return np.where(draft.rows[found] == made.rows, draft.scores[found], np.nan).astype(np.float32)
