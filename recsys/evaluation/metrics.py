"""Accuracy of ranked lists against hidden tracks, one number per listener.

Conventions:
    * ``hit`` is bool (q, depth): whether the j-th track of listener i's list is one of the hidden ones, best
      first; places past the end of a short list are False.
    * ``size`` is int (q,): how many tracks are hidden for each listener, at least 1.
    * Larger is better, except for ``clicks``. A listener with an empty list scores 0 (51 clicks), so that a
      model gains nothing by answering only the easy ones.
    * recall divides by min(k, size) and ndcg's ideal list has min(k, size) hits (as in Liang et al. 2018,
      "Variational autoencoders for collaborative filtering"), so that 1.0 can always be reached; so does map.
    * r_precision and clicks are those of the RecSys Challenge 2018.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Histories
from recsys.errors import DataError
from recsys.tables import TopK

Hits = NDArray[np.bool_]
Sizes = NDArray[np.integer]
PerUser = NDArray[np.float64]
KS = (5, 10, 20, 50, 100)
CLICK_DEPTH = 500
CLICKS_PER_PAGE = 10
NO_CLICK = 51


def validate(lists: TopK, held: Histories) -> None:
    """Refuse lists and hidden tracks that can't belong together.

    Raises:
        DataError: other numbers of listeners, a row beyond the catalogue, a track twice in one list, or a
            listener with nothing hidden.
    """
    if len(lists) != held.shape[0]:
        raise DataError(f"{len(lists)} lists but {held.shape[0]} listeners with hidden tracks; expected one each")
    if lists.rows.size and lists.rows.max() >= held.shape[1]:
        raise DataError(f"a list holds track row {lists.rows.max()}; expected rows below {held.shape[1]}")
    if (np.diff(held.indptr) == 0).any():
        row = int(np.argmax(np.diff(held.indptr) == 0))
        raise DataError(f"listener {row} has no hidden tracks; expected at least 1 (leave such listeners out)")
    ordered = np.sort(lists.rows, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row = int(np.argmax(twice.any(axis=1)))
        raise DataError(f"list {row} holds a track twice; expected each track at most once")


def hits(lists: TopK, held: Histories) -> Hits:
    """Which places of each list hold a hidden track, bool (q, k).

    >>> import scipy.sparse as sp
    >>> held = sp.csr_array([[0, 1, 1], [1, 0, 0]])
    >>> hits(TopK(np.array([[1, 0], [2, -1]]), np.array([[.9, .8], [.7, -np.inf]])), held)
    array([[ True, False],
           [False, False]])
    """
    return contains(held, lists)


def contains(matrix: Histories, lists: TopK) -> Hits:
    """Whether the entry (i, track) is stored in ``matrix`` for each track of list i, bool (q, k)."""
    width = matrix.shape[1]
    stored = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * width + matrix.indices
    stored = np.sort(stored)
    keys = np.arange(len(lists))[:, None] * width + lists.rows
    place = np.minimum(np.searchsorted(stored, keys), max(len(stored) - 1, 0))
    return (stored[place] == keys) & (lists.rows >= 0) if len(stored) else np.zeros(keys.shape, bool)


def recall(hit: Hits, size: Sizes, k: int) -> PerUser:
    """Hidden tracks found in the first k, of the min(k, size) that could be.

    >>> recall(np.array([[True, False, True]]), np.array([4]), 2)
    array([0.5])
    """
    return hit[:, :k].sum(axis=1) / np.minimum(size, k)


def hit_rate(hit: Hits, size: Sizes, k: int) -> PerUser:
    """1 if any of the first k is a hidden track, else 0."""
    return np.asarray(hit[:, :k].any(axis=1), np.float64)


def ndcg(hit: Hits, size: Sizes, k: int) -> PerUser:
    """Binary discounted gain of the first k, over that of an ideal list (Järvelin & Kekäläinen 2002).

    >>> ndcg(np.array([[False, True]]), np.array([1]), 2).round(4)
    array([0.6309])
    """
    gain = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.r_[0, np.cumsum(gain)][np.minimum(size, k)]
    head = hit[:, :k]
    return np.asarray(head @ gain[: head.shape[1]] / ideal)


def average_precision(hit: Hits, size: Sizes, k: int) -> PerUser:
    """Mean over the min(k, size) possible hits of the precision at each hit in the first k.

    >>> average_precision(np.array([[True, False, True]]), np.array([2]), 3).round(4)
    array([0.8333])
    """
    head = hit[:, :k]
    precision = np.cumsum(head, axis=1) / np.arange(1, head.shape[1] + 1)
    return (precision * head).sum(axis=1) / np.minimum(size, k)


def reciprocal_rank(hit: Hits, size: Sizes) -> PerUser:
    """1 / the place of the first hidden track, from 1; 0 without one.

    >>> reciprocal_rank(np.array([[False, True], [False, False]]), np.array([1, 1]))
    array([0.5, 0. ])
    """
    return np.where(hit.any(axis=1), 1 / (_first(hit) + 1), 0.0)


def r_precision(hit: Hits, size: Sizes) -> PerUser:
    """Share of hidden tracks in a list as long as there are hidden tracks.

    >>> r_precision(np.array([[True, False, True]]), np.array([2]))
    array([0.5])
    """
    return (hit & (np.arange(hit.shape[1]) < size[:, None])).sum(axis=1) / size


def clicks(hit: Hits, size: Sizes) -> PerUser:
    """Pages of ten to turn before the first hidden track; 51 when none is in the first 500. Smaller is better.

    >>> clicks(np.array([[False] * 10 + [True], [False] * 11]), np.array([1, 1]))
    array([ 1., 51.])
    """
    head = hit[:, :CLICK_DEPTH]
    return np.where(head.any(axis=1), _first(head) // CLICKS_PER_PAGE, NO_CLICK).astype(np.float64)


def evaluate(lists: TopK, held: Histories, ks: Sequence[int] = KS) -> dict[str, PerUser]:
    """All of the above by name (``recall@20`` … ``clicks``), one number per listener each.

    Args:
        lists: one per listener, best first; as deep as can be up to 500, for clicks and mrr.
        held: hidden tracks, CSR (q, tracks), at least one per row.
        ks: cut-offs.

    >>> import scipy.sparse as sp
    >>> lists = TopK(np.array([[1, 2], [0, 2]]), np.array([[2., 1.], [2., 1.]]))
    >>> evaluate(lists, sp.csr_array([[0, 1, 0], [0, 0, 1]]), ks=(1,))["recall@1"]
    array([1., 0.])
    """
    validate(lists, held)
    hit, size = hits(lists, held), np.diff(held.indptr)
    at_k = {"recall": recall, "ndcg": ndcg, "map": average_precision, "hit": hit_rate}
    numbers = {f"{name}@{k}": measure(hit, size, k) for name, measure in at_k.items() for k in ks}
    whole = {"mrr": reciprocal_rank, "r_precision": r_precision, "clicks": clicks}
    return numbers | {name: measure(hit, size) for name, measure in whole.items()}


def _first(hit: Hits) -> NDArray[np.intp]:
    return hit.argmax(axis=1) if hit.shape[1] else np.zeros(len(hit), np.intp)
