"""The sound of one voice in, its pitch over time out: hummed, whistled, sung, or played on one instrument.

Dips of the normalised difference function (de Cheveigné & Kawahara, YIN, JASA 111, 2002) are candidates in each frame;
the likeliest course through them pays for every change of pitch and for every change between voice and no voice, as in
pYIN (Mauch & Dixon, ICASSP 2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recsys.audio.sound import Sound

Floats = NDArray[np.float32]
WINDOW, HOP = 1024, 256  # samples that are compared with those later, and from frame to frame
LONGEST = 368  # samples of the longest period: 60 Hz at 22,050 Hz
SHORTEST = 11  # 2,000 Hz
CANDIDATES = 5
UNVOICED = 0.25  # cost of a frame without voice; a dip of this depth is as good
CHANGE = 0.15  # cost of beginning and of ending
GLIDE = 0.03  # cost of a semitone from frame to frame, up to an octave
SUBTLE = 0.01  # cost of an octave down, so that of equal dips the shortest period is taken
QUIET = 10 ** (-45 / 20)  # share of the loudest frame below which there is no voice
FRAMES = 2048  # at a time


class Contour(NamedTuple):
    """Seconds of each frame; its pitch as a MIDI number with fractions, NaN without voice; its strength (rms)."""

    times: NDArray[np.float64]
    pitch: Floats
    strength: Floats


def contour(sound: Sound) -> Contour:
    """The pitch of one voice.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(11025) / 22050).astype(np.float32)
    >>> float(np.nanmedian(contour(Sound(tone)).pitch).round(2))
    69.0
    """
    padded = np.pad(sound.samples, (WINDOW // 2, WINDOW // 2 + LONGEST + 1))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW + LONGEST + 1)[::HOP]
    parts = [_dips(frames[first : first + FRAMES]) for first in range(0, len(frames), FRAMES)]
    lags, depths, strength = (np.concatenate(part) for part in zip(*parts, strict=True))
    loud = strength > QUIET * max(float(strength.max(initial=0)), 1e-5)
    semitones = 69 + 12 * np.log2(sound.rate / np.maximum(lags, 1) / 440)
    chosen = _course(semitones, depths + SUBTLE * (84 - semitones) / 12, loud)
    pitch = np.where(chosen >= 0, semitones[np.arange(len(chosen)), np.maximum(chosen, 0)], np.nan)
    times = sound.start + np.arange(len(frames)) * HOP / sound.rate
    return Contour(times, pitch.astype(np.float32), strength)


def _dips(frames: Floats) -> tuple[Floats, Floats, Floats]:
    """Periods in samples and depths of the deepest dips, (n, CANDIDATES), and the strength of each frame."""
    size = 2048
    head = np.fft.rfft(frames[:, :WINDOW].astype(np.float32), size, axis=1)
    whole = np.fft.rfft(frames.astype(np.float32), size, axis=1)
    products = np.fft.irfft(whole * head.conj(), size, axis=1)[:, : LONGEST + 1]
    power = np.cumsum(np.pad(frames.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    energy = power[:, WINDOW : WINDOW + LONGEST + 1] - power[:, : LONGEST + 1]
    difference = np.maximum(energy[:, :1] + energy - 2 * products, 0)
    sums = np.cumsum(difference[:, 1:], axis=1)
    normal = difference[:, 1:] * np.arange(1, LONGEST + 1) / np.maximum(sums, 1e-12)
    lags, depths = _deepest(np.pad(normal, ((0, 0), (1, 0)), constant_values=1.0))
    return lags, depths, np.sqrt(energy[:, 0] / WINDOW).astype(np.float32)


@njit(cache=True, nogil=True)
def _deepest(normal):  # type: ignore[no-untyped-def]
    """The deepest dips of each row, places refined by a parabola."""
    n, width = normal.shape
    lags, depths = np.ones((n, CANDIDATES), np.float32), np.full((n, CANDIDATES), 2.0, np.float32)
    for row in range(n):
        for lag in range(SHORTEST, width - 1):
            here, left, right = normal[row, lag], normal[row, lag - 1], normal[row, lag + 1]
            if here > left or here >= right or here >= depths[row, -1]:
                continue
            bend = left - 2 * here + right
            shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
            place = CANDIDATES - 1
            while place and depths[row, place - 1] > here:
                depths[row, place], lags[row, place] = depths[row, place - 1], lags[row, place - 1]
                place -= 1
            depths[row, place], lags[row, place] = here, lag + shift
    return lags, depths


@njit(cache=True, nogil=True)
def _course(semitones, depths, loud):  # type: ignore[no-untyped-def]
    """The cheapest candidate of each frame, −1 without voice."""
    n, width = depths.shape
    cost = np.zeros(width + 1)
    origin = np.zeros((n, width + 1), np.int8)
    for t in range(n):
        fresh = np.empty(width + 1)
        for state in range(width + 1):
            best, came = np.inf, 0
            for before in range(width + 1):
                value = cost[before]
                if (state == width) != (before == width):
                    value += CHANGE
                elif state < width and t:
                    value += GLIDE * min(abs(semitones[t, state] - semitones[t - 1, before]), 12.0)
                if value < best:
                    best, came = value, before
            own = UNVOICED if state == width else float(depths[t, state])
            if state < width and not loud[t]:
                own = 2.0
            fresh[state], origin[t, state] = best + own, came
        cost = fresh
    path = np.empty(n, np.int64)
    state = int(np.argmin(cost))
    for t in range(n - 1, -1, -1):
        path[t] = state if state < width else -1
        state = origin[t, state]
    return path
