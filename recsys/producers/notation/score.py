"""What a piece of music is in symbols: notes of parts, beats, metre and key; times in seconds.

Conventions:
    * Pitches are MIDI numbers, 60 = C4; velocities 1 to 127; programs 0 to 127 of General MIDI, None where unknown.
    * Keys are numbered as in ``recsys.audio.tonal``: 0 to 11 for C major to B major, 12 to 23 for the minor keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

Seconds = NDArray[np.float64]
Pitches = NDArray[np.int16]
Floats = NDArray[np.float32]
SHORTEST = 0.001  # seconds of a note


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes in order of onset, then pitch.

    Attributes:
        onset, offset: float64 seconds (n,), 0 ≤ onset < offset.
        pitch, velocity: int16 (n,).
        confidence: float32 (n,), 0 to 1, NaN where unknown.

    >>> len(Notes.of([(0.0, 0.5, 60, 80), (0.5, 1.0, 64, 80)]))
    2
    """

    onset: Seconds
    offset: Seconds
    pitch: Pitches
    velocity: Pitches
    confidence: Floats

    @classmethod
    def of(
        cls, rows: Sequence[Sequence[float]] | NDArray[Any], confidence: Sequence[float] | NDArray[Any] | None = None
    ) -> Notes:
        """Notes from rows of onset, offset, pitch, velocity; sorted.

        Raises:
            DataError: a row out of range.
        """
        table = np.asarray(rows, np.float64).reshape(-1, 4)
        sure = np.full(len(table), np.nan, np.float32) if confidence is None else np.asarray(confidence, np.float32)
        _check(table, sure)
        order = np.lexsort((table[:, 1], table[:, 2], table[:, 0]))
        table, sure = table[order], sure[order]
        pitch, velocity = (np.rint(table[:, column]).astype(np.int16) for column in (2, 3))
        return cls(table[:, 0].copy(), table[:, 1].copy(), pitch, velocity, sure)

    @classmethod
    def none(cls) -> Notes:
        """No notes."""
        return cls.of(np.empty((0, 4)))

    def __len__(self) -> int:
        return len(self.onset)

    def take(self, rows: NDArray[Any]) -> Notes:
        """Some of the notes, by row or mask."""
        parts = (self.onset, self.offset, self.pitch, self.velocity, self.confidence)
        return Notes(*(part[rows] for part in parts))

    def untangled(self) -> Notes:
        """Without two notes of one pitch at a time: the earlier ends where the later begins, a double goes.

        No file with notes that are switched on and off can hold anything else.

        >>> Notes.of([(0.0, 2.0, 60, 80), (1.0, 3.0, 60, 80)]).untangled().offset.tolist()
        [1.0, 3.0]
        """
        order = np.lexsort((self.offset, self.onset, self.pitch))
        onset, offset, pitch = self.onset[order], self.offset[order].copy(), self.pitch[order]
        follows = pitch[1:] == pitch[:-1]
        offset[:-1] = np.where(follows, np.minimum(offset[:-1], onset[1:]), offset[:-1])
        kept = np.sort(order[offset - onset >= SHORTEST / 2])
        ends = np.empty(len(order))
        ends[order] = offset
        return Notes(self.onset, ends, self.pitch, self.velocity, self.confidence).take(kept)


class Part(NamedTuple):
    """One instrument: its notes, General MIDI program (None unknown), a name, and whether it is drums."""

    notes: Notes
    program: int | None = None
    name: str = ""
    drums: bool = False


class Metre(NamedTuple):
    """Beats in a bar, and the note value of a beat as a part of a whole note."""

    beats: int = 4
    value: int = 4


NO_TIMES = np.empty(0)


@dataclass(frozen=True, eq=False)
class Piece:
    """A whole piece.

    Attributes:
        parts: at most 15 instruments beside drums.
        beats: rising times of beats in seconds; the tempo map follows from them. None: 120 beats a minute.
        downbeats: which of the beats begin a bar, bool of the same length.
        metre: None where unknown.
        key: 0 to 23, None where unknown.
        title: may be empty.
    """

    parts: Sequence[Part] = ()
    beats: Seconds = field(default_factory=lambda: NO_TIMES)
    downbeats: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    metre: Metre | None = None
    key: int | None = None
    title: str = ""

    @property
    def notes(self) -> Notes:
        """The notes of all parts but drums together."""
        melodic = [part.notes for part in self.parts if not part.drums]
        if not melodic:
            return Notes.none()
        columns = (np.concatenate(column) for column in zip(*(_columns(notes) for notes in melodic), strict=True))
        onset, offset, pitch, velocity, sure = columns
        return Notes.of(np.column_stack([onset, offset, pitch, velocity]), sure)


def _columns(notes: Notes) -> tuple[NDArray[Any], ...]:
    return notes.onset, notes.offset, notes.pitch, notes.velocity, notes.confidence


def _check(table: Seconds, sure: Floats) -> None:
    """DataError where a row can't be a note."""
    if len(sure) != len(table):
        raise DataError(f"{len(sure)} confidences of {len(table)} notes; expected one each")
    if not len(table):
        return
    wrong = ~np.isfinite(table).all(axis=1) | (table[:, 0] < 0) | (table[:, 1] <= table[:, 0])
    wrong |= (table[:, 2] < 0) | (table[:, 2] > 127) | (table[:, 3] < 1) | (table[:, 3] > 127)
    if wrong.any():
        raise DataError(
            f"note {tuple(table[wrong][0].tolist())}; expected 0 <= onset < offset in seconds, "
            "a pitch of 0 to 127 and a velocity of 1 to 127"
        )
