"""The search over whole lists: simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983), then descent to the end.

Worth is cheap to judge and breach is not, so a move that is not worth it is given up before its breach is counted,
as long as the list breaks nothing that the move could mend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from recsys.playlists.kernels import (
    BREACH,
    LONGEST,
    around,
    breach_of_change,
    chance,
    count,
    crowding,
    flow,
    judge,
    roll,
    swap,
    tally,
    worth_of_change,
    worth_of_company,
)

SMALL = 1e-6
NEAR, CHANGES, SWAPS = 0.4, 0.6, 0.8  # shares of moves up to here: a near track, any track, an exchange; then rolls


@njit(cache=True, nogil=True)
def anneal(problem: Any, start: Any, seed: Any, moves: int, hot: float, cold: float) -> Any:
    """The best list met on the way from ``start``: fewest breaches first, then most worth.

    Args:
        start: positions, int32 (n,).
        moves: how many are tried while the temperature falls from ``hot`` to ``cold``, in places of worth.
    """
    value, step = problem.value, problem.step
    company = problem.unlike.size > 0 or problem.familiar.size > 0
    first, end = problem.free[0], problem.free[1]
    state = np.array([seed], np.uint64)
    order, best = start.copy(), start.copy()
    breach, worth = judge(problem, start)
    least, most = breach, worth
    counted = tally(problem, order)
    cooling = (cold / hot) ** (1.0 / max(1, moves))
    heat = hot
    for _ in range(moves):
        heat *= cooling
        kind = chance(state)
        bar = heat * np.log(chance(state) + 1e-300)  # what a move may lose
        p = first + int(chance(state) * (end - first))
        gain, cost = 0.0, 0.0
        if kind < CHANGES or end - first < 2:
            new = _proposed(problem.near, order, p, kind, state)
            if counted.inside[new] or problem.kept[order[p]]:
                continue
            gain = worth_of_change(value, step, order, p, new)
            if company:
                gain += worth_of_company(problem, counted, len(order), order[p], new)
            if breach < SMALL and gain < bar:
                continue
            cost = breach_of_change(problem, counted, order, p, new)
            if gain - BREACH * cost < bar:
                continue
            count(problem, counted, order[p], -1)
            count(problem, counted, new, 1)
            order[p] = new
        else:
            swapping = kind < SWAPS
            q = first + int(chance(state) * (end - first)) if swapping else p + 2 + int(chance(state) * (LONGEST - 1))
            if q == p or q > end:
                continue
            low, high = min(p, q), max(p, q)
            by = 0 if swapping else int(chance(state) * min(4, high - low))
            gain = _rearranged(value, step, order, low, high, by, swapping)
            if breach < SMALL and gain < bar:
                _back(order, low, high, by, swapping)
                continue
            cost = _crowded(problem, order, low, high, by, swapping)
            if gain - BREACH * cost < bar:
                _back(order, low, high, by, swapping)
                continue
        breach, worth = breach + cost, worth + gain
        if breach < least - SMALL or (breach < least + SMALL and worth > most + SMALL):
            for place in range(len(order)):
                best[place] = order[place]
            least, most = breach, worth
    return best


@njit(cache=True, nogil=True)
def _proposed(near: Any, order: Any, p: int, kind: float, state: Any) -> Any:
    """A candidate for place p: any, or one of the best after the track before it."""
    if p > 0 and kind < NEAR:
        return near[order[p - 1], int(chance(state) * near.shape[1])]
    return int(chance(state) * len(near))


@njit(cache=True, nogil=True)
def _rearranged(value: Any, step: Any, order: Any, low: int, high: int, by: int, swapping: Any) -> Any:
    """Exchange two places, or roll a stretch; the change of worth."""
    if swapping:
        before = around(value, step, order, low, high)
        swap(order, low, high)
        return around(value, step, order, low, high) - before
    before = flow(value, step, order, low, high)
    roll(order, low, high, by)
    return flow(value, step, order, low, high) - before


@njit(cache=True, nogil=True)
def _back(order: Any, low: int, high: int, by: int, swapping: Any) -> None:
    """Undo ``_rearranged``."""
    if swapping:
        swap(order, low, high)
    else:
        roll(order, low, high, 0 if by == 0 else high - low - by)


@njit(cache=True, nogil=True)
def _forth(order: Any, low: int, high: int, by: int, swapping: Any) -> None:
    if swapping:
        swap(order, low, high)
    else:
        roll(order, low, high, by)


@njit(cache=True, nogil=True)
def _crowded(problem: Any, order: Any, low: int, high: int, by: int, swapping: Any) -> Any:
    """The change of breach that ``_rearranged`` has just made."""
    if max(problem.gaps[0, 0], problem.gaps[1, 0]) < 2:
        return 0.0
    after = _crowding(problem, order, low, high, swapping)
    _back(order, low, high, by, swapping)
    before = _crowding(problem, order, low, high, swapping)
    _forth(order, low, high, by, swapping)
    return after - before


@njit(cache=True, nogil=True)
def _crowding(problem: Any, order: Any, low: int, high: int, swapping: Any) -> Any:
    if swapping:  # the pair itself counts twice, before and after alike
        return crowding(problem, order, low, low + 1) + crowding(problem, order, high, high + 1)
    return crowding(problem, order, low, high)


@njit(cache=True, nogil=True)
def descend(problem: Any, start: Any, rounds: int) -> Any:
    """Every change, exchange and roll in turn, kept when it helps, until none does or ``rounds`` are over."""
    order = start.copy()
    counted = tally(problem, order)
    for _ in range(rounds):
        if not (_changes(problem, counted, order) | _rolls(problem, order)):
            break
    return order


@njit(cache=True, nogil=True)
def _changes(problem: Any, counted: Any, order: Any) -> Any:
    """The best other track for each place, place by place."""
    value, step = problem.value, problem.step
    company = problem.unlike.size > 0 or problem.familiar.size > 0
    broken = judge(problem, order)[0] > SMALL
    helped = False
    for p in range(problem.free[0], problem.free[1]):
        if problem.kept[order[p]]:
            continue
        found, least, most = -1, 0.0, 0.0
        for new in range(len(counted.inside)):
            if counted.inside[new]:
                continue
            gain = worth_of_change(value, step, order, p, new)
            if company:
                gain += worth_of_company(problem, counted, len(order), order[p], new)
            if not broken and gain <= most + SMALL:
                continue
            cost = breach_of_change(problem, counted, order, p, new)
            if cost < least - SMALL or (cost < least + SMALL and gain > most + SMALL):
                found, least, most = new, cost, gain
        if found >= 0:
            count(problem, counted, order[p], -1)
            count(problem, counted, found, 1)
            order[p] = found
            helped = True
    return helped


@njit(cache=True, nogil=True)
def _rolls(problem: Any, order: Any) -> Any:
    """Every exchange of two places, then every roll of a stretch."""
    broken = crowding(problem, order, 0, len(order)) > SMALL
    helped = False
    first, end = problem.free[0], problem.free[1]
    for p in range(first, end - 1):
        for kind in range(5):  # rolls by 0 to 3, then exchanges
            swapping = kind == 4
            start, stop = (p + 1, end) if swapping else (p + max(2, kind + 1), min(end, p + LONGEST) + 1)
            for high in range(start, stop):
                helped |= _kept(problem, order, p, high, 0 if swapping else kind, swapping, broken)
    return helped


@njit(cache=True, nogil=True)
def _kept(problem: Any, order: Any, low: int, high: int, by: int, swapping: Any, broken: Any) -> Any:
    """Rearrange if that helps; whether it did."""
    gain = _rearranged(problem.value, problem.step, order, low, high, by, swapping)
    if broken or gain > SMALL:
        cost = _crowded(problem, order, low, high, by, swapping)
        if cost < -SMALL or (cost < SMALL and gain > SMALL):
            return True
    _back(order, low, high, by, swapping)
    return False
