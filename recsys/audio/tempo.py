"""Tempo from beat times, and how clearly an envelope pulses.

A straight line through the beat times is finer than the grid on which beats were found. Pulse clarity is the
highest peak of the autocorrelation, as in Lartillot et al., "Multi-feature modeling of pulse clarity", ISMIR 2008.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FEWEST = 5  # beats from which a tempo can be read
BENT = 0.08  # spread of the beats around the line, in beats, above which the tempo is no straight line
RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4)  # of a beat
PULSES = (0.25, 2.0)  # seconds: the lags among which a pulse is looked for


class Tempo(NamedTuple):
    """Beats per minute, and the spread of the intervals between beats as a share of the median interval."""

    bpm: float
    bend: float


def tempo(beats: Floats) -> Tempo:
    """Slope of a robust line through the beat times; of music that bends, the median interval.

    Two beats where one was missed count as two; NaN from fewer than five beats.

    >>> tempo(np.array([0.0, 0.51, 1.0, 1.49, 2.0, 3.0, 3.51], np.float32)).bpm
    119.87...
    """
    if len(beats) < FEWEST:
        return Tempo(math.nan, math.nan)
    times = beats.astype(np.float64)
    gaps = np.diff(times)
    period = float(np.median(gaps))
    bend = float(np.median(np.abs(gaps / period - 1)) * 1.4826)
    places = np.concatenate([[0.0], np.cumsum(np.maximum(1, np.round(gaps / period)))])
    slope, off = _line(places, times)
    straight = float(np.median(np.abs(off))) < BENT * period and abs(slope / period - 1) < BENT
    return Tempo(60 / (slope if straight else period), bend)


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Slope and residuals of a line fitted by least squares, far points weighing less each time (Huber)."""
    weights = np.ones_like(y)
    for _ in range(5):
        along, up = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
        slope = (weights * along) @ up / ((weights * along) @ along)
        off = up - slope * along
        scale = 1.5 * 1.4826 * float(np.median(np.abs(off))) + 1e-4
        weights = np.minimum(1, scale / np.maximum(np.abs(off), 1e-9))
    return float(slope), off


def autocorrelation(envelope: Floats) -> Floats:
    """Of an envelope around its mean, per overlapping frame, 1 at lag 0: float32 (frames // 2,); 0 for a flat one.

    >>> autocorrelation(np.tile(np.array([1, 0, 0, 0], np.float32), 50))[[0, 2, 4]].round(2)
    array([ 1.  , -0.33,  1.  ], dtype=float32)
    """
    centred = envelope - envelope.mean()
    size = scipy.fft.next_fast_len(2 * len(centred))
    power = np.abs(scipy.fft.rfft(centred, size)) ** 2
    sums = scipy.fft.irfft(power, size)[: len(centred) // 2]
    means = sums / np.arange(len(centred), len(centred) - len(sums), -1)
    return (means / max(float(means[0]), 1e-12)).astype(np.float32)


def pulse_clarity(correlation: Floats, rate: float) -> float:
    """Highest peak of the autocorrelation between 0.25 and 2 s: 1 for a machine, near 0 for noise."""
    low, high = (round(lag * rate) for lag in PULSES)
    part = correlation[low : high + 1]
    inner = part[1:-1]
    peaks = inner[(inner >= part[:-2]) & (inner >= part[2:])] if len(part) > 2 else inner
    return float(peaks.max(initial=0.0))


def ratios(correlation: Floats, rate: float, bpm: float) -> Floats:
    """The autocorrelation at ``RATIOS`` of a beat, float32 (9,); 0 where the lag is longer than the window allows."""
    lags = np.array(RATIOS) * 60 / bpm * rate
    return np.interp(lags, np.arange(len(correlation)), correlation, right=0.0).astype(np.float32)
