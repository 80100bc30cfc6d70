"""A piece in, a song on a grid out: melody and accompaniment in sixteenths of four-beat bars, chords of half bars, key.

A song is told as a row of notes: how many steps after the one before, which part and pitch, how long. Within a step
melody goes before accompaniment, and low before high. All of it can be moved so that major songs are in C and minor
ones in A, which is how they are learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.audio.tonal import key_posterior
from recsys.errors import DataError
from recsys.producers.notation import Part, Piece
from recsys.producers.notation.harte import KINDS, QUALITIES

Ints = NDArray[np.int64]
BAR, HALF = 16, 8  # steps
LOWEST, KEYS = 21, 88
MELODY, ACCOMPANIMENT = 0, 1
NONE = 12 * len(QUALITIES)  # of chords
LENGTHS = np.array([1, 2, 3, 4, 6, 8, 12, 16])  # steps that are told apart
SINGING = ("melody", "vocal", "voice", "lead", "sing")
SIMPLE = {"maj": 0.0, "min": 0.0, "7": 0.05, "maj7": 0.06, "min7": 0.05, "dim": 0.06, "hdim7": 0.1, "aug": 0.15,
          "sus4": 0.05}  # fmt: skip
ROOTED = 0.12  # what the bass on its root speaks for a chord
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)


class Steps(NamedTuple):
    """Notes as they are told, each (n,).

    Attributes:
        ahead: steps since the note before, 0 to 16; of 16 there is no note, only time.
        note: key of the melody, 88 + key of the accompaniment, 176 for none.
        length: place in ``LENGTHS``.
        at: the step of the note in the song.
    """

    ahead: Ints
    note: Ints
    length: Ints
    at: Ints


SILENT = 2 * KEYS
FIRST = (51, 27)  # keys that melody and accompaniment are thought to come from


@dataclass(frozen=True, eq=False)
class Song:
    """A song on a grid.

    Attributes:
        notes: step, part, pitch and length in steps, int64 (n, 4), in the order in which notes are told.
        chords: of each half bar: 9 · root + quality in the order of ``QUALITIES``, or ``NONE``; int64 (2 · bars,).
        key: 0 to 23.
        tempo: beats a minute.
    """

    notes: Ints
    chords: Ints
    key: int
    tempo: float = 100.0

    @property
    def bars(self) -> int:
        """How many there are."""
        return len(self.chords) // 2

    def moved(self, semitones: int) -> Song:
        """Higher by so many semitones; pitches that leave the keyboard go back by octaves."""
        notes = self.notes.copy()
        notes[:, 2] += semitones
        notes[:, 2] -= 12 * np.maximum(np.ceil((notes[:, 2] - (LOWEST + KEYS - 1)) / 12).astype(np.int64), 0)
        notes[:, 2] += 12 * np.maximum(np.ceil((LOWEST - notes[:, 2]) / 12).astype(np.int64), 0)
        chords = np.where(self.chords == NONE, NONE, (self.chords + 9 * semitones) % NONE)
        key = (self.key + semitones) % 12 + 12 * (self.key >= 12)
        return Song(told(notes), chords, int(key), self.tempo)

    def home(self) -> Song:
        """Moved to C major or A minor, by six semitones at most."""
        return self.moved(-away(self.key))

    def part(self, first: int, last: int) -> Song:
        """Some of the bars; what sounds on is cut."""
        inside = (self.notes[:, 0] >= BAR * first) & (self.notes[:, 0] < BAR * last)
        notes = self.notes[inside].copy()
        notes[:, 3] = np.minimum(notes[:, 3], BAR * last - notes[:, 0])
        notes[:, 0] -= BAR * first
        return replace(self, notes=notes, chords=self.chords[2 * first : 2 * last])

    def then(self, other: Song) -> Song:
        """With another after it."""
        later = other.notes + np.array([BAR * self.bars, 0, 0, 0])
        return replace(self, notes=np.concatenate([self.notes, later]), chords=np.append(self.chords, other.chords))


def away(key: int) -> int:
    """Semitones of a key above C major or A minor, −6 to 5.

    >>> away(2), away(21), away(12)
    (2, 0, 3)
    """
    return int((key % 12 - (9 if key >= 12 else 0) + 6) % 12 - 6)


def scale(key: int) -> frozenset[int]:
    """Pitch classes of a key.

    >>> sorted(scale(21)) == sorted(scale(0))
    True
    """
    return frozenset((key % 12 + step) % 12 for step in (MAJOR if key < 12 else MINOR))


def told(notes: Ints) -> Ints:
    """Notes in the order in which they are told; of one pitch of a part only one at a time, the later cuts the earlier.

    >>> told(np.array([[0, 0, 60, 8], [4, 0, 60, 4], [4, 0, 60, 2]])).tolist()
    [[0, 0, 60, 4], [4, 0, 60, 4]]
    """
    order = np.lexsort((-notes[:, 3], notes[:, 2], notes[:, 1], notes[:, 0]))
    notes = notes[order]
    same = np.append(False, (notes[1:, :3] == notes[:-1, :3]).all(axis=1)) if len(notes) else np.zeros(0, np.bool_)
    notes = notes[~same].copy()
    order = np.lexsort((notes[:, 0], notes[:, 2], notes[:, 1]))
    follows = (notes[order[1:], 1:3] == notes[order[:-1], 1:3]).all(axis=1)
    gaps = notes[order[1:], 0] - notes[order[:-1], 0]
    notes[order[:-1], 3] = np.where(follows, np.minimum(notes[order[:-1], 3], gaps), notes[order[:-1], 3])
    return notes


def of_piece(piece: Piece) -> Song:
    """A piece on the grid of its own beats; bars of other than four beats are cut or filled up.

    Raises:
        DataError: fewer than four beats, or no notes.
    """
    if len(piece.beats) < 5 or not len(piece.notes):
        raise DataError(f"{len(piece.beats)} beats and {len(piece.notes)} notes; expected a piece of a bar or more")
    starts = _bars(piece)
    beats = np.append(piece.beats, piece.beats[-1] + (piece.beats[-1] - piece.beats[-2]) * np.arange(1, 5))
    rows = [_rows(part.notes.onset, part.notes.offset, part, starts, beats) for part in _parts(piece)]
    notes = told(np.concatenate(rows))
    if not len(notes):
        raise DataError("no note lies in a bar; expected beats where the notes are")
    chords = chords_of(notes, int(notes[-1, 0]) // BAR + 1)
    tempo = 60 / float(np.median(np.diff(piece.beats)))
    return Song(notes, chords, key_of(notes) if piece.key is None else piece.key, tempo)


def _bars(piece: Piece) -> Ints:
    """The beats on which bars begin."""
    first = np.flatnonzero(piece.downbeats[: len(piece.beats)])
    gaps = np.diff(first)
    usual = int(np.median(gaps)) if len(gaps) else 0
    if usual == 2:
        first = first[::2]
    elif usual != 4:
        first = np.arange(int(first[0]) % 4 if len(first) else 0, len(piece.beats), 4)
    return first.astype(np.int64)


def _parts(piece: Piece) -> list[Part]:
    """Melodic parts, the melody named so; where none is, the highest notes of all are."""
    melodic = [part for part in piece.parts if not part.drums and len(part.notes)]
    named = [part for part in melodic if any(word in part.name.lower() for word in SINGING)]
    if named:
        return [part._replace(name=SINGING[0] if part in named[:1] else "") for part in melodic]
    notes = piece.notes
    order = np.argsort(-notes.pitch, kind="stable")
    high = np.zeros(len(notes), np.bool_)
    for row in order:
        high[row] = not (high & (notes.onset < notes.offset[row]) & (notes.offset > notes.onset[row] + 0.03)).any()
    high &= notes.pitch >= np.median(notes.pitch)
    return [Part(notes.take(high), None, SINGING[0]), Part(notes.take(~high))]


def _rows(onset: Any, offset: Any, part: Part, starts: Ints, beats: Any) -> Ints:
    if not len(onset):
        return np.zeros((0, 4), np.int64)
    places = np.arange(len(beats))
    first, last = (np.rint(4 * np.interp(times, beats, places)).astype(np.int64) for times in (onset, offset))
    bar = np.searchsorted(4 * starts, first, side="right") - 1
    inside = first - 4 * starts[np.maximum(bar, 0)]
    kept = (bar >= 0) & (inside < BAR) & (part.notes.pitch >= LOWEST) & (part.notes.pitch < LOWEST + KEYS)
    kind = MELODY if part.name == SINGING[0] else ACCOMPANIMENT
    made = [BAR * bar + inside, np.full(len(bar), kind), part.notes.pitch, np.clip(last - first, 1, BAR)]
    return np.stack(made, axis=1).astype(np.int64)[kept]


def key_of(notes: Ints) -> int:
    """The likeliest key by the pitch classes and how long they sound."""
    chroma = np.bincount(notes[:, 2] % 12, weights=notes[:, 3], minlength=12)
    return int(key_posterior(chroma.astype(np.float32)).argmax())


def chords_of(notes: Ints, bars: int) -> Ints:
    """The chord of each half bar that fits its notes best."""
    chroma, lowest = np.zeros((2 * bars, 12)), np.full(2 * bars, 128)
    for place in range(2):  # a note sounds in the half where it begins and, where it is long, in the next
        half = notes[:, 0] // HALF + place
        left = HALF - notes[:, 0] % HALF
        steps = np.minimum(notes[:, 3], left) if place == 0 else np.clip(notes[:, 3] - left, 0, HALF)
        kept = (half < 2 * bars) & (steps > 0)
        np.add.at(chroma, (half[kept], notes[kept, 2] % 12), steps[kept])
        np.minimum.at(lowest, half[kept], notes[kept, 2])
    length = np.linalg.norm(chroma, axis=1, keepdims=True)
    fit = chroma / np.maximum(length, 1e-9) @ _TEMPLATES.T - _COST
    rooted = (np.arange(NONE)[None, :] // len(QUALITIES)) == (lowest % 12)[:, None]
    return np.where(length[:, 0] > 0, (fit + ROOTED * rooted).argmax(axis=1), NONE)


def steps_of(song: Song) -> Steps:
    """Notes as they are told, from the first step of the song.

    >>> notes = np.array([[0, 0, 60, 4], [0, 1, 48, 8], [40, 0, 64, 5]])
    >>> steps = steps_of(Song(notes, np.full(6, NONE), 0))
    >>> steps.ahead.tolist(), steps.note.tolist(), steps.at.tolist()
    ([0, 0, 16, 16, 8], [39, 115, 176, 176, 43], [0, 0, 16, 32, 40])
    """
    gaps = np.diff(song.notes[:, 0], prepend=0)
    empty = gaps // BAR
    place = np.repeat(np.arange(len(gaps)), empty + 1)
    last = np.append(place[1:] != place[:-1], True) if len(place) else np.zeros(0, np.bool_)
    ahead = np.where(last, (gaps % BAR)[place], BAR)
    note = KEYS * song.notes[:, 1] + song.notes[:, 2] - LOWEST
    nearest = np.abs(np.log(song.notes[:, 3, None] / LENGTHS)).argmin(axis=1)
    return Steps(ahead, np.where(last, note[place], SILENT), np.where(last, nearest[place], 0), np.cumsum(ahead))


def voices(note: Ints) -> Ints:
    """The last key of the melody and of the accompaniment before each note as told, (n, 2); ``FIRST`` before any.

    >>> voices(np.array([50, 88 + 20, 176, 52])).tolist()
    [[51, 27], [50, 27], [50, 20], [50, 20]]
    """
    made = np.empty((len(note), 2), np.int64)
    for part in (MELODY, ACCOMPANIMENT):
        mine = note // KEYS == part
        at = np.maximum.accumulate(np.where(mine, np.arange(len(note)), -1))
        at = np.append(-1, at[:-1]) if len(at) else at
        made[:, part] = np.where(at >= 0, note[np.maximum(at, 0)] % KEYS, FIRST[part])
    return made


def _templates() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    made = np.zeros((12, len(QUALITIES), 12))
    for root in range(12):
        for place, quality in enumerate(QUALITIES):
            tones = KINDS[quality]
            made[root, place, [(root + tone) % 12 for tone in tones]] = 1 / np.sqrt(len(tones))
    return made.reshape(-1, 12), np.tile([SIMPLE[quality] for quality in QUALITIES], 12)


_TEMPLATES, _COST = _templates()


def tones(chord: int) -> frozenset[int]:
    """Pitch classes of a chord; none of ``NONE``.

    >>> sorted(tones(0)), sorted(tones(9 * 9 + 1))
    ([0, 4, 7], [0, 4, 9])
    """
    if chord == NONE:
        return frozenset()
    root, quality = divmod(int(chord), len(QUALITIES))
    return frozenset((root + tone) % 12 for tone in KINDS[QUALITIES[quality]])
