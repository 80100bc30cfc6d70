"""Two orders of the same candidates in, one out: a ranker's where it is to be believed, another's where it is not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats

BEYOND = np.float32(1e-3)  # slope of guesses outside what the ranker was asked about


def guessed(scores: Floats, others: Floats, sure: Floats, starts: NDArray[np.int64]) -> Floats:
    """The other order on the ranker's scale: what the ranker, where it is asked, gave to candidates held alike, (n,).

    Args:
        scores: of the ranker, (n,).
        others: of the other order, (n,).
        sure: how far the ranker is to be believed of each, from 0 (not asked) to 1, (n,).
        starts: where each list begins, (q + 1,); a list of which fewer than two are asked keeps ``others``.

    >>> guessed(np.float32([3, 1, 9]), np.float32([0.2, 0.1, 0.15]), np.float32([1, 1, 0]), np.array([0, 3])).tolist()
    [3.0, 1.0, 2.0]
    """
    found = np.array(others, np.float32)
    for start, stop in pairwise(starts):
        asked = sure[start:stop] > 0
        if asked.sum() < 2:
            continue
        mine = others[start:stop]
        low, high = np.sort(mine[asked]), np.sort(scores[start:stop][asked])
        found[start:stop] = np.interp(mine, low, high) - BEYOND * (np.clip(mine, low[0], low[-1]) - mine)
    return found


def asked_lists(sure: Floats, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Lists of which the ranker is asked about two candidates or more, (q,)."""
    return np.diff(np.r_[0, np.cumsum(sure > 0)][starts]) >= 2


def between_listeners(scores: Floats, starts: NDArray[np.int64], lengths: NDArray[np.integer]) -> Floats:
    """Scores made comparable: the log of a candidate's share of its list, plus the log of 1 + the history's length.

    Args:
        scores: (n,).
        starts: where each list begins, (q + 1,).
        lengths: tracks in the history behind each list, (q,).
    """
    sizes = np.diff(starts)
    some = sizes > 0
    begins, sizes = starts[:-1][some], sizes[some]
    if not len(sizes):
        return scores
    most = np.repeat(np.maximum.reduceat(scores, begins), sizes)
    total = np.repeat(np.add.reduceat(np.exp(scores - most), begins), sizes)
    return np.asarray(scores - most - np.log(total) + np.repeat(np.log1p(lengths[some]), sizes), np.float32)
