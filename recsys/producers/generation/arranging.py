"""A song on a grid in, a piece for instruments out: melody, chords, bass and drums, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.producers.generation import harmonies
from recsys.producers.generation.songs import BAR, HALF, MELODY, NONE, Ints, Song
from recsys.producers.notation import Metre, Notes, Part, Piece, Segments
from recsys.producers.notation.harte import QUALITIES

LOUD = {"melody": 96, "chords": 68, "bass": 82, "drums": 78}
ACCENT = 8  # that the first beat of a bar is louder by
LOWEST_BASS, HIGHEST_BASS = 36, 50
KICK, SNARE, HAT = 36, 38, 42  # of General MIDI's drums
BEATS = {KICK: (0, 8, 10), SNARE: (4, 12), HAT: tuple(range(0, BAR, 2))}  # steps of a bar
BASS = (0, 6, 8, 14)  # steps at which a bass may play


@dataclass(frozen=True)
class Band:
    """Programs of General MIDI; None leaves an instrument out.

    Attributes:
        melody, chords, bass: programs.
        drums: whether there are some.
    """

    melody: int = 73
    chords: int = 0
    bass: int | None = 33
    drums: bool = True


def arrange(song: Song, band: Band | None = None, title: str = "") -> tuple[Piece, Segments]:
    """A song for a band, and its chords.

    >>> song = Song(np.array([[0, 0, 72, 4], [0, 1, 48, 8]]), np.zeros(2, np.int64), 0, 120.0)
    >>> piece, chords = arrange(song)
    >>> [part.name for part in piece.parts], chords.labels
    (['melody', 'chords', 'bass', 'drums'], ['C:maj'])
    """
    band = band or Band()
    sung = song.notes[:, 1] == MELODY
    parts = [_part(song.notes[sung][:, [0, 2, 3]], "melody", band.melody, song.tempo)]
    parts.append(_part(song.notes[~sung][:, [0, 2, 3]], "chords", band.chords, song.tempo))
    if band.bass is not None:
        parts.append(_part(_bass(song), "bass", band.bass, song.tempo))
    if band.drums:
        parts.append(_part(_drums(song), "drums", None, song.tempo)._replace(drums=True))
    beats: NDArray[np.float64] = 60 / song.tempo * np.arange(4 * song.bars + 1).astype(np.float64)
    kept = [part for part in parts if len(part.notes)]
    piece = Piece(kept, beats, np.arange(len(beats)) % 4 == 0, Metre(), song.key, title)
    return piece, _chords(song)


def band_of(piece: Piece) -> Band:
    """The instruments of a piece: its highest part's, the fullest other one's, the lowest's; drums if it has some."""
    melodic = [part for part in piece.parts if not part.drums and len(part.notes)]
    if not melodic:
        return Band()
    high = max(melodic, key=lambda part: float(part.notes.pitch.mean()))
    low = min(melodic, key=lambda part: float(part.notes.pitch.mean()))
    others = [part for part in melodic if part is not high] or [high]
    full = max(others, key=lambda part: len(part.notes))
    bass = low.program if low is not high and low is not full and low.notes.pitch.mean() < HIGHEST_BASS else None
    return Band(high.program or 0, full.program or 0, bass, any(part.drums for part in piece.parts))


def _part(rows: Ints, name: str, program: int | None, tempo: float) -> Part:
    """Rows of step, pitch and length as a part."""
    loud = LOUD[name] + ACCENT * (rows[:, 0] % BAR == 0) - ACCENT // 2 * (rows[:, 0] % 4 != 0)
    step = 15 / tempo
    held = np.maximum(rows[:, 2] - 0.1, 0.5)
    table = np.column_stack([rows[:, 0] * step, (rows[:, 0] + held) * step, rows[:, 1], loud])
    return Part(Notes.of(table).untangled(), program, name)


def _bass(song: Song) -> Ints:
    """Roots of the chords where the accompaniment moves; none where nothing sounds."""
    rows = []
    moves = set(song.notes[song.notes[:, 1] != MELODY, 0].tolist())
    for half, chord in enumerate(song.chords.tolist()):
        places = [step for step in BASS if step // HALF == half % 2]
        steps = [BAR * (half // 2) + step for step in places]
        steps = [step for step in steps if step in moves]
        for step, after in zip(steps, [*steps[1:], HALF * (half + 1)], strict=False):
            if chord != NONE:
                rows.append((step, LOWEST_BASS + (chord // len(QUALITIES) - LOWEST_BASS) % 12, after - step))
    return np.array(rows, np.int64).reshape(-1, 3)


def _drums(song: Song) -> Ints:
    """A beat in every bar but the last, whose first step ends it."""
    rows = [(0, KICK, 1)] if song.bars < 2 else []
    for bar in range(song.bars - 1):
        rows += [(BAR * bar + step, drum, 1) for drum, steps in BEATS.items() for step in steps]
    rows.append((BAR * (song.bars - 1), KICK, 1))
    return np.array(sorted(set(rows)), np.int64)


def _chords(song: Song) -> Segments:
    """Chords as labelled stretches."""
    first = np.flatnonzero(np.append(True, np.diff(song.chords) != 0))
    edges: NDArray[np.float64] = 15 / song.tempo * HALF * np.append(first, len(song.chords)).astype(np.float64)
    labels = [harmonies.label(int(song.chords[place]), song.key) for place in first]
    return Segments(np.column_stack([edges[:-1], edges[1:]]), labels)
