"""The compiled moves that put the same tracks into other places: two exchanged, or a stretch turned or rolled."""

from __future__ import annotations

from typing import Any

from numba import njit

from recsys.playlists.kernels import crowding, flow


@njit(cache=True, nogil=True)
def around(value: Any, step: Any, order: Any, p: int, q: int) -> Any:
    """Worth of what exchanging places p < q touches."""
    if q == p + 1:
        return flow(value, step, order, p, q + 1)
    return flow(value, step, order, p, p + 1) + flow(value, step, order, q, q + 1)


@njit(cache=True, nogil=True)
def swap(order: Any, p: int, q: int) -> None:
    """Exchange two places."""
    order[p], order[q] = order[q], order[p]


@njit(cache=True, nogil=True)
def _turn(order: Any, low: int, high: int) -> None:
    while low < high - 1:
        order[low], order[high - 1] = order[high - 1], order[low]
        low += 1
        high -= 1


@njit(cache=True, nogil=True)
def roll(order: Any, low: int, high: int, by: int) -> None:
    """The first ``by`` places of a stretch go behind the rest of it; by = 0 turns the stretch round."""
    if by:
        _turn(order, low, low + by)
        _turn(order, low + by, high)
    _turn(order, low, high)


@njit(cache=True, nogil=True)
def rearrange(value: Any, step: Any, order: Any, low: int, high: int, by: int, swapping: Any) -> Any:
    """Exchange two places, or roll a stretch; the change of worth."""
    if swapping:
        before = around(value, step, order, low, high)
        swap(order, low, high)
        return around(value, step, order, low, high) - before
    before = flow(value, step, order, low, high)
    roll(order, low, high, by)
    return flow(value, step, order, low, high) - before


@njit(cache=True, nogil=True)
def back(order: Any, low: int, high: int, by: int, swapping: Any) -> None:
    """Undo ``rearrange``."""
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
def crowded(problem: Any, order: Any, low: int, high: int, by: int, swapping: Any) -> Any:
    """The change of breach that ``rearrange`` has just made."""
    if max(problem.gaps[0, 0], problem.gaps[1, 0]) < 2:
        return 0.0
    after = _crowding(problem, order, low, high, swapping)
    back(order, low, high, by, swapping)
    before = _crowding(problem, order, low, high, swapping)
    _forth(order, low, high, by, swapping)
    return after - before


@njit(cache=True, nogil=True)
def _crowding(problem: Any, order: Any, low: int, high: int, swapping: Any) -> Any:
    if swapping:  # the pair itself counts twice, before and after alike
        return crowding(problem, order, low, low + 1) + crowding(problem, order, high, high + 1)
    return crowding(problem, order, low, high)
