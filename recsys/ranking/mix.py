"""Lists whose mix of popularity and genre is the listener's own.

Steck, Calibrated recommendations, RecSys 2018; Abdollahpouri, Mansoury, Burke, Mobasher, Malthouse, User-centered
evaluation of popularity bias in recommender systems, UMAP 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.ranking.lists import scale
from recsys.tables import TopK

ALPHA = 0.01  # of the own mix that is always thought to be in a list, so that a ratio never has 0 below it
BANDS = (0.2, 0.8)  # shares of all plays at which what is popular ends and the long tail begins
Floats = NDArray[np.float32]


def bands(listeners: NDArray[Any]) -> sp.csr_array:
    """Tracks by popularity: which hold the first fifth of all plays, the middle, the last fifth; CSR (tracks, 3).

    Abdollahpouri, Mansoury, Burke, Mobasher, Malthouse, User-centered evaluation of popularity bias, UMAP 2021.

    >>> bands(np.array([1, 4, 5, 1])).toarray().argmax(axis=1)
    array([2, 1, 0, 2])
    """
    listeners = np.asarray(listeners, np.float64)
    order = np.argsort(-listeners, kind="stable")
    before = (np.cumsum(listeners[order]) - listeners[order]) / max(listeners.sum(), 1e-12)
    band = np.empty(len(order), np.int32)
    band[order] = np.searchsorted(BANDS, before + 1e-12, side="right")
    return sp.csr_array((np.ones(len(band), np.float32), band, np.arange(len(band) + 1)), shape=(len(band), 3))


def classes(ways: Sequence[sp.csr_array]) -> sp.csr_array:
    """Several ways to class tracks side by side, each with the same say; rows sum to 1, CSR (tracks, all classes).

    What a way says nothing about makes a class of its own, so that a list keeps the share of unclassed tracks too.

    >>> classes([sp.csr_array([[2.0, 2.0], [0.0, 0.0]]), bands(np.array([1, 9]))]).toarray()
    array([[0.25, 0.25, 0.  , 0.  , 0.  , 0.5 , 0.  ],
           [0.  , 0.  , 0.5 , 0.5 , 0.  , 0.  , 0.  ]], dtype=float32)
    """
    parts = []
    for way in ways:
        total = np.asarray(way.sum(axis=1), np.float64).ravel()
        unknown = sp.csr_array((total == 0).astype(np.float64)[:, None])
        parts.append(sp.diags_array(1 / np.where(total > 0, total, 1)) @ sp.hstack([way, unknown]) / len(ways))
    return sp.csr_array(sp.hstack(parts, format="csr"), dtype=np.float32)


def own_mix(histories: sp.csr_array, classes: sp.csr_array) -> Floats:
    """How each listener's plays, log(1 + weight) each, spread over classes: rows sum to 1 or 0, (q, classes)."""
    weight = sp.csr_array((np.log1p(histories.data), histories.indices, histories.indptr), shape=histories.shape)
    total = np.asarray((weight @ classes).toarray(), np.float32)
    whole = total.sum(axis=1, keepdims=True)
    return np.divide(total, whole, out=np.zeros_like(total), where=np.asarray(whole > 0))


def calibrated(lists: TopK, mix: Floats, classes: sp.csr_array, weight: float, n: int) -> TopK:
    """The ``n`` candidates that are good together: high scores, and spread over classes like the listener's own plays.

    Each next track is the one that makes ``(1 − weight) mean score − weight · KL(own mix || mix of the list)``
    largest, scores standardised within the list: greedy as in Steck, Calibrated recommendations, RecSys 2018, whose
    sum of scores is a mean here, so that the weight means the same for any length. A listener without a mix keeps
    the order.

    Args:
        lists: candidates (q, c).
        mix: the own mix, rows sum to 1, (q, classes).
        classes: CSR (tracks, classes) whose rows sum to 1.
        weight: 0 … 1.
        n: how many to choose; the rest is cut.
    """
    if weight <= 0:
        return lists
    real = lists.rows >= 0
    mean, spread = scale(lists.scores, real)
    standard = (np.where(real, lists.scores, mean) - mean) / np.where(spread > 0, spread, 1).astype(np.float32)
    chosen = np.full((len(lists), min(n, lists.rows.shape[1])), -1, np.int32)
    parts = classes.indptr, classes.indices, classes.data.astype(np.float32)
    from recsys.ranking.dial_kernels import choose

    choose(lists.rows, standard, np.asarray(mix, np.float32), *parts, np.float32(weight), np.float32(ALPHA), chosen)
    rows = np.where(chosen >= 0, np.take_along_axis(lists.rows, np.maximum(chosen, 0), axis=1), -1)
    scores = np.where(chosen >= 0, np.take_along_axis(lists.scores, np.maximum(chosen, 0), axis=1), -np.inf)
    return TopK(rows, scores)
