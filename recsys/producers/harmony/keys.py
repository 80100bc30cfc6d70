"""Keys over time: which of 24 each half beat is in, and the most likely course of keys through a piece.

Each unit is judged by the network and by profiles of the major and the minor scale, both the same for every tonic.
Keys stay for long, and change to near ones rather than far ones.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from recsys.audio.spectra import fold
from recsys.audio.tonal import PROFILES, key_posterior
from recsys.producers.harmony.chords import Harmony, harmony, viterbi
from recsys.producers.harmony.hearing import hear
from recsys.producers.harmony.network import LOWEST, log_softmax
from recsys.producers.notation.harte import spelled
from recsys.producers.notation.tables import Segments

Floats = NDArray[np.float32]
NETWORK, PROFILE = 0.2, 0.25  # weights of the two judgements of one unit
CALM = 4.0  # what the mean judgement of a stretch is multiplied with to tell its confidence
WHOLE = 0.15  # weight of the key of the whole piece
CHANGE = 10.0  # log-chances against a change of key at a unit
FAR = 0.5  # further log-chances against each step from key to key on the circle of fifths


def keys(path: str | os.PathLike[str]) -> Segments:
    """Keys of a sound file over time, labelled as ``Eb:min``, each with a confidence, 0 to 1.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    return decoded_keys(harmony(hear(path)))


def decoded_keys(heard: Harmony) -> Segments:
    """The likeliest course of keys; none in silence."""
    if not heard.notes.any():
        return Segments(np.empty((0, 2)), [], np.empty(0, np.float32))
    logs = NETWORK * heard.odds.keys + PROFILE * fits(heard.notes) + WHOLE * np.log(whole(heard) + 1e-6)
    stay = np.tile(np.array([0.0, -CHANGE], np.float32), (len(logs), 1))
    path = viterbi(logs, stay, -FAR * distances())
    starts = np.flatnonzero(np.append(True, path[1:] != path[:-1]))
    ends = np.append(starts[1:], len(path))
    edges = heard.units.edges
    sure = [
        float(np.exp(log_softmax(logs[a:b].mean(axis=0) * CALM)[path[a]])) for a, b in zip(starts, ends, strict=True)
    ]
    intervals = np.column_stack([edges[starts], edges[ends]])
    return Segments(intervals, [key_label(int(path[a])) for a in starts], np.array(sure, np.float32))


def whole(heard: Harmony) -> Floats:
    """Probability of each key for the whole piece, float32 (24,), all alike in silence.

    The profile of the mean chroma, as in ``recsys.audio.tonal``, times what the network hears on average.
    """
    chroma = fold(heard.notes, LOWEST)
    loud = chroma.sum(axis=1, keepdims=True)
    lengths = np.diff(heard.units.edges)[:, None]
    share = (lengths * chroma / np.maximum(loud + 0.05 * loud.mean(), 1e-9)).sum(axis=0)
    if not share.sum() > 0:
        return np.full(24, 1 / 24, np.float32)
    judged = np.average(heard.odds.keys, axis=0, weights=lengths[:, 0])
    return np.asarray(np.exp(log_softmax(np.log(key_posterior(share) + 1e-9) + judged)), np.float32)


def fits(notes: Floats) -> Floats:
    """How well the notes of each unit fit each key's profile, (n, 84) to (n, 24); louder units count more."""
    chroma = fold(notes, LOWEST)
    usual = max(float(chroma.sum(axis=1).mean()), 1e-9)
    return np.asarray((12 * chroma / usual) @ _PROFILES.T, np.float32)


def distances() -> Floats:
    """Steps between keys, (24, 24): on the circle of fifths, relative keys one apart; ∞ from a key to itself."""
    tonics = np.arange(24) % 12 + np.where(np.arange(24) < 12, 0, 3)  # the major key of the same signature
    around = (7 * (tonics[:, None] - tonics[None, :])) % 12
    minor = (np.arange(24) >= 12).astype(int)
    steps = np.minimum(around, 12 - around) + np.abs(minor[:, None] - minor[None, :])
    made = steps.astype(np.float32)
    np.fill_diagonal(made, np.inf)
    return made


def key_label(key: int) -> str:
    """A key's number as a label.

    >>> key_label(21), key_label(3)
    ('A:min', 'Eb:maj')
    """
    return spelled(key % 12, "maj" if key < 12 else "min", key)


def main_key(heard: Harmony) -> int | None:
    """The number of the likeliest key of the whole piece; None in silence."""
    return int(whole(heard).argmax()) if heard.notes.any() else None


def _profiles() -> Floats:
    """Profiles of all keys, mean 0, (24, 12)."""
    made = np.stack([np.roll(profile, tonic) for profile in PROFILES for tonic in range(12)])
    return np.asarray((made - made.mean(axis=1, keepdims=True)) / 12, np.float32)


_PROFILES = _profiles()
