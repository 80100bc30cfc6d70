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
    breach_of_change,
    count,
    crowding,
    judge,
    tally,
    worth_of_change,
    worth_of_company,
)
from recsys.playlists.moves import back, crowded, rearrange

SMALL = 1e-6
LONGEST = 16  # places that are turned or rolled together
NEAR, CHANGES, SWAPS = 0.4, 0.6, 0.8  # shares of moves up to here: a near track, any track, an exchange; then rolls


@njit(cache=True, nogil=True)
def chance(state: Any) -> Any:
    """The next number in 0..1 of a splitmix64 stream (Steele, Lea and Flood 2014); ``state`` is uint64 (1,)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def anneal(problem: Any, start: Any, seed: Any, moves: int, hot: float, cold: float) -> Any:
    """The best list met on the way from ``start``: fewest breaches first, then most worth.

    Args:
        start: positions, int32 (n,).
        moves: how many are tried while the temperature falls from ``hot`` to ``cold``, in places of worth.
    """
    value, step, near, kept = problem.value, problem.step, problem.near, problem.kept  # fetched once: it is dear
    company = problem.unlike.size > 0 or problem.familiar.size > 0
    first, end = problem.free[0], problem.free[1]
    state = np.array([seed], np.uint64)
    order, best = start.copy(), start.copy()
    breach, worth = judge(problem, start)
    least, most = breach, worth
    counted = tally(problem, order)
    inside = counted.inside
    cooling = (cold / hot) ** (1.0 / max(1, moves))
    heat = hot
    for _ in range(moves):
        heat *= cooling
        kind = chance(state)
        bar = heat * np.log(chance(state) + 1e-300)  # what a move may lose
        p = first + int(chance(state) * (end - first))
        if kind < CHANGES or end - first < 2:
            new = _proposed(near, order, p, kind, state)
            if inside[new] or kept[order[p]]:
                continue
            gain = worth_of_change(value, step, order, p, new)
            if company:
                gain += worth_of_company(problem, counted, len(order), order[p], new)
            if breach < SMALL and gain < bar:
                continue
            done, cost = _changed(problem, counted, order, p, new, gain - bar)
        else:
            q = _elsewhere(first, end, p, kind < SWAPS, state)
            if q == p or q > end:
                continue
            low, high = min(p, q), max(p, q)
            by = 0 if kind < SWAPS else int(chance(state) * min(4, high - low))
            gain = rearrange(value, step, order, low, high, by, kind < SWAPS)
            if breach < SMALL and gain < bar:
                back(order, low, high, by, kind < SWAPS)
                continue
            done, cost = _moved(problem, order, low, high, by, kind < SWAPS, gain - bar)
        if done:
            breach, worth = breach + cost, worth + gain
            if breach < least - SMALL or (breach < least + SMALL and worth > most + SMALL):
                for place in range(len(order)):
                    best[place] = order[place]
                least, most = breach, worth
    return best


@njit(cache=True, nogil=True)
def _changed(problem: Any, counted: Any, order: Any, p: int, new: int, spare: float) -> Any:
    """Put ``new`` into place p if its breach costs no more than ``spare``; (done, change of breach)."""
    cost = breach_of_change(problem, counted, order, p, new)
    if spare < BREACH * cost:
        return False, 0.0
    count(problem, counted, order[p], -1)
    count(problem, counted, new, 1)
    order[p] = new
    return True, cost


@njit(cache=True, nogil=True)
def _moved(problem: Any, order: Any, low: int, high: int, by: int, swapping: Any, spare: float) -> Any:
    """Leave what was rearranged if its breach costs no more than ``spare``; (done, change of breach)."""
    cost = crowded(problem, order, low, high, by, swapping)
    if spare < BREACH * cost:
        back(order, low, high, by, swapping)
        return False, 0.0
    return True, cost


@njit(cache=True, nogil=True)
def _elsewhere(first: int, end: int, p: int, swapping: Any, state: Any) -> Any:
    """Another place to exchange p with, or where a stretch from p on ends."""
    if swapping:
        return first + int(chance(state) * (end - first))
    return p + 2 + int(chance(state) * (LONGEST - 1))


@njit(cache=True, nogil=True)
def _proposed(near: Any, order: Any, p: int, kind: float, state: Any) -> Any:
    """A candidate for place p: any, or one of the best after the track before it."""
    if p > 0 and kind < NEAR:
        return near[order[p - 1], int(chance(state) * near.shape[1])]
    return int(chance(state) * len(near))


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
    gain = rearrange(problem.value, problem.step, order, low, high, by, swapping)
    if broken or gain > SMALL:
        cost = crowded(problem, order, low, high, by, swapping)
        if cost < -SMALL or (cost < SMALL and gain > SMALL):
            return True
    back(order, low, high, by, swapping)
    return False
