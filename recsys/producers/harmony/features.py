"""What harmony says of a whole track, the same in every key: how often each chord of the key, and each change, occurs.

The vector, float32 (d,): probable chords relative to the local tonic (24 and none), changes between probable chords by
interval and mode (2 × 12 × 2), both as square roots of shares, so that their products compare distributions
(Bhattacharyya); how fast chords change, how sure, major or minor.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.harmony.chords import Harmony, classes_of, grouped
from recsys.producers.harmony.keys import main_key
from recsys.producers.harmony.units import MIDDLE

Floats = NDArray[np.float32]
LEAST = 8  # units below which there is no harmony to speak of
SOUNDING = 0.25  # share of units with a chord below which the same holds
SURE = 0.35  # mean probability of the likeliest chord below which the same holds
PARTS = {"chords": 0.6, "changes": 0.7, "rest": 0.15}  # length of each part of the vector


class Described(NamedTuple):
    """A vector of length about 1, None where nothing can be said; and a confidence, 0 to 1."""

    vector: Floats | None
    confidence: float


def describe(heard: Harmony) -> Described:
    """Harmony of a track by its chords, whatever its key; no vector for silence, noise and music without chords."""
    told = posterior(heard)
    sounding = told[:, -1] < 0.5
    confidence = float(told[sounding].max(axis=1).mean()) if sounding.any() else 0.0
    tonic = main_key(heard)
    if sounding.sum() < LEAST or sounding.mean() < SOUNDING or confidence < SURE or tonic is None:
        return Described(None, confidence)
    lengths = np.diff(heard.units.edges)
    chords = np.average(relative(told, tonic), axis=0, weights=lengths)
    change = changes(told)
    rate = float(1 - (told[1:] * told[:-1]).sum(axis=1).mean())
    minor = float(chords[12:24].sum())
    rest = np.array([rate, confidence, minor, float(tonic >= 12)], np.float32)
    parts = (np.sqrt(chords), np.sqrt(change.ravel()), rest / 2)
    joined = [PARTS[name] * part for name, part in zip(PARTS, parts, strict=True)]
    return Described(np.concatenate(joined).astype(np.float32), confidence)


def posterior(heard: Harmony) -> Floats:
    """Probability of the twelve major chords, the twelve minor ones and none in each unit, (n, 25)."""
    names, classes = classes_of("majmin")
    logs = grouped(heard.odds.chords, classes)
    roots = np.exp(logs[:, :-1]).reshape(len(logs), 12, len(names))
    made = np.concatenate([roots[:, :, 0], roots[:, :, 1], np.exp(logs[:, -1:])], axis=1)
    return np.asarray(made / made.sum(axis=1, keepdims=True), np.float32)


def relative(told: Floats, key: int) -> Floats:
    """Chords counted from the tonic of a key, (n, 25)."""
    tonic = key % 12
    return np.concatenate(
        [np.roll(told[:, :12], -tonic, axis=1), np.roll(told[:, 12:24], -tonic, axis=1), told[:, 24:]], axis=1
    )


def changes(told: Floats) -> Floats:
    """Shares of changes by mode before, interval and mode after, (2, 12, 2); chords that stay don't count."""
    modes = told[:, :24].reshape(-1, 2, 12)
    pairs = np.einsum("tmr,tns->mrns", modes[:-1], modes[1:], optimize=True)
    counts = np.zeros((2, 12, 2))
    roots = np.arange(12)
    for step in range(12):
        counts[:, step] = pairs[:, roots, :, (roots + step) % 12].sum(axis=0)
    counts[[0, 1], 0, [0, 1]] = 0
    total = counts.sum()
    return np.asarray(counts / total if total > 0 else counts, np.float32)


def by_beat(heard: Harmony) -> Floats:
    """``posterior`` of each beat rather than each half, (beats, 25)."""
    told, starts = posterior(heard), np.flatnonzero(heard.units.places != MIDDLE)
    if not len(starts):
        return told
    sums = np.add.reduceat(told, starts, axis=0)
    return np.asarray(sums / sums.sum(axis=1, keepdims=True), np.float32)
