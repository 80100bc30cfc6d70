"""How sure a mean over listeners is: bootstrap intervals, single and paired.

Convention: listeners are the sampling unit; the interval says where the mean would fall with other listeners
like these, not with other splits or seeds. NaN (nothing to measure) is left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

MANY = 20_000  # from here on the normal approximation is as good as resampling
CHUNK = 4_000_000  # resampled listeners at a time
Values = NDArray[np.floating]
Key = TypeVar("Key", bound=Hashable)


class Interval(NamedTuple):
    """A mean with its 95 % interval.

    >>> print(Interval(0.5, 0.4, 0.6))
    0.500 [0.400, 0.600]
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(values: Values, *, seed: int = 0, draws: int = 1000) -> Interval:
    """The mean of one number per listener and its 95 % percentile-bootstrap interval (Efron 1979).

    Args:
        values: shape (n,); NaN is left out.
        seed: which resamples.
        draws: how many resamples.

    >>> interval(np.array([1., 1., 1.]))
    Interval(mean=1.0, low=1.0, high=1.0)
    """
    return intervals({"": values}, seed=seed, draws=draws)[""]


def paired(a: Values, b: Values, *, seed: int = 0, draws: int = 1000) -> Interval:
    """The mean of a − b over the same listeners: above 0 throughout means that a is better than b.

    >>> paired(np.array([.5, .7]), np.array([.4, .6])).mean.__round__(6)
    0.1
    """
    if a.shape != b.shape:
        raise DataError(f"{a.shape[0]} and {b.shape[0]} listeners; expected the same ones in the same order")
    return interval(a - b, seed=seed, draws=draws)


def intervals(columns: Mapping[Key, Values], *, seed: int = 0, draws: int = 1000) -> dict[Key, Interval]:
    """``interval`` of several numbers about the same listeners, all from the same resamples."""
    table = np.column_stack([np.asarray(v, np.float64) for v in columns.values()])
    if not len(table):
        raise DataError("no listeners to average over; expected at least 1")
    known = np.isfinite(table)
    count = known.sum(axis=0)
    filled = np.where(known, table, 0.0)
    mean = _ratio(filled.sum(axis=0), count)
    low, high = _normal(filled, known, mean) if len(table) > MANY else _bootstrap(filled, known, seed, draws)
    return {name: Interval(float(mean[i]), float(low[i]), float(high[i])) for i, name in enumerate(columns)}


def _normal(filled: Values, known: NDArray[np.bool_], mean: Values) -> tuple[Values, Values]:
    count = known.sum(axis=0)
    half = 1.96 * np.sqrt(_ratio(((filled - mean) ** 2 * known).sum(axis=0), count) / np.maximum(count, 1))
    return mean - half, mean + half


def _bootstrap(filled: Values, known: NDArray[np.bool_], seed: int, draws: int) -> tuple[Values, Values]:
    rng, n = np.random.default_rng(seed), len(filled)
    step = max(1, CHUNK // n)
    parts = [_resampled(filled, known, min(step, draws - start), rng) for start in range(0, draws, step)]
    means = np.concatenate(parts)
    some = np.isfinite(means).any(axis=0)
    low, high = np.full((2, filled.shape[1]), np.nan)
    if some.any():
        low[some], high[some] = np.nanpercentile(means[:, some], [2.5, 97.5], axis=0)
    return low, high


def _resampled(filled: Values, known: NDArray[np.bool_], draws: int, rng: np.random.Generator) -> Values:
    """Means of ``draws`` resamples, (draws, columns): counts of each listener times their values."""
    n = len(filled)
    drawn = rng.integers(0, n, (draws, n)) + np.arange(draws)[:, None] * n
    counts = np.bincount(drawn.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)
    return _ratio(counts @ filled, counts @ known)


def _ratio(total: Values, count: Values) -> Values:
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=np.asarray(count) > 0)
