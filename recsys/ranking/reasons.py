"""Which own plays carried each recommendation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

LONGEST = 200  # plays looked at per listener, strongest first


class Carriers(NamedTuple):
    """For each recommended row the plays most alike, best first: track rows (−1: none) and cosines, (q, k, m)."""

    rows: NDArray[np.int32]
    alike: NDArray[np.float32]


def carriers(rows: NDArray[np.int32], histories: sp.csr_array, vectors: NDArray[np.float32], most: int = 1) -> Carriers:
    """The tracks in each listener's history that are most alike to each recommended one, by cosine.

    Args:
        rows: recommended track rows, (q, k), −1 = nothing.
        histories: weights of what each listener played, CSR (q, tracks).
        vectors: one vector of length 1 (or 0: unknown) per track, (tracks, d).
        most: m, plays to name for each.

    >>> vectors = np.array([[1, 0], [0, 1], [.8, .6]], dtype=np.float32)
    >>> carriers(np.array([[2, -1]]), sp.csr_array([[1.0, 1.0, 0.0]]), vectors)
    Carriers(rows=array([[[ 0], [-1]]], dtype=int32), alike=array([[[0.8], [0. ]]], dtype=float32))
    """
    plays = _strongest(histories)
    best = np.full((*rows.shape, most), -1, dtype=np.int32)
    alike = np.zeros((*rows.shape, most), dtype=np.float32)
    _scan(np.ascontiguousarray(rows, dtype=np.int32), plays.indptr, plays.indices, np.asarray(vectors), best, alike)
    return Carriers(best, alike)


def _strongest(histories: sp.csr_array) -> sp.csr_array:
    """The same histories with at most LONGEST plays each."""
    if not len(histories.indptr) or np.diff(histories.indptr).max(initial=0) <= LONGEST:
        return histories
    owner = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    order = np.lexsort((histories.indices, -histories.data, owner))
    place = np.arange(len(owner)) - histories.indptr[owner]
    keep = np.sort(order[place < LONGEST])
    counts = np.bincount(owner[keep], minlength=histories.shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sp.csr_array((histories.data[keep], histories.indices[keep], indptr), shape=histories.shape)


@numba.njit(cache=True, parallel=True, fastmath=True)
def _scan(rows: Any, indptr: Any, indices: Any, vectors: Any, best: Any, alike: Any) -> None:
    queries, k = rows.shape
    for q in numba.prange(queries):
        for j in range(k):
            if rows[q, j] < 0:
                continue
            target = vectors[rows[q, j]]
            for p in range(indptr[q], indptr[q + 1]):
                cosine = np.float32(0)
                source = vectors[indices[p]]
                for d in range(vectors.shape[1]):
                    cosine += target[d] * source[d]
                place = alike.shape[2]
                while place > 0 and cosine > alike[q, j, place - 1]:
                    place -= 1
                if place < alike.shape[2] and indices[p] != rows[q, j]:
                    for later in range(alike.shape[2] - 1, place, -1):
                        best[q, j, later], alike[q, j, later] = best[q, j, later - 1], alike[q, j, later - 1]
                    best[q, j, place], alike[q, j, place] = indices[p], cosine
