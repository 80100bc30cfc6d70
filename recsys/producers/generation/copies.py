"""A song in, how much of it was copied from the songs that a model learned from out.

A run of melody is copied where its intervals and the steps between its notes are those of a learned song, whatever the
key; a texture is copied where two whole bars are, note for note. What was learned is kept as 32-bit hashes, sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.generation.songs import BAR, MELODY, Ints, Song

Hashes = NDArray[np.uint32]
NOTES = 7  # of a run of melody that is looked up
TEXTURE = 2  # bars of a texture
CEILING = 8.0  # beats: a longer run is a copy
LEAST = 4  # different pitches in a run; fewer are no melody


class Learned(NamedTuple):
    """Hashes of all runs of melody and of all textures of the songs that were learned."""

    runs: Hashes
    textures: Hashes

    @classmethod
    def of(cls, songs: Sequence[Song]) -> Learned:
        """Those of songs."""
        runs = [_runs(_melody(song))[0] for song in songs]
        textures = [_textures(song) for song in songs]
        return cls(*(np.unique(np.concatenate([np.zeros(0, np.uint32), *part])) for part in (runs, textures)))


def copied(song: Song, learned: Learned) -> float:
    """Beats of the longest stretch of a song that is in the songs that were learned.

    >>> rng = np.random.default_rng(0)
    >>> notes = np.stack([4 * np.arange(32), np.zeros(32), rng.integers(60, 80, 32), np.full(32, 4)], axis=1)
    >>> song = Song(notes.astype(np.int64), np.zeros(16, np.int64), 0)
    >>> copied(song.moved(3), Learned.of([song])), copied(song, Learned.of([]))
    (32.0, 0.0)
    """
    melody = _melody(song)
    hashes, starts, ends = _runs(melody)
    known = (hashes > 0) & np.isin(hashes, learned.runs)
    longest, begun = 0, -1
    for place, same in enumerate(known.tolist()):
        begun = (begun if begun >= 0 else place) if same else -1
        longest = max(longest, int(ends[place] - starts[begun])) if same else longest
    found = _textures(song)
    bars = (found > 0) & np.isin(found, learned.textures)
    textures = (TEXTURE - 1 + _longest(bars)) * BAR if bars.any() else 0
    return max(longest, textures) / 4


def known(song: Song, learned: Learned) -> float:
    """The share of a song's runs of melody that are in the songs that were learned; 0 where it has none."""
    hashes = _runs(_melody(song))[0]
    hashes = hashes[hashes > 0]
    return float(np.isin(hashes, learned.runs).mean()) if len(hashes) else 0.0


def _melody(song: Song) -> Ints:
    """Steps and pitches of the highest notes of the melody, (n, 2)."""
    notes = song.notes[song.notes[:, 1] == MELODY]
    notes = notes[np.lexsort((-notes[:, 2], notes[:, 0]))]
    first = np.append(True, np.diff(notes[:, 0]) > 0) if len(notes) else np.zeros(0, np.bool_)
    return notes[first][:, [0, 2]]


def _runs(melody: Ints) -> tuple[Hashes, Ints, Ints]:
    """Hashes of runs, and their first and last step; runs of few pitches are left out as a hash of 0."""
    count = len(melody) - NOTES + 1
    if count < 1:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = np.arange(count)[:, None] + np.arange(NOTES)
    steps, pitch = melody[rows, 0], melody[rows, 1]
    words = np.concatenate([np.diff(pitch, axis=1) + 128, np.minimum(np.diff(steps, axis=1), 255)], axis=1)
    few = np.array([len(set(row)) < LEAST for row in pitch.tolist()])
    last = np.append(melody[1:, 0], melody[-1, 0] + 4)[NOTES - 1 :]
    return np.where(few, np.uint32(0), _hashed(words)), melody[:count, 0], last


def _textures(song: Song) -> Hashes:
    """A hash of every two bars with all their notes, told from the key."""
    home, made = song.home(), []
    bar = home.notes[:, 0] // BAR
    for first in range(home.bars - TEXTURE + 1):
        inside = home.notes[(bar >= first) & (bar < first + TEXTURE)]
        if len(inside) < 2 * NOTES:
            made.append(np.uint32(0))
            continue
        words = np.column_stack([inside[:, 0] - BAR * first, inside[:, 1:3]]).reshape(1, -1)
        made.append(_hashed(words)[0])
    return np.array(made, np.uint32)


def _hashed(words: Ints) -> Hashes:
    """Each row as one number, never 0 (FNV-1a over its values; Fowler, Noll & Vo)."""
    made = np.full(len(words), 0x811C9DC5, np.uint64)
    for column in words.T:
        made = ((made ^ column.astype(np.uint64)) * np.uint64(0x01000193)) & np.uint64(0xFFFFFFFF)
    return np.maximum(made.astype(np.uint32), np.uint32(1))


def _longest(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
