"""Notes of each unit in, how probable each chord and key is out: a small network that works alike in every key.

Every root of twelve hears the notes from its own pitch class upwards through the same weights; roots then tell each
other what they hear, round the circle of pitch classes. So a piece in another key gives the same answers, moved, but
for the octave in which a root begins. The
weights are made as in ``python -m tests.measure.train_chords``; numpy is enough to use them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.notation.harte import QUALITIES

Floats = NDArray[np.float32]
WEIGHTS = Path(__file__).with_name("chords.npz")
LOWEST, NOTES = 28, 84  # as the front end has them
REACH = 96  # semitones that a root hears, from the octave below the lowest note
DILATIONS = (1, 2, 4)  # units of time
CHORDS = 12 * len(QUALITIES) + 1  # root by root, no chord last
KEYS = 24
MARGIN = sum(DILATIONS)  # units that the network hears on each side
BLOCK = 512  # units at a time, so that memory does not grow with the length of a piece


class Odds(NamedTuple):
    """Log-probabilities by unit: chords (n, 109), root by root in the order of ``QUALITIES``, and keys (n, 24)."""

    chords: Floats
    keys: Floats


def odds(notes: Floats) -> Odds:
    """What the network hears in the notes of each unit, float32 (n, 84) from MIDI pitch 28.

    >>> odds(np.zeros((5, 84), np.float32)).chords.shape
    (5, 109)
    """
    parts = []
    for start in range(0, max(len(notes), 1), BLOCK):
        first, last = max(start - MARGIN, 0), start + BLOCK + MARGIN
        found = _odds(notes[first:last])
        parts.append([side[start - first : start - first + BLOCK] for side in found])
    return Odds(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def _odds(notes: Floats) -> Odds:
    """The same for a stretch that is short enough to be heard at once."""
    weights = learned()
    hidden = _elu(by_root(notes) @ weights["first_w"] + weights["first_b"])
    for layer, dilation in enumerate(DILATIONS):
        hidden = hidden + _elu(_over_time(hidden, weights[f"time_w{layer}"], dilation) + weights[f"time_b{layer}"])
        hidden = hidden + _elu(_round(hidden, weights[f"round_w{layer}"]) + weights[f"round_b{layer}"])
    chords = hidden @ weights["chord_w"] + weights["chord_b"]
    none = hidden.mean(axis=1) @ weights["none_w"] + weights["none_b"]
    keys = hidden @ weights["key_w"] + weights["key_b"]
    flat = np.concatenate([chords.reshape(len(notes), -1), none], axis=1)
    return Odds(log_softmax(flat), log_softmax(keys.transpose(0, 2, 1).reshape(len(notes), -1)))


def by_root(notes: Floats) -> Floats:
    """What each root hears: semitones from its own pitch class upwards, (n, 84) to (n, 12, 96)."""
    lowest = LOWEST - 12
    padded = np.pad(notes, ((0, 0), (12, REACH + 12 - NOTES - 12)))
    starts = (np.arange(12) - lowest) % 12
    return padded[:, starts[:, None] + np.arange(REACH)]


def log_softmax(values: Floats) -> Floats:
    """Log-probabilities from log-odds, over the last axis."""
    shifted = values - values.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float32)


def _over_time(hidden: Floats, kernel: Floats, dilation: int) -> Floats:
    """(n, 12, h) with a kernel (3, h, h); the ends padded with zeros."""
    padded = np.pad(hidden, ((dilation, dilation), (0, 0), (0, 0)))
    n = len(hidden)
    return np.asarray(sum(padded[i * dilation : i * dilation + n] @ kernel[i] for i in range(3)), np.float32)


def _round(hidden: Floats, kernel: Floats) -> Floats:
    """Each root hears the others by their distance: (n, 12, h) with a kernel (12, h, h)."""
    n, _, width = hidden.shape
    return (hidden.reshape(n, -1) @ _circulant(kernel)).reshape(n, 12, width)


def _circulant(kernel: Floats) -> Floats:
    """The matrix (12 · h, 12 · h) that applies ``kernel[distance]`` from each root to each other."""
    width = kernel.shape[1]
    matrix = np.empty((12, width, 12, width), np.float32)
    for root in range(12):
        for other in range(12):
            matrix[other, :, root] = kernel[(other - root) % 12]
    return matrix.reshape(12 * width, 12 * width)


def _elu(values: Floats) -> Floats:
    return np.maximum(values, np.exp(np.minimum(values, 0)) - 1)


@lru_cache(maxsize=1)
def learned() -> dict[str, Floats]:
    """The shipped arrays; also ``change`` (3,) and ``follows`` (9, 12, 9): how often chords change, and to what."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}
