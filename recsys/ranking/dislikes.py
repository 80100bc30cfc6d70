"""Skips and dislikes that fade, and lists without what is like them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.ranking.lists import reordered, scale
from recsys.tables import TopK

DAY = 86_400.0
JUST = 0.5  # a dislike that still weighs this much keeps its track out altogether
Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Times = NDArray[np.int64]


def disliked(
    skips: sp.csr_array,
    skipped: Times | None,
    histories: sp.csr_array,
    now: float | None,
    half_life: float,
) -> sp.csr_array:
    """How much each listener dislikes what was skipped, 0 … 1: the share of skips in skips and plays, faded.

    CSR (q, tracks), entries as in ``skips``.

    Args:
        skips: summed strengths, CSR (q, tracks).
        skipped: when each entry happened last, (nnz,); None = unknown, and nothing fades.
        histories: summed weights of plays, CSR (q, tracks): one skip of a track played fifty times says little.
        now: when the lists are for.
        half_life: days after which a skip counts half.

    >>> skips, plays = sp.csr_array([[1.0, 1.0, 0]]), sp.csr_array([[0, 3.0, 0]])
    >>> disliked(skips, np.array([0, 86_400]), plays, now=86_400.0, half_life=1.0).toarray()
    array([[0.5 , 0.25, 0.  ]], dtype=float32)
    """
    left = np.ones(skips.nnz)
    if skipped is not None and now is not None:
        left = np.exp2(-np.maximum(now - skipped, 0) / (DAY * half_life))
    against = skips.data + _at(histories, skips)
    found = left * np.divide(skips.data, against, out=np.zeros(skips.nnz), where=against > 0)
    return sp.csr_array((found.astype(np.float32), skips.indices, skips.indptr), shape=skips.shape)


def unlike(lists: TopK, dislikes: sp.csr_array, vectors: Floats | None, strength: float) -> TopK:
    """Candidates less what they have of disliked tracks; those disliked by half or more are gone.

    A candidate loses ``strength`` deviations of its list's scores times the largest of dislike × cosine over the
    listener's disliked tracks.

    Args:
        lists: candidates (q, c).
        dislikes: 0 … 1, CSR (q, tracks).
        vectors: unit vectors (tracks, d), or None: then only the disliked tracks themselves fall.
        strength: deviations taken from the copy of a track that is wholly disliked.
    """
    scores = lists.scores.copy()
    _, spread = scale(lists.scores, lists.rows >= 0)
    for row in np.flatnonzero(np.diff(dislikes.indptr)).tolist():
        tracks, dislike = _row(dislikes, row)
        mine = lists.rows[row]
        alike = (mine[:, None] == tracks).astype(np.float32)
        if vectors is not None:
            alike = np.maximum(alike, np.asarray(vectors[mine]) @ np.asarray(vectors[tracks]).T)
        scores[row] -= np.float32(strength) * spread[row] * (alike * dislike).max(axis=1)
        scores[row, np.isin(mine, tracks[dislike >= JUST])] = -np.inf
    return reordered(lists, scores)


def _row(matrix: sp.csr_array, row: int) -> tuple[Rows, Floats]:
    span = slice(matrix.indptr[row], matrix.indptr[row + 1])
    kept = matrix.data[span] > 0
    return matrix.indices[span][kept], matrix.data[span][kept]


def _at(matrix: sp.csr_array, places: sp.csr_array) -> NDArray[Any]:
    """Values of ``matrix`` where ``places`` has entries, (nnz of places,)."""
    width = np.int64(matrix.shape[1])
    mine, asked = (np.repeat(np.arange(m.shape[0]), np.diff(m.indptr)) * width + m.indices for m in (matrix, places))
    order = np.argsort(mine, kind="stable")
    at = np.minimum(np.searchsorted(mine[order], asked), max(len(mine) - 1, 0))
    if not len(mine):
        return np.zeros(len(asked))
    return np.where(mine[order][at] == asked, matrix.data[order][at], 0)
