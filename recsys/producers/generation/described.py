"""A song in, what the composer thinks of it out: how it surprises, where, how much it repeats, and its mind's average.

Surprise of notes given those before them is an old measure of how music is heard (Pearce, The Construction and
Evaluation of Statistical Models of Melodic Structure, PhD thesis, City University London, 2005). Values are nats per
note unless they say otherwise; songs are heard in C major or A minor, so another key gives the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.generation.composer import Composer, stored
from recsys.producers.generation.copies import known
from recsys.producers.generation.songs import BAR, KEYS, Song, of_piece, steps_of
from recsys.producers.notation import Notes, Part, Piece

Floats = NDArray[np.float32]
LONGEST = 64  # bars that are heard
ALONE = 4  # bars of the stretches that are heard without what went before
PEAK = 2.0  # deviations above a song's mean that make a peak
LEAST = 16  # notes of a song
DIRECTIONS = 24  # of the mind that are kept
NAMES = (
    *("surprise", "surprise_spread", "surprise_slope", "surprise_peaks", "entropy", "entropy_spread"),
    *("melody_surprise", "accompaniment_surprise", "repetition_gain", "novelty", "other_mode"),
)
SCALES = (5.0, 3.0, 3.0, 0.1, 5.0, 2.0, 5.0, 5.0, 1.0, 1.0, 1.0)  # by which values are divided in the block
SHARE = 0.5  # of the block's length that is the mind's


class Described(NamedTuple):
    """What is told of a song: values by name, and a vector (24,) of the composer's mind; NaN where it is too short."""

    values: dict[str, float]
    vector: Floats


def describe(song: Song, composer: Composer | None = None) -> Described:
    """Hear a song and tell what it was like.

    * ``surprise``, ``_spread``, ``_slope``: mean, deviation, and change from the first to the last bar.
    * ``surprise_peaks``: share of notes more than two deviations above the mean.
    * ``entropy``, ``entropy_spread``: of what the composer expects, before it hears which note it is.
    * ``melody_surprise``, ``accompaniment_surprise``: of notes of each part.
    * ``repetition_gain``: how much less its bars surprise after all before them than after nothing.
    * ``novelty``: share of runs of melody that no learned song has.
    * ``other_mode``: how much more it surprises when it is thought to be in the other mode.

    >>> notes = np.array([[2 * i, i % 2, 60 + i % 12, 2] for i in range(64)])
    >>> told = describe(Song(notes, np.zeros(16, np.int64), 0))
    >>> sorted(told.values) == sorted(NAMES), told.vector.shape
    (True, (24,))
    """
    composer = composer or stored().composer
    song = song.part(0, min(song.bars, LONGEST)).home()
    if len(song.notes) < LEAST:
        return Described(dict.fromkeys(NAMES, float("nan")), np.full(DIRECTIONS, np.nan, np.float32))
    heard = composer.attend(song)
    steps = steps_of(song)
    nats, bars = heard.nats.astype(np.float64), steps.at // BAR
    melody, played = steps.note < KEYS, (steps.note >= KEYS) & (steps.note < 2 * KEYS)
    values = {
        "surprise": nats.mean(),
        "surprise_spread": nats.std(),
        "surprise_slope": np.polyfit(bars / max(song.bars - 1, 1), nats, 1)[0] if song.bars > 1 else 0.0,
        "surprise_peaks": (nats > nats.mean() + PEAK * nats.std()).mean(),
        "entropy": heard.entropy.mean(),
        "entropy_spread": heard.entropy.std(),
        "melody_surprise": nats[melody].mean() if melody.any() else np.nan,
        "accompaniment_surprise": nats[played].mean() if played.any() else np.nan,
        "repetition_gain": _alone(composer, song) - nats.mean(),
        "novelty": 1 - known(song, stored().learned),
        "other_mode": _other(composer, song) - nats.mean(),
    }
    mind = heard.hidden.mean(axis=0) @ directions(heard.hidden.shape[1])
    return Described({name: float(values[name]) for name in NAMES}, mind.astype(np.float32))


def block(notes: Notes, beats: NDArray[np.float64], key: int | None) -> Floats | None:
    """What the composer thinks of a track's notes as a vector of length about 1, float32 (35,): the content block GEN.

    None where there are too few notes or beats.

    >>> block(Notes.none(), np.arange(4.0), None) is None
    True
    """
    try:
        song = of_piece(Piece([Part(notes)], beats, key=key))
    except DataError:
        return None
    told = describe(song)
    values = np.array([told.values[name] for name in NAMES]) / SCALES
    if not np.isfinite(told.vector).all():
        return None
    mind = told.vector / max(float(np.linalg.norm(told.vector)), 1e-9)
    rest = np.clip(np.nan_to_num(values), -2, 2) / np.sqrt(len(NAMES))
    return np.concatenate([rest * np.sqrt(1 - SHARE), mind * np.sqrt(SHARE)]).astype(np.float32)


def directions(width: int) -> Floats:
    """Chance directions, at right angles, the same for ever: (width, 24); pooled means keep their distances in them.

    >>> directions(64).shape
    (64, 24)
    """
    chance = np.random.default_rng(24).standard_normal((width, min(DIRECTIONS, width)))
    made = np.zeros((width, DIRECTIONS), np.float32)
    made[:, : chance.shape[1]] = np.linalg.qr(chance)[0]
    return made


def _alone(composer: Composer, song: Song) -> float:
    """Surprise of a note where stretches of four bars are heard as if nothing had been before."""
    parts = [song.part(bar, min(bar + ALONE, song.bars)) for bar in range(0, song.bars, ALONE)]
    nats = [composer.listen(part)[1] for part in parts if len(part.notes)]
    return float(np.concatenate(nats).mean())


def _other(composer: Composer, song: Song) -> float:
    """Surprise of a note in the other mode of the same tones."""
    other = Song(song.notes, song.chords, 21 if song.key < 12 else 0, song.tempo)
    return float(composer.listen(other)[1].mean())
