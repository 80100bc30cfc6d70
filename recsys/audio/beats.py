"""Beats and downbeats: the most likely sequence of times, given how much each frame sounds like one.

Beats: Viterbi over (time of a beat, interval before it), so the tempo may bend from beat to beat; after Krebs,
Böck & Widmer, "An efficient state-space model for joint tempo and meter tracking", ISMIR 2015, with whole
intervals in place of positions within them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FASTEST, SLOWEST = 230.0, 42.0  # beats per minute
STEADINESS = 60.0  # cost of a change of interval, per its log
USUAL, SPREAD, PULL = 100.0, 0.6, 0.1  # beats per minute, its spread as a log, and weight per beat
METRES = (4, 3, 2)


class Downbeats(NamedTuple):
    """First beats of bars: ``times`` in seconds, ``metre`` beats per bar, ``margin`` ≥ 0 over the next best metre."""

    times: Floats
    metre: int
    margin: float


def track(activation: Floats, rate: float) -> Floats:
    """Times of beats in seconds, float32 (n,), from the probability of a beat in each frame.

    >>> frames = np.full(500, 0.01, np.float32)
    >>> frames[10::25] = 0.9
    >>> track(frames, rate=50.0)[:3].round(2)
    array([0.2, 0.7, 1.2], dtype=float32)
    """
    shortest, longest = math.floor(60 * rate / FASTEST), math.ceil(60 * rate / SLOWEST)
    if len(activation) < 2 * longest:
        return np.zeros(0, np.float32)
    sure = np.clip(activation.astype(np.float64), 1e-3, 1 - 1e-3)
    intervals = np.arange(shortest, longest + 1)
    prior = -0.5 * PULL * (np.log(60 * rate / intervals / USUAL) / SPREAD) ** 2
    change = -STEADINESS * np.abs(np.log(intervals[:, None] / intervals[None, :]))
    quiet = np.concatenate([[0.0], np.cumsum(np.log(1 - sure))])
    frames = _best_path(np.log(sure), quiet, intervals, prior, change)
    return (_refined(activation, frames) / rate).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _best_path(  # type: ignore[no-untyped-def]
    loud, quiet, intervals, prior, change
):
    """Frames of the beats; ``quiet[t]`` sums the log-probability of no beat in the frames before ``t``."""
    frames, states = len(loud), len(intervals)
    score = np.full((frames, states), -np.inf)
    origin = np.full((frames, states), -1, np.int32)
    for t in range(frames):
        for s in range(states):
            before = t - intervals[s]
            if before < 0:  # the first beat: nothing before it
                score[t, s] = quiet[t] + loud[t] + prior[s]
                continue
            best, chosen = -np.inf, -1
            for r in range(states):
                value = score[before, r] + change[r, s]
                if value > best:
                    best, chosen = value, r
            score[t, s] = best + quiet[t] - quiet[before + 1] + loud[t] + prior[s]
            origin[t, s] = chosen
    best, last, state = -np.inf, -1, 0
    for t in range(max(0, frames - intervals[-1]), frames):
        for s in range(states):
            value = score[t, s] + quiet[frames] - quiet[t + 1]
            if t + intervals[s] >= frames and value > best:
                best, last, state = value, t, s
    path = []
    while last >= 0:
        path.append(last)
        step = origin[last, state]
        last = last - intervals[state] if step >= 0 else -1
        state = step
    return np.array(path[::-1])


def _refined(activation: Floats, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Between frames: the centre of mass of each beat and its two neighbours."""
    around = np.clip(frames[:, None] + np.array([-1, 0, 1]), 0, len(activation) - 1)
    weights = activation[around].astype(np.float64) + 1e-6
    return (weights * around).sum(1) / weights.sum(1)


def downbeats(activation: Floats, rate: float, beats: Floats) -> Downbeats:
    """Which beats begin a bar: the metre and the first bar that fit best, by log-odds of ``activation`` at the beats.

    Needs two bars at least; otherwise no times, metre 0, margin 0.
    """
    if len(beats) < 2 * max(METRES):
        return Downbeats(np.zeros(0, np.float32), 0, 0.0)
    frames = np.round(beats * rate).astype(int)
    near = np.clip(frames[:, None] + np.array([-2, -1, 0, 1, 2]), 0, len(activation) - 1)
    sure = np.clip(activation[near].max(1), 1e-3, 1 - 1e-3).astype(np.float64)
    odds = np.log(sure) - np.log(1 - sure)
    fits = []
    for metre in METRES:
        signs = np.where((np.arange(len(odds)) - np.arange(metre)[:, None]) % metre == 0, 1, -1)
        fit = (np.log1p(np.exp(-signs * odds))).mean(1)
        fits.append((float(fit.min()), metre, int(fit.argmin())))
    (cost, metre, first), (second, *_rest) = sorted(fits)[:2]
    return Downbeats(beats[first::metre], metre, second - cost)
