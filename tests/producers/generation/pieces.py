"""Small music for the tests: a scale of chords that goes round, and rolls of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recsys.producers.generation.rolls import KEYS, Roll, Rolls
from recsys.producers.notation import Notes, Part, Piece, write_midi

ROUND = ((39, 43, 46), (44, 48, 51), (46, 50, 53), (39, 43, 46))  # C F G C


def roll(bars: int = 4, shift: int = 0) -> Roll:
    """Chords of four steps each."""
    made = np.zeros((16 * bars, KEYS), np.bool_)
    for place in range(4 * bars):
        made[4 * place : 4 * place + 4, np.array(ROUND[place % 4]) + shift] = True
    return made


def rolls(train: int = 12) -> Rolls:
    """Pieces that differ in length and, by an octave, in height."""
    return Rolls([roll(2 + i % 3, 12 * (i % 2)) for i in range(train)], [roll(3), roll(2, 12)], [roll(4)])


def save_rolls(path: Path, made: Rolls) -> Path:
    """As the command reads them."""
    held = {part: np.concatenate(pieces).astype(np.uint8) for part, pieces in zip(made._fields, made, strict=True)}
    lengths = {
        f"{part}_len": np.array([len(p) for p in pieces]) for part, pieces in zip(made._fields, made, strict=True)
    }
    np.savez(path, **held, **lengths)
    return path


def save_midi(path: Path, bars: int = 4, shift: int = 0, beat: float = 0.5) -> Path:
    """The same as a MIDI file, a chord of a beat."""
    rows = [
        (beat * place, beat * (place + 0.95), key + 21 + shift, 80)
        for place in range(4 * bars)
        for key in ROUND[place % 4]
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(path, Piece([Part(Notes.of(rows), 0)], beats=beat * np.arange(4 * bars + 1)))
    return path
