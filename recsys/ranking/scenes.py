"""What a ranker looks at: candidates of some listeners, what is said of them, and facts about tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.ranking.candidates import Candidates

Facts = Mapping[str, NDArray[Any]]
DEEPEST = 150  # ranks beyond this are all the same
LONGEST = 64  # plays of a history that candidates are compared with, strongest first


@dataclass(frozen=True, eq=False)
class Scene:
    """What features are made from.

    Attributes:
        histories: CSR (q, tracks).
        candidates: the tracks to rank.
        scores: standardised scores of each member, float32 (members, n).
        ranks: places in each member's list, from 0, at most ``DEEPEST``, (members, n).
        facts: arrays about tracks by name, first axis tracks.
        recent: rows of each listener's latest plays, latest first, −1 where there are no more or times are unknown,
            int32 (q, m); None = unknown of everybody.
    """

    histories: Histories
    candidates: Candidates
    scores: Floats
    ranks: Floats
    facts: Facts
    recent: Rows | None = None

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The listener of each candidate, (n,)."""
        return self.candidates.owner

    @cached_property
    def length(self) -> NDArray[np.int64]:
        """Tracks in each history, (q,)."""
        return np.diff(self.histories.indptr)

    @property
    def latest(self) -> Rows:
        """Rows of the latest plays, latest first, padded by −1, int32 (q, m)."""
        return np.full((len(self.length), 1), -1, np.int32) if self.recent is None else self.recent

    @cached_property
    def strongest(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Starts (q + 1,) and rows of the strongest plays of each history, strongest first."""
        few = strongest(self.histories, LONGEST)
        return few.indptr.astype(np.int64), few.indices.astype(np.int32)

    def fact(self, name: str) -> NDArray[Any]:
        """A fact of each candidate, (n, …)."""
        return self.facts[name][self.candidates.rows]

    def usual(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Mean over each history of a number per track, NaN where none of its tracks has one, (q,)."""
        known = np.isfinite(values[self.histories.indices])
        owner = np.repeat(np.arange(self.histories.shape[0]), self.length)[known]
        size = self.histories.shape[0]
        count = np.bincount(owner, minlength=size)
        total = np.bincount(owner, values[self.histories.indices][known], minlength=size)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def strongest(histories: Histories, most: int) -> sp.csr_array:
    """The ``most`` largest entries of each row, largest first, CSR of the same shape."""
    length = np.diff(histories.indptr)
    owner = np.repeat(np.arange(histories.shape[0]), length)
    order = np.lexsort((histories.indices, -histories.data, owner))
    kept = order[np.arange(len(order)) - histories.indptr[owner] < most]
    starts = np.r_[0, np.cumsum(np.minimum(length, most))]
    return sp.csr_array((histories.data[kept], histories.indices[kept], starts), shape=histories.shape)
