"""A tune in, its patterns of three intervals out: what is looked up before anything is compared note by note."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.producers.notation import Notes

Floats = NDArray[np.float32]
WIDEST = 12  # semitones of an interval of a pattern; wider ones lose an octave
SPAN = 2 * WIDEST + 1
PATTERNS = SPAN**3
NEAR = 0.3  # weight of a pattern that differs by a semitone in one interval


def merged(notes: Notes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pitches and onsets, notes of one pitch in a row as one."""
    pitch = notes.pitch.astype(np.int64)
    fresh = np.append(True, pitch[1:] != pitch[:-1]) if len(pitch) else np.empty(0, np.bool_)
    return pitch[fresh], notes.onset[fresh]


def _steps(pitch: NDArray[np.integer]) -> NDArray[np.int64]:
    """Intervals as 0 to 24; octaves beyond the first are taken off."""
    steps = np.diff(pitch.astype(np.int64))
    wide = np.abs(steps) > WIDEST
    return np.where(wide, np.sign(steps) * ((np.abs(steps) - 1) % 12 + 1), steps) + WIDEST


def _keys(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each pattern of three intervals."""
    return (steps[:-2] * SPAN + steps[1:-1]) * SPAN + steps[2:]


def indexed(pitch: NDArray[np.uint8], starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Where each pattern occurs; none reaches from one track into the next."""
    if len(pitch) < 4:
        return np.zeros(PATTERNS + 1, np.int64), np.empty(0, np.uint32)
    keys = _keys(_steps(pitch)).astype(np.int32)
    inside = np.ones(len(pitch), np.bool_)
    for back in (1, 2, 3):
        ends = starts[1:] - back
        inside[ends[ends >= starts[:-1]]] = False
    places = np.flatnonzero(inside[: len(keys)]).astype(np.uint32)
    keys = keys[places]
    order = np.argsort(keys, kind="stable")
    return np.searchsorted(keys[order], np.arange(PATTERNS + 1)).astype(np.int64), places[order]


def patterns(pitch: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Patterns of a query, those that differ by a semitone among them: numbers, first notes, weights."""
    steps = _steps(pitch)
    keys = _keys(steps)
    here = np.arange(len(keys))
    made = [(keys, np.ones(len(keys)))]
    for place, size in enumerate((SPAN * SPAN, SPAN, 1)):
        column = steps[place : place + len(keys)]
        for change in (-1, 1):
            legal = (column + change >= 0) & (column + change < SPAN)
            made.append((np.where(legal, keys + change * size, keys), np.where(legal, NEAR, 0.0)))
    weights = np.concatenate([weight for _, weight in made]).astype(np.float32)
    return np.concatenate([key for key, _ in made]), np.tile(here, len(made)), weights
