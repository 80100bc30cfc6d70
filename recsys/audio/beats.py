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
SPREAD = 0.5  # of tempos around the usual one, as a log
HARDLY = 0.05  # spread of the intervals up to which music hardly bends
METRES = (4, 3)  # bars of two are taken for halves of four
FAST, SLOW = (
    110.0,
    82.0,
)  # beats per minute above which every second beat may be one too many, below which one is missing
UNEVEN = 0.86  # log-odds between even and odd beats from which on only the stronger are beats
FILLED = 0.75  # log-odds between beats and what lies between them, below which both are beats
BENT = 0.02  # spread of the intervals above which the level is left alone


class Search(NamedTuple):
    """Cost of a change of interval per its log; the usual tempo in BPM; the cost per beat of being far from it."""

    steadiness: float
    usual: float
    pull: float


FREE = Search(8.0, 130.0, 1.0)  # tried first
STEADY = Search(30.0, 110.0, 0.5)  # for music that hardly bends


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
    found = _track(activation, rate, FREE)
    return _track(activation, rate, STEADY) if spread(found) < HARDLY else found


def spread(beats: Floats) -> float:
    """Of the times between beats around their median, as a share of it (median distance); 1 for fewer than 8 beats."""
    if len(beats) < 8:
        return 1.0
    gaps = np.diff(beats)
    return float(np.median(np.abs(gaps / np.median(gaps) - 1)))


def _track(activation: Floats, rate: float, search: Search) -> Floats:
    shortest, longest = math.floor(60 * rate / FASTEST), math.ceil(60 * rate / SLOWEST)
    if len(activation) < 2 * longest:
        return np.zeros(0, np.float32)
    sure = np.clip(activation.astype(np.float64), 1e-3, 1 - 1e-3)
    intervals = np.arange(shortest, longest + 1)
    prior = -0.5 * search.pull * (np.log(60 * rate / intervals / search.usual) / SPREAD) ** 2
    places = search.steadiness * np.log(intervals)
    quiet = np.concatenate([[0.0], np.cumsum(np.log(1 - sure))])
    frames = _best_path(np.log(sure), quiet, intervals, prior, places)
    return (_refined(activation, frames) / rate).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _best_path(  # type: ignore[no-untyped-def]
    loud, quiet, intervals, prior, places
):
    """Frames of the beats; ``quiet[t]`` sums the log-probability of no beat in the frames before ``t``.

    A change of interval costs the distance of ``places``, so the best interval before each is found in two sweeps.
    """
    frames, states = len(loud), len(intervals)
    onward = np.full((frames, states), -np.inf)  # of the best beat at t before an interval of each length
    origin = np.full((frames, states), -1, np.int32)  # its own interval before
    first = np.zeros((frames, states), np.bool_)
    score = np.empty(states)
    best, last, state = -np.inf, -1, 0
    for t in range(frames):
        for s in range(states):
            before = t - intervals[s]
            first[t, s] = before < 0
            reached = quiet[t] if before < 0 else onward[before, s] + quiet[t] - quiet[before + 1]
            score[s] = reached + loud[t] + prior[s]
            value = score[s] + quiet[frames] - quiet[t + 1]
            if t + intervals[s] >= frames and value > best:
                best, last, state = value, t, s
        top, chosen = -np.inf, 0
        for s in range(states):
            if score[s] + places[s] >= top:
                top, chosen = score[s] + places[s], s
            onward[t, s], origin[t, s] = top - places[s], chosen
        top = -np.inf
        for s in range(states - 1, -1, -1):
            if score[s] - places[s] > top:
                top, chosen = score[s] - places[s], s
            if top + places[s] > onward[t, s]:
                onward[t, s], origin[t, s] = top + places[s], chosen
    path = []
    while last >= 0:
        path.append(last)
        before = last - intervals[state]
        if first[last, state]:
            break
        last, state = before, origin[before, state]
    return np.array(path[::-1])


def _refined(activation: Floats, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Between frames: the centre of mass of each beat and its two neighbours."""
    around = np.clip(frames[:, None] + np.array([-1, 0, 1]), 0, len(activation) - 1)
    weights = activation[around].astype(np.float64) + 1e-6
    return (weights * around).sum(1) / weights.sum(1)


def counted(activation: Floats, rate: float, beats: Floats) -> Floats:
    """The level at which people count: every second beat, the beats given, or as many again between them.

    In a fast steady pulse whose every second beat is clearly weaker the strong ones are the beats; in a slow one
    the middles that sound nearly like beats are beats as well.

    >>> frames = np.full(1000, 0.05, np.float32)
    >>> frames[::25], frames[::50] = 0.6, 0.95
    >>> len(counted(frames, 50.0, np.arange(40, dtype=np.float32) / 2))
    20
    """
    if spread(beats) > BENT:
        return beats
    bpm = 60 / float(np.median(np.diff(beats)))
    middles = ((beats[1:] + beats[:-1]) / 2).astype(np.float32)
    odds = _log_odds(activation, rate, beats)
    lead = float(odds[::2].mean() - odds[1::2].mean())
    if bpm > FAST and abs(lead) > UNEVEN:
        return beats[int(lead < 0) :: 2]
    if bpm < SLOW and odds.mean() - _log_odds(activation, rate, middles).mean() < FILLED:
        return np.sort(np.concatenate([beats, middles]))
    return beats


def _log_odds(activation: Floats, rate: float, times: Floats) -> NDArray[np.float64]:
    """Of the loudest frame around each time."""
    frames = np.round(times * rate).astype(int)[:, None] + np.array([-1, 0, 1])
    sure = np.clip(activation[frames.clip(0, len(activation) - 1)].max(axis=1), 0.01, 0.99).astype(np.float64)
    return np.log(sure) - np.log(1 - sure)


def downbeats(activation: Floats, rate: float, beats: Floats) -> Downbeats:
    """Which beats begin a bar: the metre and the first bar that fit best, by log-odds of ``activation`` at the beats.

    Needs two bars at least; otherwise no times, metre 0, margin 0.
    """
    if len(beats) < 2 * max(METRES):
        return Downbeats(np.zeros(0, np.float32), 0, 0.0)
    odds = _log_odds(activation, rate, beats)
    fits = []
    for metre in METRES:
        signs = np.where((np.arange(len(odds)) - np.arange(metre)[:, None]) % metre == 0, 1, -1)
        fit = (np.log1p(np.exp(-signs * odds))).mean(1)
        fits.append((float(fit.min()), metre, int(fit.argmin())))
    (cost, metre, first), (second, *_) = sorted(fits)[:2]
    return Downbeats(beats[first::metre], metre, second - cost)
