"""The compiled inner loops of choosing and ordering: simulated annealing over whole lists with incremental deltas.

A list is an int32 array of positions in the pool, one per place. Two numbers judge it: ``breach`` (how much of the
rules is broken, 0 = all hold) and ``worth`` (the objective times the number of places). Moves put another track in a
place, change two places, or turn or roll a stretch of places; each is judged by what it changes alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

TIGHT = 8.0  # breach of a rule as far as it was relaxed; what is only short of the rule as asked counts 1
BREACH = 0.5  # what a unit of breach costs while searching, in places of worth
SECONDS = 30.0  # seconds off the length that count as one unit


class Problem(NamedTuple):
    """One list to be made, as arrays; c candidates, n places, G groups.

    Attributes:
        value: worth of candidate i in place p, (n, c).
        step: worth of the step from i to j, (c, c).
        near: the candidates that are best after each one, (c, k).
        unlike: worth of having both i and j, symmetric, zero diagonal, (c, c); or (0, 0).
        familiar: (c,) or (0,); ``wish`` = (share wished for, worth of meeting it).
        groups: artist, album, recording of each candidate, −1 unknown, (3, c).
        caps: most of a group as asked, and as relaxed, (3, 2).
        gaps: places until an artist, an album returns, as asked and as relaxed, (2, 2).
        member: quota sets, (q, c); ``bounds`` fewest and most, (q, 2).
        kinds: values that should be spread, −1 unknown, (s, c); ``distinct`` fewest values, (s,).
        seconds: (c,); ``length`` = (least, most) seconds of the list.
        codes: more than any code in ``groups`` and ``kinds``.
        kept: candidates that may move but not leave, (c,).
        free: first place and first place after those that may change.
    """

    value: NDArray[np.float32]
    step: NDArray[np.float32]
    near: NDArray[np.int32]
    unlike: NDArray[np.float32]
    familiar: NDArray[np.float32]
    wish: NDArray[np.float64]
    groups: NDArray[np.int32]
    caps: NDArray[np.int64]
    gaps: NDArray[np.int64]
    member: NDArray[np.bool_]
    bounds: NDArray[np.int64]
    kinds: NDArray[np.int32]
    distinct: NDArray[np.int64]
    seconds: NDArray[np.float64]
    length: NDArray[np.float64]
    codes: int
    kept: NDArray[np.bool_]
    free: NDArray[np.int64]


class Tally(NamedTuple):
    """What is counted of the list as it stands: per group, quota and value, seconds and familiarity, pair sums."""

    inside: NDArray[np.bool_]
    groups: NDArray[np.int64]
    member: NDArray[np.int64]
    kinds: NDArray[np.int64]
    sums: NDArray[np.float64]
    pairs: NDArray[np.float64]


@njit(cache=True, nogil=True)
def _over(count: int, asked: int, most: int) -> Any:
    """Breach of a cap by a group of ``count``."""
    return max(0, count - asked) + TIGHT * max(0, count - most)


@njit(cache=True, nogil=True)
def _outside(count: Any, low: Any, high: Any) -> Any:
    return max(0.0, low - count, count - high)


@njit(cache=True, nogil=True)
def _close(problem: Any, first: Any, second: Any, apart: int) -> Any:
    """Breach of the gaps by two candidates ``apart`` places apart."""
    breach = 0.0
    for k in range(2):
        group = problem.groups[k, first]
        if group >= 0 and group == problem.groups[k, second]:
            if apart < problem.gaps[k, 1]:
                breach += TIGHT * (problem.gaps[k, 1] - apart)
            elif apart < problem.gaps[k, 0]:
                breach += 1.0
    return breach


@njit(cache=True, nogil=True)
def crowding(problem: Any, order: Any, low: int, high: int) -> Any:
    """Breach of the gaps by all pairs of places with one of them in low..high − 1."""
    reach = max(problem.gaps[0, 0], problem.gaps[1, 0])
    breach = 0.0
    for p in range(low, min(len(order), high + reach - 1)):
        for q in range(max(0, p - reach + 1), p):
            if p < high or low <= q < high:
                breach += _close(problem, order[q], order[p], p - q)
    return breach


@njit(cache=True, nogil=True)
def flow(value: Any, step: Any, order: Any, low: int, high: int) -> Any:
    """Worth of the places low..high − 1 and of all steps into and out of them."""
    worth = 0.0
    for p in range(low, high):
        worth += value[p, order[p]]
        if p > 0:
            worth += step[order[p - 1], order[p]]
    if high < len(order):
        worth += step[order[high - 1], order[high]]
    return worth


@njit(cache=True, nogil=True)
def tally(problem: Any, order: Any) -> Any:
    """Count a list afresh."""
    size = problem.groups.shape[1]
    counted = Tally(
        np.zeros(size, np.bool_),
        np.zeros((3, problem.codes), np.int64),
        np.zeros(len(problem.member), np.int64),
        np.zeros((len(problem.kinds), problem.codes), np.int64),
        np.zeros(2),
        np.zeros(size if problem.unlike.size else 0),
    )
    for i in order:
        count(problem, counted, i, 1)
    return counted


@njit(cache=True, nogil=True)
def count(problem: Any, counted: Any, i: int, sign: int) -> None:
    """Candidate i comes in (1) or goes out (−1)."""
    counted.inside[i] = sign > 0
    for k in range(3):
        if problem.groups[k, i] >= 0:
            counted.groups[k, problem.groups[k, i]] += sign
    for q in range(len(problem.member)):
        counted.member[q] += sign * problem.member[q, i]
    for s in range(len(problem.kinds)):
        if problem.kinds[s, i] >= 0:
            counted.kinds[s, problem.kinds[s, i]] += sign
    counted.sums[0] += sign * problem.seconds[i]
    if problem.familiar.size:
        counted.sums[1] += sign * problem.familiar[i]
    if problem.unlike.size:
        for j in range(len(counted.pairs)):
            counted.pairs[j] += sign * problem.unlike[i, j]


@njit(cache=True, nogil=True)
def judge(problem: Any, order: Any) -> Any:
    """(breach, worth) of a list."""
    counted = tally(problem, order)
    breach = crowding(problem, order, 0, len(order))
    for k in range(3):
        for group in range(problem.codes):
            breach += _over(counted.groups[k, group], problem.caps[k, 0], problem.caps[k, 1])
    for q in range(len(problem.member)):
        breach += TIGHT * _outside(counted.member[q], problem.bounds[q, 0], problem.bounds[q, 1])
    for s in range(len(problem.kinds)):
        breach += TIGHT * max(0, problem.distinct[s] - _there(counted.kinds, s))
    breach += TIGHT * _outside(counted.sums[0], problem.length[0], problem.length[1]) / SECONDS
    worth = flow(problem.value, problem.step, order, 0, len(order)) + _known(problem, counted.sums[1], len(order))
    for i in order:
        if problem.unlike.size:
            worth += counted.pairs[i] / 2
    return breach, worth


@njit(cache=True, nogil=True)
def _there(kinds: Any, s: int) -> Any:
    """How many values of a spread are in the list."""
    there = 0
    for kind in range(kinds.shape[1]):
        there += kinds[s, kind] > 0
    return there


@njit(cache=True, nogil=True)
def _known(problem: Any, familiar: Any, places: int) -> Any:
    """Worth of the familiarity of a list."""
    return problem.wish[1] * (1 - abs(familiar / places - problem.wish[0]))


@njit(cache=True, nogil=True)
def _breach_of_change(problem: Any, counted: Any, out: int, new: int) -> Any:
    """Change of breach, gaps apart, when ``new`` takes the place of ``out``."""
    change = 0.0
    for k in range(3):
        a, b = problem.groups[k, out], problem.groups[k, new]
        if a != b:
            asked, most = problem.caps[k, 0], problem.caps[k, 1]
            if a >= 0:
                count = counted.groups[k, a]
                change += _over(count - 1, asked, most) - _over(count, asked, most)
            if b >= 0:
                count = counted.groups[k, b]
                change += _over(count + 1, asked, most) - _over(count, asked, most)
    for q in range(len(problem.member)):
        more = int(problem.member[q, new]) - int(problem.member[q, out])
        if more:
            low, high, count = problem.bounds[q, 0], problem.bounds[q, 1], counted.member[q]
            change += TIGHT * (_outside(count + more, low, high) - _outside(count, low, high))
    for s in range(len(problem.kinds)):
        a, b = problem.kinds[s, out], problem.kinds[s, new]
        if a != b:
            more = int(b >= 0 and counted.kinds[s, b] == 0) - int(a >= 0 and counted.kinds[s, a] == 1)
            if more:
                have = _there(counted.kinds, s)
                need = problem.distinct[s]
                change += TIGHT * (max(0, need - have - more) - max(0, need - have))
    longer = counted.sums[0] + problem.seconds[new] - problem.seconds[out]
    low, high = problem.length[0], problem.length[1]
    return change + TIGHT * (_outside(longer, low, high) - _outside(counted.sums[0], low, high)) / SECONDS


@njit(cache=True, nogil=True)
def breach_of_change(problem: Any, counted: Any, order: Any, p: int, new: int) -> Any:
    """Change of breach when ``new``, not in the list, takes place p."""
    out = order[p]
    breach = _breach_of_change(problem, counted, out, new) - crowding(problem, order, p, p + 1)
    order[p] = new
    breach += crowding(problem, order, p, p + 1)
    order[p] = out
    return breach


@njit(cache=True, nogil=True)
def worth_of_change(value: Any, step: Any, order: Any, p: int, new: int) -> Any:
    """Change of worth when ``new`` takes place p, pairs and familiarity apart."""
    out = order[p]
    worth = value[p, new] - value[p, out]
    if p > 0:
        worth += step[order[p - 1], new] - step[order[p - 1], out]
    if p < len(order) - 1:
        worth += step[new, order[p + 1]] - step[out, order[p + 1]]
    return worth


@njit(cache=True, nogil=True)
def worth_of_company(problem: Any, counted: Any, places: int, out: int, new: int) -> Any:
    """Change of the worth of pairs and familiarity when ``new`` takes the place of ``out``."""
    worth = 0.0
    if problem.unlike.size:
        worth += counted.pairs[new] - counted.pairs[out] - problem.unlike[out, new]
    if problem.familiar.size:
        now = counted.sums[1]
        then = now + problem.familiar[new] - problem.familiar[out]
        worth += _known(problem, then, places) - _known(problem, now, places)
    return worth
