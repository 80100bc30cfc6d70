"""What the notes of a track say of it, the same in every key and at every tempo: the content block TRANS.

The vector, float32 (101,), is made of parts, each a root of shares (so that their products compare distributions) or
numbers scaled to about 0 to 1: density, polyphony, register, pitch classes above the tonic, intervals of the melody,
times between onsets in beats, lengths in beats, places in the beat, velocities, confidence; and which parts are known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.melody.line import melody
from recsys.producers.notation import Notes

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
VERSION = 1  # goes up when the same notes give another vector
LEAST = 16  # notes below which nothing is said
SURE = 0.3  # mean confidence below which the same holds
PARTS = {  # numbers of each part, and its length in the vector
    "density": (3, 0.3),
    "polyphony": (8, 0.4),
    "register": (4, 0.25),
    "classes": (12, 0.45),
    "intervals": (25, 0.4),
    "spacings": (13, 0.4),
    "lengths": (10, 0.3),
    "places": (12, 0.25),
    "velocities": (2, 0.1),
    "confidence": (2, 0.1),
}
KNOWN = 0.05  # of the flags, one for each part
BEATS = 2.0 ** np.array([-2.5, -1.8, -1.3, -0.8, -0.45, -0.2, 0.2, 0.45, 0.8, 1.3, 1.8, 2.5])  # edges of spacings
LENGTHS = 2.0 ** np.arange(-3.5, 3.6, 7 / 8)  # edges of lengths, in beats
WIDEST = 12  # semitones of an interval of the melody
CHORD = 0.04  # seconds between onsets that are one


class Described(NamedTuple):
    """A vector of length about 1, None where too little was heard; which parts are known, bool (10,); and how sure."""

    vector: Floats | None
    known: NDArray[np.bool_]
    confidence: float


def width() -> int:
    """Numbers of a vector."""
    return sum(size for size, _ in PARTS.values()) + len(PARTS)


def describe(notes: Notes, beats: Numbers, key: int | None, seconds: float) -> Described:
    """Notes of a track as a vector.

    Args:
        notes: all notes but those of drums.
        beats: seconds, rising; fewer than three leave the rhythm unknown.
        key: 0 to 23; None leaves the pitch classes unknown.
        seconds: length of the track.

    >>> scale = [(0.5 * i, 0.5 * i + 0.5, 60 + (0, 2, 4, 5, 7, 9, 11)[i % 7], 80) for i in range(28)]
    >>> higher = [(a, b, pitch + 5, v) for a, b, pitch, v in scale]
    >>> beats = np.arange(0, 15, 0.5)
    >>> one, other = (describe(Notes.of(n), beats, k, 14.0).vector for n, k in ((scale, 0), (higher, 5)))
    >>> bool(np.corrcoef(one, other)[0, 1] > 0.99), one.shape
    (True, (101,))
    """
    sure = notes.confidence[np.isfinite(notes.confidence)]
    confidence = float(sure.mean()) if len(sure) else 1.0 if len(notes) else 0.0
    if len(notes) < LEAST or confidence < SURE or seconds <= 0:
        return Described(None, np.zeros(len(PARTS), np.bool_), confidence)
    line = melody(notes)
    parts: dict[str, Numbers | None] = {
        "density": _density(notes, line, seconds),
        "polyphony": polyphony(notes, seconds),
        "register": _register(notes),
        "classes": None if key is None else classes(notes, key),
        "intervals": _shares(np.clip(np.diff(line.pitch.astype(int)), -WIDEST, WIDEST) + WIDEST, 2 * WIDEST + 1),
        **_rhythm(notes, beats),
        "velocities": np.array([notes.velocity.mean(), 2 * notes.velocity.std()]) / 127,
        "confidence": np.array([sure.mean(), sure.std()]) if len(sure) else None,
    }
    known = np.array([parts[name] is not None for name in PARTS])
    made = [_placed(parts[name], size, weight) for name, (size, weight) in PARTS.items()]
    return Described(np.concatenate([*made, KNOWN * known]).astype(np.float32), known, confidence)


def polyphony(notes: Notes, seconds: float) -> Numbers:
    """Shares of the time in which 0, 1, … and 7 or more notes sound, (8,).

    >>> polyphony(Notes.of([(0.0, 1.0, 60, 80), (0.5, 1.0, 64, 80)]), 2.0)[:3].tolist()
    [0.5, 0.25, 0.25]
    """
    times = np.concatenate([notes.onset, notes.offset, [0.0, seconds]])
    change = np.concatenate([np.ones(len(notes)), -np.ones(len(notes)), [0.0, 0.0]])
    order = np.argsort(times, kind="stable")
    spans = np.diff(np.minimum(times[order], seconds))
    return np.bincount(np.clip(np.cumsum(change[order])[:-1], 0, 7).astype(int), np.maximum(spans, 0), 8) / seconds


def classes(notes: Notes, key: int) -> Numbers:
    """Shares of sounding time of the pitch classes above the tonic, (12,)."""
    return _histogram((notes.pitch.astype(int) - key) % 12, notes.offset - notes.onset, 12)


def _density(notes: Notes, line: Notes, seconds: float) -> Numbers:
    """Notes a second and notes of the melody a second, as logarithms; share of them in the melody."""
    rates = np.log1p([len(notes) / seconds, len(line) / seconds]) / np.log(20)
    return np.append(rates, len(line) / len(notes))


def _register(notes: Notes) -> Numbers:
    """Mean and spread of pitches, and the lowest and highest tenth."""
    low, high = np.quantile(notes.pitch, [0.1, 0.9])
    return np.array([notes.pitch.mean() - 60, 2 * notes.pitch.std(), low - 60, high - 60]) / 24


def _rhythm(notes: Notes, beats: Numbers) -> dict[str, Numbers | None]:
    """Spacings, lengths and places, counted in beats."""
    if len(beats) < 3:
        return {"spacings": None, "lengths": None, "places": None}
    onset, offset = counted(notes.onset, beats), counted(notes.offset, beats)
    chords = np.append(True, np.diff(notes.onset) > CHORD)
    spacings = np.searchsorted(BEATS, np.diff(onset[chords]))
    lengths = np.clip(np.searchsorted(LENGTHS, offset - onset), 0, 9)
    places = np.rint((onset % 1) * 12).astype(int) % 12
    return {"spacings": _shares(spacings, 13), "lengths": _shares(lengths, 10), "places": _shares(places, 12)}


def counted(times: Numbers, beats: Numbers) -> Numbers:
    """Times in beats from the first beat; before and after it, beats go on as they are there.

    >>> counted(np.array([0.0, 1.25, 3.0]), np.array([0.5, 1.0, 1.5])).tolist()
    [-1.0, 1.5, 5.0]
    """
    steps = np.arange(len(beats), dtype=np.float64)
    inside = np.interp(times, beats, steps)
    first, last = beats[1] - beats[0], beats[-1] - beats[-2]
    early, late = np.minimum(times - beats[0], 0) / first, np.maximum(times - beats[-1], 0) / last
    return np.asarray(inside + early + late)


def _shares(places: NDArray[np.integer], size: int) -> Numbers:
    return _histogram(places, np.ones(len(places)), size)


def _histogram(places: NDArray[np.integer], weights: Numbers, size: int) -> Numbers:
    """Roots of shares, (size,)."""
    counts = np.bincount(places, weights, size)
    return np.asarray(np.sqrt(counts / max(counts.sum(), 1e-9)))


def _placed(part: Numbers | None, size: int, weight: float) -> Numbers:
    return np.zeros(size) if part is None else weight * part
