"""Several sources in, the tracks worth ranking for each listener out: hundreds instead of the whole catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows

NEVER = np.float32(-np.inf)


class Candidates(NamedTuple):
    """Tracks to rank, listener after listener.

    Attributes:
        starts: where each listener's tracks begin, int64 (q + 1,).
        rows: track rows, growing within a listener, int32 (n,).
    """

    starts: NDArray[np.int64]
    rows: Rows

    @property
    def owner(self) -> NDArray[np.int64]:
        """The listener of each candidate, (n,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def at(self, scores: Floats) -> Floats:
        """The candidates' entries of dense scores (q, tracks), (n,)."""
        return scores[self.owner, self.rows]

    def inside(self, matrix: sp.csr_array) -> NDArray[np.bool_]:
        """Which candidates are stored entries of a CSR matrix (q, tracks), bool (n,)."""
        stored = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * matrix.shape[1] + matrix.indices
        return np.isin(self.owner * matrix.shape[1] + self.rows, stored)


def best(scores: Floats, k: int) -> Rows:
    """The ``k`` largest of each row, best first, int32 (q, k); −1 where there are fewer above −inf.

    >>> best(np.float32([[0.1, 0.9, -np.inf]]), 3)
    array([[ 1,  0, -1]], dtype=int32)
    """
    found = np.full((len(scores), k), -1, np.int32)
    _heaps(np.ascontiguousarray(scores, dtype=np.float32), found)
    return found


def union(lists: list[Rows], tracks: int) -> Candidates:
    """Every track that is in any of the lists of a listener.

    Args:
        lists: from each source, rows padded by −1, int32 (q, any).
        tracks: how many there are.

    >>> union([np.array([[2, -1], [0, 1]]), np.array([[2], [5]])], 9)
    Candidates(starts=array([0, 1, 4]), rows=array([2, 0, 1, 5], dtype=int32))
    """
    together = np.concatenate(lists, axis=1)
    keys = np.arange(len(together))[:, None] * tracks + together.astype(np.int64)
    kept = np.unique(keys[together >= 0])
    counts = np.bincount(kept // max(tracks, 1), minlength=len(together))
    return Candidates(np.r_[0, np.cumsum(counts)].astype(np.int64), (kept % max(tracks, 1)).astype(np.int32))


def closed(scores: Floats, exclude: sp.csr_array | None, allow: Rows | None) -> Floats:
    """A copy of scores (q, tracks) with −inf where a listener must not get a track."""
    found = np.array(scores, np.float32)
    if exclude is not None:
        found[np.repeat(np.arange(len(found)), np.diff(exclude.indptr)), exclude.indices] = NEVER
    if allow is not None:
        shut = np.ones(found.shape[1], np.bool_)
        shut[np.asarray(allow)] = False
        found[:, shut] = NEVER
    return found


def by_artists(histories: Histories, artist: Rows, plays: Floats) -> Floats:
    """Scores of tracks by artists that are in a history: share of the history, then plays; −inf for all others.

    Args:
        histories: CSR (q, tracks).
        artist: codes, −1 unknown, (tracks,).
        plays: of each track, (tracks,).
    """
    share = artist_share(histories, artist)
    known = np.maximum(artist, 0)
    found = np.take(share.toarray(), known, axis=1)
    found[:, artist < 0] = 0
    return np.where(found > 0, found + 1e-3 * plays / max(float(plays.max(initial=0)), 1), NEVER).astype(np.float32)


def artist_share(histories: Histories, artist: Rows) -> sp.csr_array:
    """Share of each history's tracks that is by each artist, float32 CSR (q, artists)."""
    owner = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    played = artist[histories.indices]
    some = played >= 0
    each = 1 / np.maximum(np.diff(histories.indptr), 1).astype(np.float32)
    shape = histories.shape[0], int(artist.max(initial=-1)) + 1
    return sp.csr_array((each[owner[some]], (owner[some], played[some])), shape=shape)


def recall_by_source(lists: Mapping[str, Rows], held: sp.csr_array) -> dict[str, float]:
    """Share of the held-out pairs that each source brings, and all of them together as "all".

    >>> recall_by_source({"a": np.array([[0, 1]]), "b": np.array([[2, -1]])}, sp.csr_array([[1, 0, 1, 1]]))
    {'a': 0.3333333333333333, 'b': 0.3333333333333333, 'all': 0.6666666666666666}
    """
    total = max(held.nnz, 1)
    every = {**lists, "all": np.concatenate(list(lists.values()), axis=1)}
    return {name: float(union([rows], held.shape[1]).inside(held).sum() / total) for name, rows in every.items()}


@numba.njit(cache=True, parallel=True, nogil=True)
def _heaps(scores: Any, found: Any) -> None:
    """Into ``found`` (q, k), already −1, the places of the largest scores above −inf; equal ones by lower place."""
    for row in numba.prange(len(scores)):
        line, k = scores[row], found.shape[1]
        heap = np.full(k, -np.inf, np.float32)
        rows = np.full(k, -1, np.int32)
        for place in range(len(line)):
            if line[place] > heap[0]:
                _replace_least(heap, rows, line[place], place)
        order = np.argsort(-heap, kind="mergesort")
        _by_place(heap, rows, order)
        found[row] = rows[order]


@numba.njit(cache=True, nogil=True)
def _replace_least(heap: Any, rows: Any, score: Any, row: Any) -> None:
    """Put a score in the place of the least one of a heap whose first is the least, of equal ones the latest row."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= len(heap):
            break
        if child + 1 < len(heap):
            tie = heap[child + 1] == heap[child] and rows[child + 1] > rows[child]
            child += tie or heap[child + 1] < heap[child]
        if heap[child] >= score:
            break
        heap[place], rows[place] = heap[child], rows[child]
        place = child
    heap[place], rows[place] = score, row


@numba.njit(cache=True, nogil=True)
def _by_place(heap: Any, rows: Any, order: Any) -> None:
    """Within runs of equal scores, the lower row first."""
    for end in range(1, len(order)):
        place = end
        while (
            place > 0 and heap[order[place]] == heap[order[place - 1]] and rows[order[place]] < rows[order[place - 1]]
        ):
            order[place], order[place - 1] = order[place - 1], order[place]
            place -= 1
