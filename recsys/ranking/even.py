"""Lists in, lists whose first places together fall on groups of tracks as they should out: exposure evened out.

Conventions:
    * A place at rank r has the exposure 1 / log2(r + 1); all lists count alike.
    * Each group of tracks gets one offset, in deviations of the scores of a list, the same in every list: so a list is
      the same whether it is asked for alone or with others, and what the dial did is a part of the score. Offsets are
      found from the lists of a sample of listeners, by multiplicative steps towards the wanted shares (exposure
      amortised over listeners: Biega, Gummadi and Weikum, Equity of attention, SIGIR 2018).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.ranking.lists import reordered, scale
from recsys.tables import TopK

ROUNDS, FIRST, LAST = 60, 0.5, 0.05  # steps, and how large the first and the last of them are
FARTHEST = 6.0  # deviations that an offset may have
Floats = NDArray[np.float32]
Shares = NDArray[np.float64]


def shares(lists: TopK, classes: sp.csr_array, n: int) -> Shares:
    """How the first ``n`` places of all lists fall on groups, (groups,), adding up to 1.

    Args:
        classes: share of each group in each track, CSR (tracks, groups).

    >>> shares(TopK(np.array([[0, 1]]), np.zeros((1, 2))), sp.csr_array(np.eye(2)), 2).round(2)
    array([0.61, 0.39])
    """
    rows = lists.rows[:, :n]
    worth = np.where(rows >= 0, 1 / np.log2(np.arange(rows.shape[1]) + 2), 0.0)
    tracks = np.bincount(np.maximum(rows, 0).ravel(), weights=worth.ravel(), minlength=classes.shape[0])
    found = np.asarray(tracks @ classes, np.float64).ravel()
    return found / max(found.sum(), 1e-12)


def offsets(lists: TopK, classes: sp.csr_array, target: Shares, dial: float, n: int) -> Floats:
    """What each track's score gets, in deviations, so that exposure comes nearer to ``target``, float32 (tracks,).

    Args:
        lists: longer ones than ``n``, of a sample of listeners.
        classes: share of each group in each track, CSR (tracks, groups).
        target: the shares that are wanted, (groups,).
        dial: 0 = exposure as it is … 1 = as the target.

    >>> lists = TopK(np.tile([0, 1, 2, 3], (9, 1)), np.tile([4.0, 3.0, 2.0, 1.0], (9, 1)))
    >>> even = offsets(lists, sp.csr_array(np.repeat(np.eye(2), 2, axis=0)), np.array([0.5, 0.5]), 1.0, 2)
    >>> bool(even[0] < 0 < even[2])
    True
    """
    before = shares(lists, classes, n)
    wanted = (1 - dial) * before + dial * np.asarray(target, np.float64)
    made, best, least = np.zeros(len(wanted)), np.zeros(len(wanted)), np.inf
    for step in np.geomspace(FIRST, LAST, ROUNDS):
        found = shares(evened(lists, np.asarray(classes @ made, np.float32)), classes, n)
        if (apart := float(np.abs(found - wanted).sum())) < least:
            least, best = apart, made.copy()
        made += step * np.clip(np.log((wanted + 1e-3) / (found + 1e-3)), -1, 1)
        made = np.clip(made - made.mean(), -FARTHEST, FARTHEST)
    return np.asarray(classes @ best, np.float32)


def evened(lists: TopK, offset: Floats) -> TopK:
    """The lists by their scores and what their tracks get, in deviations of each list's scores."""
    real = lists.rows >= 0
    _, spread = scale(lists.scores, real)
    return reordered(lists, np.where(real, lists.scores, 0) + spread * offset[lists.rows])
