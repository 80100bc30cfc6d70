"""What lists are like beyond their accuracy: spread, popularity, novelty, variety, repetition.

Conventions:
    * ``plays`` is CSR (listeners, tracks) of the training side: who could have told us of a track. A track's
      popularity is its number of listeners there.
    * Numbers are per list, float64 (q,), NaN where a list has nothing to measure; ``coverage`` and ``gini``
      are about all lists together and are single numbers.
    * Nothing here is good or bad by itself; read it beside the accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Histories
from recsys.evaluation.metrics import PerUser, contains
from recsys.tables import TopK

Counts = NDArray[np.integer]


def coverage(lists: TopK, tracks: int, k: int) -> float:
    """Share of the candidate tracks that anybody is recommended in the first k.

    >>> coverage(TopK(np.array([[0, 1], [0, 3]]), np.zeros((2, 2))), tracks=4, k=2)
    0.75
    """
    rows = lists.rows[:, :k]
    return len(np.unique(rows[rows >= 0])) / tracks


def gini(lists: TopK, tracks: int, k: int) -> float:
    """How unevenly recommendations fall on the candidates: 0 = all alike, towards 1 = all on one track.

    >>> gini(TopK(np.array([[0], [1]]), np.zeros((2, 1))), tracks=2, k=1)
    0.0
    """
    rows = lists.rows[:, :k]
    _, found = np.unique(rows[rows >= 0], return_counts=True)
    count = np.sort(np.r_[found, np.zeros(max(0, tracks - len(found)))])
    n = len(count)
    return float((2 * np.arange(1, n + 1) - n - 1) @ count / (n * count.sum())) if count.sum() else float("nan")


def novelty(lists: TopK, popularity: Counts, listeners: int, k: int) -> PerUser:
    """Mean surprise of the first k in bits, −log2((popularity + 1) / (listeners + 1)) (after Zhou et al. 2010)."""
    surprise = -np.log2((popularity + 1) / (listeners + 1))
    return _mean_over(lists, surprise, k)


def popularity_lift(lists: TopK, histories: Histories, popularity: Counts, k: int) -> PerUser:
    """How much more popular the first k are than what the listener plays: 0 = as popular, 1 = twice as popular."""
    counts = np.diff(histories.indptr)
    shown = sp.csr_array((popularity[histories.indices], histories.indices, histories.indptr), shape=histories.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = shown.sum(axis=1) / counts
        lift = _mean_over(lists, popularity, k) / own - 1
    return np.where(np.isfinite(lift), lift, np.nan)


def repeat_rate(lists: TopK, histories: Histories, k: int) -> PerUser:
    """Share of the first k that the listener has played before."""
    head = lists.head(k)
    return _over(contains(histories, head).sum(axis=1), head.lengths)


def cold_share(lists: TopK, popularity: Counts, k: int) -> PerUser:
    """Share of the first k that nobody has played."""
    return _mean_over(lists, popularity == 0, k)


def artist_share(lists: TopK, artists: NDArray[np.integer], k: int) -> PerUser:
    """The largest share of the first k that one artist has; a track without an artist stands for itself.

    >>> artist_share(TopK(np.array([[0, 1, 2, 3]]), np.zeros((1, 4))), np.array([7, 7, 7, -1]), 4)
    array([0.75])
    """
    rows = lists.rows[:, :k]
    alone = artists.max(initial=0) + 1 + np.arange(rows.shape[1])
    code = np.where(artists[rows] >= 0, artists[rows], alone)
    code = np.sort(np.where(rows >= 0, code, -1 - np.arange(rows.shape[1])), axis=1)
    run = np.ones(len(rows), np.int64)
    longest = run.copy()
    for j in range(1, rows.shape[1]):
        run = np.where(code[:, j] == code[:, j - 1], run + 1, 1)
        longest = np.maximum(longest, run)
    return _over(longest, (rows >= 0).sum(axis=1))


def diversity(lists: TopK, vectors: NDArray[np.floating], k: int) -> PerUser:
    """Mean of 1 − cosine over all pairs in the first k (Ziegler et al. 2005); tracks with a zero vector are left out.

    >>> diversity(TopK(np.array([[0, 1]]), np.zeros((1, 2))), np.array([[1., 0.], [0., 2.]]), 2)
    array([1.])
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    chosen = _indicator(lists, k, len(vectors))
    total = (chosen @ unit).astype(np.float64)
    n = chosen @ (length[:, 0] > 0).astype(np.float64)
    return 1 - _over((total**2).sum(axis=1) - n, n * (n - 1))


def evaluate(
    lists: TopK,
    histories: Histories,
    plays: Histories,
    *,
    k: int = 20,
    cover: int | None = None,
    lift: int | None = None,
    tracks: int | None = None,
    artists: NDArray[np.integer] | None = None,
    spaces: Mapping[str, NDArray[np.floating]] | None = None,
) -> dict[str, float]:
    """All of the above by name, means over the lists where there is something to measure.

    Args:
        lists: one per evaluated listener.
        histories: what each of them showed, CSR (q, tracks).
        plays: the training side, CSR (listeners, tracks).
        k: length of list.
        cover, lift: length of list for coverage and popularity lift; None = k.
        tracks: number of candidates; None = all tracks, those without a play too, since they may be listed.
        artists: artist code per track, −1 = unknown.
        spaces: vectors (tracks, d) by name, for the diversity in each.
    """
    popularity = np.bincount(plays.indices, minlength=plays.shape[1])
    listeners = int((np.diff(plays.indptr) > 0).sum())
    tracks = plays.shape[1] if tracks is None else tracks
    cover, lift = cover or k, lift or k
    found: dict[str, PerUser | float] = {
        f"coverage@{cover}": coverage(lists, tracks, cover),
        f"gini@{k}": gini(lists, tracks, k),
        f"novelty@{k}": novelty(lists, popularity, listeners, k),
        f"popularity_lift@{lift}": popularity_lift(lists, histories, popularity, lift),
        f"repeat_rate@{k}": repeat_rate(lists, histories, k),
        f"cold_share@{k}": cold_share(lists, popularity, k),
    }
    if artists is not None and (artists >= 0).any():
        found[f"artist_share@{k}"] = artist_share(lists, artists, k)
    for space, vectors in (spaces or {}).items():
        found[f"diversity_{space}@{k}"] = diversity(lists, vectors, k)
    return {name: _mean(value) for name, value in found.items()}


def _mean(value: PerUser | float) -> float:
    known = np.asarray(value)[np.isfinite(value)]
    return float(known.mean()) if known.size else float("nan")


def _over(total: NDArray[np.number], count: NDArray[np.number]) -> PerUser:
    """total / count, NaN where count is 0."""
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _mean_over(lists: TopK, values: NDArray[np.generic], k: int) -> PerUser:
    rows = lists.rows[:, :k]
    return _over(np.where(rows >= 0, values[rows], 0).sum(axis=1), (rows >= 0).sum(axis=1))


def _indicator(lists: TopK, k: int, tracks: int) -> sp.csr_array:
    """CSR (q, tracks) with 1 where a track is among the first k."""
    rows = lists.rows[:, :k]
    real = rows >= 0
    bounds = np.r_[0, np.cumsum(real.sum(axis=1))]
    return sp.csr_array((np.ones(real.sum(), np.float32), rows[real], bounds), shape=(len(rows), tracks))
