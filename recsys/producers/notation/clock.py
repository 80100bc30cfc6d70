"""Beats in, a tempo map out: which tick of a MIDI file is which second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

Seconds = NDArray[np.float64]
Ticks = NDArray[np.int64]
PER_QUARTER = 960
USUAL = 500_000  # microseconds of a quarter where nothing says otherwise: 120 beats a minute
LONGEST = 2**24 - 1  # microseconds of a quarter that a file can say
BRIEF = 0.25  # seconds: no beat that fills a rest is shorter
SAME = 2  # microseconds by which lengths of quarters may differ and still be one tempo


@dataclass(frozen=True, eq=False)
class Clock:
    """Tempo changes of a file.

    Attributes:
        ticks: where a tempo begins, rising from 0, int64 (n,).
        quarters: microseconds of a quarter from there on, int64 (n,).
        per_quarter: ticks of a quarter.

    >>> clock = Clock(np.array([0]), np.array([500_000]), 480)
    >>> clock.seconds(np.array([960])).tolist(), clock.tick(np.array([0.5])).tolist()
    ([1.0], [480])
    """

    ticks: Ticks
    quarters: NDArray[np.int64]
    per_quarter: int = PER_QUARTER

    def seconds(self, ticks: Ticks) -> Seconds:
        """Times of ticks."""
        at = np.searchsorted(self.ticks, ticks, side="right") - 1
        return self._starts[at] + (ticks - self.ticks[at]) * self.quarters[at] / (1e6 * self.per_quarter)

    def tick(self, seconds: Seconds) -> Ticks:
        """The nearest ticks of times."""
        at = np.maximum(np.searchsorted(self._starts, seconds, side="right") - 1, 0)
        inside = (seconds - self._starts[at]) * (1e6 * self.per_quarter) / self.quarters[at]
        return np.rint(self.ticks[at] + inside).astype(np.int64)

    @property
    def _starts(self) -> Seconds:
        lengths = np.diff(self.ticks) * self.quarters[:-1] / (1e6 * self.per_quarter)
        return np.concatenate([[0.0], np.cumsum(lengths)])


def from_beats(beats: Seconds, value: int = 4) -> tuple[Clock, Ticks]:
    """A clock on which beats fall on beats of the file, and their ticks; a beat is a ``value``-th note.

    Time before the first beat is filled with whole beats of nearly the first beat's length; a rest that is longer than
    a quarter can be, 16 s, with beats of nearly the usual length.

    Raises:
        DataError: beats that do not rise.

    >>> clock, ticks = from_beats(np.array([0.5, 1.0, 1.6]))
    >>> ticks.tolist(), clock.quarters.tolist()
    ([960, 1920, 2880], [500000, 600000])
    """
    if len(beats) < 2:
        return Clock(np.zeros(1, np.int64), np.full(1, USUAL)), np.zeros(0, np.int64)
    gaps, factor = np.diff(beats), value / 4
    if beats[0] < 0 or gaps.min() <= 0:
        raise DataError(f"beats {beats[:4].tolist()}…; expected rising seconds")
    counts = _counts(gaps, LONGEST / (factor * 1e6))
    filled = np.repeat(gaps / counts, counts)
    before = int(np.ceil(beats[0] / filled[0] - 0.5)) if beats[0] > 0 else 0
    before = max(before, 1) if beats[0] > 1e-6 else 0
    lengths = np.concatenate([np.full(before, beats[0] / before if before else 0.0), filled])
    step = round(PER_QUARTER * 4 / value)
    ticks = step * np.arange(len(lengths) + 1)
    quarters = _rounded(lengths * factor * 1e6)
    changed = np.append(True, np.abs(np.diff(quarters)) > 0)
    return Clock(ticks[:-1][changed], quarters[changed]), ticks[before + np.append(0, np.cumsum(counts))]


def _counts(gaps: Seconds, longest: float) -> Ticks:
    """How many beats of the file fill each time between two beats: one, or more where that would be too long."""
    apart = gaps > longest
    usual = max(float(np.median(gaps[~apart])), BRIEF) if not apart.all() else USUAL / 1e6
    fill = np.maximum(np.rint(gaps / min(usual, longest)), np.ceil(gaps / longest))
    return np.where(apart, fill, 1).astype(np.int64)


def _rounded(quarters: Seconds) -> NDArray[np.int64]:
    """Whole microseconds whose sums stay within one of the exact ones; small changes wait until they add up."""
    out, lag, last = np.empty(len(quarters), np.int64), 0.0, -1
    for place, wanted in enumerate(quarters):
        exact = max(1.0, wanted + lag)
        last = last if abs(exact - last) <= SAME else min(max(round(exact), 1), LONGEST)
        out[place], lag = last, exact - last
    return out
