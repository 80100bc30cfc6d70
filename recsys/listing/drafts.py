"""What every kind of list is drafted with: candidates and their scores, reasons, where the list begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.explain import LIKELY, POPULAR
from recsys.listing.desk import Desk, Listener, Mask
from recsys.playlists.kinds import Recipe
from recsys.playlists.rules import Quota
from recsys.ranking.reasons import carriers

DAY = 86_400
OWN = "one of your own"
Reasons = Callable[[Rows], list[str]]


@dataclass(frozen=True, eq=False)
class Draft:
    """One list before it is solved.

    Attributes:
        title: what it is called when the recipe says nothing.
        rows, scores: candidates, (c,), larger is better.
        reasons: why some rows are in the list.
        opening, closing: rows that begin and end it.
        tracks: its length, where it is not the recipe's.
        quotas: further ones than the recipe's.
        notes: what a reader of the list should know.
        whole: whether the candidates are the list, in their order: nothing is chosen.
    """

    title: str
    rows: Rows
    scores: Floats
    reasons: Reasons
    opening: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()
    tracks: int | None = None
    quotas: tuple[Quota, ...] = ()
    notes: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Order:
    """What a draft is asked for: the recipe, whom for, and the tracks that may be chosen, bool (tracks,)."""

    desk: Desk
    recipe: Recipe
    who: Listener
    allowed: Mask

    @property
    def rows(self) -> Rows:
        """The tracks that may be chosen."""
        return np.flatnonzero(self.allowed).astype(np.int32)

    @property
    def candidates(self) -> int:
        """How many candidates are enough for a good choice."""
        length = self.recipe.tracks or int(self.recipe.minutes or 0) // 2
        return min(20 * length + 200, len(self.allowed))


def because(desk: Desk, history: sp.csr_array, words: str = "because you played {}") -> Reasons:
    """Reasons that name the track of a history that is most alike, or say that it is in the history itself."""
    own = set(history.indices.tolist())

    def reasons(rows: Rows) -> list[str]:
        if desk.engine.taste is None or not history.nnz:
            return [OWN if row in own else POPULAR for row in rows.tolist()]
        found = carriers(rows[None, :], history, desk.engine.taste)
        near = zip(rows.tolist(), found.rows[0, :, 0].tolist(), found.alike[0, :, 0].tolist(), strict=True)
        return [
            OWN if row in own else words.format(desk.engine.name(play)) if play >= 0 and alike >= LIKELY else POPULAR
            for row, play, alike in near
        ]

    return reasons


def history_of(
    tracks: int, rows: Sequence[int] | Rows, weights: Sequence[float] | Floats | None = None
) -> sp.csr_array:
    """Some tracks as if a listener had played them, CSR (1, tracks)."""
    rows = np.asarray(rows, np.int32)
    data = np.ones(len(rows), np.float32) if weights is None else np.asarray(weights, np.float32)
    made = sp.csr_array((data, (np.zeros(len(rows), np.int32), rows)), shape=(1, tracks))
    made.sum_duplicates()
    return made


def mixed(first: Floats, second: Floats, share: float) -> Floats:
    """Two scores of the same tracks as one; ``share`` is the weight of the second.

    >>> mixed(np.array([0, 10], np.float32), np.array([3, 1], np.float32), 0.25).tolist()
    [0.25, 0.75]
    """
    return ((1 - share) * unit(first) + share * unit(second)).astype(np.float32)


def unit(scores: NDArray[np.floating]) -> Floats:
    """Scores brought to 0..1, all alike to 0; what is unknown stays unknown."""
    known = scores[np.isfinite(scores)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    return ((scores - low) / max(high - low, 1e-12)).astype(np.float32)


def ranks(values: Floats) -> Floats:
    """Each value's place among all, 0 = lowest to 1 = highest, ties alike; NaN where unknown.

    >>> ranks(np.array([5, np.nan, 1, 5], np.float32)).tolist()
    [0.75, nan, 0.0, 0.75]
    """
    made = np.full(len(values), np.nan, np.float32)
    known = np.isfinite(values)
    ordered = np.sort(values[known])
    below = np.searchsorted(ordered, values[known], side="left")
    upto = np.searchsorted(ordered, values[known], side="right") - 1
    made[known] = (below + upto) / 2 / max(len(ordered) - 1, 1)
    return made


def profile(desk: Desk, rows: Rows, weights: Floats | None = None) -> Mapping[str, Floats]:
    """The mean vector of some tracks in each block, (1, d); what lies near it is alike."""
    some = np.ones(len(rows), np.float32) if weights is None else weights
    made = {}
    for block in desk.weights:
        mean = (some[:, None] * desk.index.vectors(block, rows)).sum(axis=0, keepdims=True)
        made[block] = (mean / max(float(np.linalg.norm(mean)), 1e-30)).astype(np.float32)
    return made
