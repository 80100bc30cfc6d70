from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.producers.generation import harmonies
from recsys.producers.generation.arranging import Band, arrange, band_of
from recsys.producers.generation.copies import CEILING, Learned, copied
from recsys.producers.generation.songs import (
    ACCOMPANIMENT,
    MELODY,
    NONE,
    SILENT,
    Song,
    away,
    of_piece,
    scale,
    steps_of,
    tones,
)
from recsys.producers.notation import Notes, Part, Piece, read_midi, write_midi
from tests.producers.generation.pieces import save_midi


def song(bars: int = 4, seed: int = 0) -> Song:
    """Chance melody of quarters over triads of C, F, G, C."""
    rng = np.random.default_rng(seed)
    rows = [(4 * beat, MELODY, 60 + int(rng.integers(20)), 4) for beat in range(4 * bars)]
    roots = [(0, 5, 7, 0)[bar % 4] for bar in range(bars)]
    rows += [(16 * b, ACCOMPANIMENT, 48 + r + t, 16) for b, r in enumerate(roots) for t in (0, 4, 7)]
    notes = np.array(sorted(rows), np.int64)
    return Song(notes, np.repeat([9 * r for r in roots], 2).astype(np.int64), 0, 100.0)


def test_a_piece_lies_on_the_grid_of_its_beats(tmp_path: Path) -> None:
    read = of_piece(read_midi(save_midi(tmp_path / "x.mid", bars=4, beat=0.6)))
    assert read.bars == 4
    assert read.tempo == pytest.approx(100.0)
    assert read.key == 0
    assert len(read.chords) == 8


@given(st.integers(0, 100))
def test_a_song_written_is_the_song_read(seed: int) -> None:
    made = song(seed=seed)
    piece, chords = arrange(made, Band(bass=None, drums=False))
    again = of_piece(piece)
    assert (again.notes[:, :3] == made.notes[:, :3]).all()
    assert (again.chords == made.chords)[::2].mean() >= 0.5
    assert chords.intervals[-1, 1] == pytest.approx(60 / 100 * 16)


@given(st.integers(-24, 24), st.integers(0, 23))
def test_moving_keeps_what_a_song_is(semitones: int, key: int) -> None:
    made = Song(song().notes, song().chords, key, 90.0)
    moved = made.moved(semitones)
    assert moved.key % 12 == (key + semitones) % 12
    assert (moved.key >= 12) == (key >= 12)
    assert ((moved.chords - made.chords) % NONE == (9 * semitones) % NONE).all()
    assert sorted((moved.notes[:, 2] % 12).tolist()) == sorted(((made.notes[:, 2] + semitones) % 12).tolist())
    assert made.home().key == (21 if key >= 12 else 0)
    assert -6 <= away(key) <= 5


def test_steps_tell_all_notes_and_when() -> None:
    made = song()
    steps = steps_of(made)
    real = steps.note != SILENT
    assert (steps.at[real] == made.notes[:, 0]).all()
    assert (steps.ahead[~real] == 16).all()
    assert (np.cumsum(steps.ahead) == steps.at).all()


def test_parts_of_a_song_together_are_the_song() -> None:
    made = song(8)
    again = made.part(0, 3).then(made.part(3, 8))
    assert (again.notes == made.notes).all()
    assert (again.chords == made.chords).all()


def test_without_a_named_melody_the_highest_notes_are_it() -> None:
    rows = [(b * 0.5, b * 0.5 + 0.45, p, 80) for b in range(8) for p in (48, 55, 72 + b)]
    made = of_piece(Piece([Part(Notes.of(rows), 0)], beats=0.5 * np.arange(9)))
    assert made.notes[made.notes[:, 1] == MELODY, 2].tolist() == [72 + b for b in range(8)]


def test_what_is_no_song_is_refused() -> None:
    with pytest.raises(DataError, match="expected a piece of a bar"):
        of_piece(Piece([Part(Notes.of([(0, 1, 60, 80)]))], beats=np.array([0.0, 0.5])))


def test_copies_are_found_in_any_key_and_chance_is_none() -> None:
    learned = Learned.of([song(8, seed) for seed in range(5)])
    assert copied(song(8, 2).moved(5), learned) == 32.0
    assert copied(song(8, 99), learned) < CEILING
    half = song(8, 3).part(0, 4).then(song(4, 77))
    assert 15.0 <= copied(half, learned) < 32.0


@pytest.mark.parametrize(
    ("text", "key"), [("C", 0), ("c", 12), ("Am", 21), ("F# minor", 18), ("Bb", 10), ("Eb:maj", 3)]
)
def test_keys_are_read(text: str, key: int) -> None:
    assert harmonies.read_key(text) == key


def test_chords_are_read_and_told() -> None:
    read = harmonies.read_chords("C | G7, Am7 Fmaj7 Bm7b5 Dsus4/A F#m N")
    assert [harmonies.label(c) for c in read] == [
        *("C:maj", "G:7", "A:min7", "F:maj7", "B:hdim7", "D:sus4", "F#:min", "N"),
    ]
    assert harmonies.key_of_chords(harmonies.read_chords("C G Am F")) == 0
    assert harmonies.key_of_chords(harmonies.read_chords("Am Dm E7 Am")) == 21
    for wrong in ("", "H", "Cfoo"):
        with pytest.raises(DataError, match="expected"):
            harmonies.read_chords(wrong)
    with pytest.raises(DataError, match="expected a name"):
        harmonies.read_key("X")


@given(st.integers(2, 40), st.sampled_from([0, 21]), st.integers(0, 1000))
def test_courses_of_chords_stay_in_the_key_and_end_at_home(bars: int, key: int, seed: int) -> None:
    flat = {mode: np.full((NONE + 1, NONE + 1), 1 / (NONE + 1), np.float32) for mode in ("major", "minor")}
    rng = np.random.default_rng(seed)
    made = harmonies.course(flat, key, bars, 1.0, rng)
    assert len(made) == 2 * bars
    inside = scale(key) | ({8} if key else set())
    assert all(tones(int(chord)) <= inside for chord in made)
    assert tones(int(made[-1])) == tones(harmonies.read_chords("Am" if key else "C")[0])
    between = harmonies.way(flat, key, bars, 0, 63, 1.0, rng)
    assert len(between) == 2 * bars


def test_a_band_is_read_from_a_piece(tmp_path: Path) -> None:
    piece, _ = arrange(song(), Band(melody=40, chords=24, bass=32))
    write_midi(tmp_path / "x.mid", piece)
    assert band_of(read_midi(tmp_path / "x.mid")) == Band(40, 24, 32, True)
