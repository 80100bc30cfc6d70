"""The pitch of one voice over time in, its notes out: steady stretches on the semitones of the singer's own tuning."""

from __future__ import annotations

import os

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recsys.audio.pitch import HOP, Contour, contour
from recsys.audio.sound import RATE
from recsys.errors import DataError
from recsys.producers.harmony.hearing import stretches
from recsys.producers.notation import Notes

APART = 0.7  # semitones from the middle of a note at which another begins
SHORTEST = 0.08  # seconds
FRAME = HOP / RATE
SMOOTH = 5  # frames of the median
LONGEST = 60.0  # seconds that are heard
DIP = 0.35  # share of the strength around to which it falls between two notes of one pitch
VELOCITY = 80


def hummed(path: str | os.PathLike[str]) -> Notes:
    """The notes of a hummed, whistled or sung tune, of a minute at most.

    Raises:
        DataError: nothing in it can be decoded, or no voice is heard.
        OSError: it cannot be read.
    """
    sound = next(iter(stretches(path, LONGEST)))
    notes = voiced(contour(sound))
    if not len(notes):
        raise DataError(f"{path}: no voice with a clear pitch in the first {LONGEST:g} s; expected one tune, hummed")
    return notes


def voiced(heard: Contour) -> Notes:
    """Notes of a contour.

    >>> times = 0.0116 * np.arange(90)
    >>> pitch = np.repeat([60.1, 62.1, np.nan], 30).astype(np.float32)
    >>> voiced(Contour(times, pitch, np.ones(90, np.float32))).pitch.tolist()
    [60, 62]
    """
    pitch = _smoothed(heard.pitch)
    rows = [
        (heard.times[a], heard.times[b - 1] + FRAME, float(np.median(pitch[a:b])))
        for a, b in _pieces(pitch)
        if (b - a) * FRAME >= SHORTEST
    ]
    if not rows:
        return Notes.none()
    table = np.array(rows)
    table[:, 2] = np.clip(np.rint(table[:, 2] - _tuning(table)), 0, 127)
    return Notes.of(np.column_stack([table, np.full(len(table), VELOCITY)]))


def _tuning(table: NDArray[np.float64]) -> float:
    """By how much the voice is off the semitones, −.5 to .5, long notes counting more."""
    turn = np.exp(2j * np.pi * table[:, 2])
    return float(np.angle(((table[:, 1] - table[:, 0]) * turn).sum()) / (2 * np.pi))


def _smoothed(pitch: NDArray[np.float32]) -> NDArray[np.float64]:
    """Medians over a few frames; without voice stays so."""
    padded = np.pad(pitch.astype(np.float64), SMOOTH // 2, constant_values=np.nan)
    near = np.lib.stride_tricks.sliding_window_view(padded, SMOOTH)
    ordered = np.sort(near, axis=1)
    known = np.isfinite(near).sum(axis=1)
    middle = ordered[np.arange(len(pitch)), np.maximum(known - 1, 0) // 2]
    return np.where(np.isfinite(pitch), middle, np.nan)


@njit(cache=True, nogil=True)
def _pieces(pitch):  # type: ignore[no-untyped-def]
    """First and last + 1 frame of stretches that stay near their own mean."""
    made = [(0, 0)]
    start, total, count, strays = -1, 0.0, 0, 0
    for t in range(len(pitch) + 1):
        here = pitch[t] if t < len(pitch) else np.nan
        if here != here:
            if start >= 0:
                made.append((start, t))
            start, strays = -1, 0
            continue
        if start < 0:
            start, total, count, strays = t, here, 1, 0
            continue
        if abs(here - total / count) > APART:
            strays += 1
            if strays >= 3:
                made.append((start, t - 2))
                start, total, count, strays = t - 2, here, 1, 0
        else:
            strays = 0
            total += here
            count += 1
    return made[1:]
