"""A 0–1 programme, row by row, solved by HiGHS (Huangfu and Hall 2018) as it comes with scipy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

NODES = 400  # branches after which the search ends, so that the answer depends on no clock
GAP = 1e-2  # how far from the best value the search may end


class Programme:
    """Columns are whole numbers from 0 to ``upper`` with a gain each, rows bound sums of them.

    >>> programme = Programme(np.array([3.0, 2.0, 2.0]))
    >>> programme.row([0, 1, 2], [1, 1, 1], high=2)
    >>> programme.row([0, 1], [1, 1], high=1)
    >>> programme.solve().tolist()
    [1, 0, 1]
    """

    def __init__(self, gain: NDArray[np.float64]) -> None:
        self.gain, self.upper = list(gain), [1.0] * len(gain)
        self.low: list[float] = []
        self.high: list[float] = []
        self._columns: list[NDArray[np.int64]] = []
        self._weights: list[NDArray[np.float64]] = []

    def column(self, gain: float = 0.0, upper: float = 1.0) -> int:
        """A further column; its number."""
        self.gain.append(gain)
        self.upper.append(upper)
        return len(self.gain) - 1

    def row(
        self,
        columns: Sequence[int] | NDArray[np.integer],
        weights: ArrayLike,
        *,
        low: float = -np.inf,
        high: float = np.inf,
    ) -> None:
        """Keep the weighted sum of some columns within low..high."""
        self._columns.append(np.asarray(columns, np.int64))
        self._weights.append(np.asarray(weights, np.float64))
        self.low.append(low)
        self.high.append(high)

    def solve(self) -> NDArray[np.int64] | None:
        """The columns of a solution with (almost) the most gain; None when there is none."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        n = len(self.gain)
        starts = np.cumsum([0, *map(len, self._columns)])
        if not self._columns:
            return (np.array(self.gain) > 0).astype(np.int64)
        entries = (np.concatenate(self._weights), np.concatenate(self._columns), starts)
        matrix = csr_array(entries, shape=(len(self.low), n))
        found = milp(
            -np.array(self.gain),
            constraints=LinearConstraint(matrix, self.low, self.high),
            integrality=np.ones(n),
            bounds=Bounds(0, np.array(self.upper)),
            options={"mip_rel_gap": GAP, "node_limit": NODES},
        )
        return None if found.x is None else np.round(found.x).astype(np.int64)


def fit(programme: Programme, free: NDArray[np.int64], room: int, whole: int) -> list[int]:
    """Keep a group within its room and within ``whole`` places or, where the new columns are 1, one more."""
    if len(free) > room:
        programme.row(free, np.ones(len(free)), high=room)
    if len(free) <= whole or room <= whole:
        return []
    extra = programme.column()
    programme.row([*free, extra], [*np.ones(len(free)), -1], high=whole)
    return [extra]


def groups(codes: NDArray[np.integer]) -> dict[int, NDArray[np.int64]]:
    """Positions of each known code."""
    order = np.argsort(codes, kind="stable")
    values, starts = np.unique(codes[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {int(v): part for v, part in zip(values, parts, strict=True) if v >= 0}


def smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest value in low..high for which ``holds``; it holds at ``high`` and stays once it does.

    Small values are tried first, since most rules give way a little or not at all.

    >>> smallest(0, 100, lambda value: value >= 37)
    37
    """
    step = 0
    while low + step < high and not holds(low + step):
        low, step = low + step + 1, 2 * step + 1
    high = min(high, low + step)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
