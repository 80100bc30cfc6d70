"""How near an onset each key is, and whether it sounds, in; notes out.

An onset is a peak of its own course over time; where between frames it lies follows from the values beside it, as the
network was taught a triangle (Kong et al., IEEE/ACM TASLP 29, 2021). A note lasts until its key is improbable to sound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.audio.sound import RATE
from recsys.producers.notation import Notes
from recsys.producers.transcription.keys import HOP, LOWEST

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
FRAME = HOP / RATE  # seconds


class Odds(NamedTuple):
    """What was heard, each (frames, keys), 0 to 255: how near an onset, how probable to sound, velocity."""

    onset: Bytes
    frame: Bytes
    velocity: Bytes


class Thresholds(NamedTuple):
    """Least probabilities of an onset, of a key that sounds on, and of a note by both."""

    onset: float = 0.5
    frame: float = 0.5
    note: float = 0.4


def find(odds: Odds, thresholds: Thresholds = Thresholds()) -> Notes:  # noqa: B008
    """Notes of what was heard.

    >>> onset, frame = np.zeros((2, 40, 88), np.uint8)
    >>> onset[9:12, 39], frame[10:30, 39] = (77, 230, 153), 230
    >>> notes = find(Odds(onset, frame, frame))
    >>> notes.pitch.tolist(), (notes.onset / FRAME).round(2).tolist(), (notes.offset / FRAME).round(2).tolist()
    ([60], [10.25], [30.0])
    """
    rows, sure = [np.empty((0, 4))], [np.empty(0, np.float32)]
    for key in range(odds.onset.shape[1]):
        onset, frame, velocity = (np.asarray(side[:, key] / 255, np.float32) for side in odds)
        found, confidence = _of_key(onset, frame, velocity, thresholds)
        rows.append(np.insert(found, 2, LOWEST + key, axis=1))
        sure.append(confidence)
    return Notes.of(np.concatenate(rows), np.concatenate(sure))


def _of_key(onset: Floats, frame: Floats, velocity: Floats, least: Thresholds) -> tuple[NDArray[np.float64], Floats]:
    """Rows of onset, offset, velocity; and confidence."""
    starts = _peaks(onset, least.onset)
    if not len(starts):
        return np.empty((0, 3)), np.empty(0, np.float32)
    support = np.stack([frame[np.minimum(starts + step, len(frame) - 1)] for step in (1, 2)]).max(axis=0)
    sure = np.sqrt(onset[starts] * support).clip(0, 1)
    kept = sure >= least.note
    starts, sure = starts[kept], sure[kept]
    limits = np.append(starts[1:], len(onset))
    ends = np.minimum(_silences(frame, least.frame)[np.minimum(starts + 1, len(frame) - 1)], limits)
    places = np.maximum(starts + _between(onset, starts), 0)
    ends = np.maximum(ends, places + 1)
    loud = np.maximum(velocity[starts], velocity[np.minimum(starts + 1, len(velocity) - 1)])
    loud = np.rint(127 * loud).clip(1, 127)
    return np.column_stack([places * FRAME, ends * FRAME, loud]), sure


def _peaks(course: Floats, least: float) -> NDArray[np.intp]:
    padded = np.pad(course, 1)
    return np.flatnonzero((course >= least) & (course > padded[:-2]) & (course >= padded[2:]))


def _between(course: Floats, peaks: NDArray[np.intp]) -> Floats:
    """Where the top of a triangle lies, in frames from its highest value, −½ to ½."""
    padded = np.pad(course, 1)
    before, top, after = padded[peaks], padded[peaks + 1], padded[peaks + 2]
    slope = 2 * (top - np.minimum(before, after))
    return np.clip((after - before) / np.maximum(slope, 1e-6), -0.5, 0.5)


def _silences(frame: Floats, least: float) -> NDArray[np.intp]:
    """For each frame the first one from there on that begins two in which the key does not sound."""
    quiet = np.pad(frame, (0, 2)) < least
    places = np.where(quiet[:-2] & quiet[1:-1], np.arange(len(frame)), len(frame))
    return np.minimum.accumulate(places[::-1])[::-1]
