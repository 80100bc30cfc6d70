"""Chords over time: what the network hears in each half beat, and the most likely course of chords through it.

The course is found by Viterbi's algorithm: chords stay or change as often as they do in songs at a downbeat, a beat
or between, and the next chord depends on the one before, in every key alike.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.harmony.hearing import Heard, hear
from recsys.producers.harmony.network import CHORDS, Odds, learned, log_softmax, odds
from recsys.producers.harmony.units import Units, pooled, units
from recsys.producers.notation.harte import MAJMIN, QUALITIES, spelled
from recsys.producers.notation.tables import Segments

Floats = NDArray[np.float32]
Vocabulary = Literal["majmin", "sevenths", "all"]
VOCABULARIES: dict[str, dict[str, str]] = {  # of each quality: how it is told
    "majmin": {**MAJMIN, "dim": "min", "hdim7": "min", "aug": "maj", "sus4": "maj"},
    "sevenths": {**{q: q for q in QUALITIES}, "dim": "min", "hdim7": "min7", "aug": "maj", "sus4": "maj"},
    "all": {q: q for q in QUALITIES},
}
WEIGHT = 1.5  # of what is heard against the course
FAINT = 0.02  # of the usual strength: a unit below it sounds not at all
NOTHING = -4.0  # log-chance that a chord is followed by none
SHORTEST = 1.0  # seconds of a file below which no chord is told
SURE = 20.0  # log-odds for no chord in silence


class Harmony(NamedTuple):
    """What is heard in the units of a piece: edges, notes (n, 84), log-probabilities of chords and keys."""

    units: Units
    notes: Floats
    odds: Odds


def harmony(heard: Heard) -> Harmony:
    """Hear the harmony of each unit."""
    found = units(heard.beats, heard.downbeats, heard.seconds)
    notes = pooled(heard.notes, heard.centres, found.edges)
    told = odds(notes)
    loudness = notes.sum(axis=1)
    silent = loudness <= FAINT * max(float(np.quantile(loudness, 0.9)), 1e-6)
    silent |= heard.seconds < SHORTEST
    chords = told.chords.copy()
    chords[silent, -1] += SURE
    return Harmony(found, notes, Odds(log_softmax(chords), told.keys))


def chords(path: str | os.PathLike[str], vocabulary: Vocabulary = "majmin") -> Segments:
    """Chords of a sound file in Harte's syntax, each with a confidence, 0 to 1.

    Args:
        vocabulary: "majmin", "sevenths" (and major, minor), or "all" (and dim, hdim7, aug, sus4).

    Raises:
        DataError: nothing in it can be decoded, or no such vocabulary.
        OSError: it cannot be read.
    """
    return decoded(harmony(hear(path)), vocabulary)


def decoded(heard: Harmony, vocabulary: Vocabulary = "majmin", *, key: int | None = None) -> Segments:
    """The likeliest course of chords, spelled as ``key`` has them.

    Raises:
        DataError: no such vocabulary.
    """
    if vocabulary not in VOCABULARIES:
        raise DataError(f"chords by {vocabulary!r}; expected one of {', '.join(VOCABULARIES)}")
    names, sums = classes_of(vocabulary)
    logs = grouped(heard.odds.chords, sums)
    stay, move = _changes(sums, len(names))
    path = viterbi(WEIGHT * logs, stay[heard.units.places], move)
    starts = np.flatnonzero(np.append(True, path[1:] != path[:-1])) if len(path) else np.empty(0, int)
    ends = np.append(starts[1:], len(path))
    edges = heard.units.edges
    intervals = np.column_stack([edges[starts], edges[ends]]).reshape(-1, 2)
    sure = [float(np.exp(logs[a:b, path[a]]).mean()) for a, b in zip(starts, ends, strict=True)]
    return Segments(intervals, [_label(names, int(path[a]), key) for a in starts], np.array(sure, np.float32))


def viterbi(logs: Floats, stay: Floats, move: Floats) -> NDArray[np.int64]:
    """The best path (n,) through log-chances (n, s).

    Args:
        stay: of each step, log-chances that the state stays and that it changes, (n, 2).
        move: log-chance of the next state once it changes, (s, s).
    """
    n, states = logs.shape
    if not n:
        return np.empty(0, np.int64)
    origin = np.empty((n, states), np.int64)
    score = logs[0].astype(np.float64)
    here = np.arange(states)
    for step in range(1, n):
        moved = score[:, None] + move
        best = moved.argmax(axis=0)
        changed, kept = moved[best, here] + stay[step, 1], score + stay[step, 0]
        origin[step] = np.where(kept >= changed, here, best)
        score = np.maximum(kept, changed) + logs[step]
    path = np.empty(n, np.int64)
    path[-1] = score.argmax()
    for step in range(n - 1, 0, -1):
        path[step - 1] = origin[step, path[step]]
    return path


def classes_of(vocabulary: str) -> tuple[list[str], NDArray[np.int64]]:
    """Qualities that are told, and the class of each of the 109 outputs; no chord is the last."""
    told = VOCABULARIES[vocabulary]
    names = list(dict.fromkeys(told[quality] for quality in QUALITIES))
    places = np.array([names.index(told[quality]) for quality in QUALITIES])
    classes = (np.arange(12)[:, None] * len(names) + places).ravel()
    return names, np.append(classes, 12 * len(names))


def grouped(logs: Floats, classes: NDArray[np.int64]) -> Floats:
    """Log-probabilities of classes from those of the outputs, (n, 109) to (n, classes)."""
    table = np.zeros((CHORDS, int(classes.max()) + 1), np.float32)
    table[np.arange(CHORDS), classes] = 1
    return np.asarray(np.log(np.exp(logs) @ table + 1e-12), np.float32)


def _changes(classes: NDArray[np.int64], width: int) -> tuple[Floats, Floats]:
    """Log-chances of staying and changing by kind of unit (3, 2), and of what follows (classes, classes)."""
    weights = learned()
    rate = weights["change"]
    stay = np.log(np.stack([1 - rate, rate], axis=1))
    group = classes[: len(QUALITIES)]
    counts = np.zeros((width, 12, width))
    for before in range(len(QUALITIES)):
        for after in range(len(QUALITIES)):
            counts[group[before], :, group[after]] += weights["follows"][before, :, after]
    states = 12 * width + 1
    move = np.full((states, states), 0.0)
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    for root in range(12):
        for other in range(12):
            rows, columns = slice(root * width, (root + 1) * width), slice(other * width, (other + 1) * width)
            move[rows, columns] = np.log(shares[:, (other - root) % 12, :])
    move[-1, :-1] = -np.log(states - 1)
    move[:-1, -1] = NOTHING
    np.fill_diagonal(move, -np.inf)
    return stay.astype(np.float32), move.astype(np.float32)


def _label(names: list[str], state: int, key: int | None) -> str:
    root, quality = divmod(state, len(names))
    return "N" if root == 12 else spelled(root, names[quality], key)
