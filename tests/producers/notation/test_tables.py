"""Tables, chord labels, names and pictures."""

from pathlib import Path

import mir_eval.chord
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.producers.notation import (
    Metre,
    Notes,
    Part,
    Piece,
    Segments,
    Transcription,
    read_beats,
    read_lab,
    read_midi,
    read_notes,
    safe_names,
    write_beats,
    write_lab,
    write_notes,
    write_transcription,
)
from recsys.producers.notation.harte import QUALITIES, parse, spelled
from recsys.producers.notation.roll import draw_roll

times = st.floats(0, 7200).map(lambda t: round(t, 6))
rows = st.tuples(times, st.integers(1, 10**7).map(lambda n: n / 1e6), st.integers(0, 127), st.integers(1, 127))


@given(st.lists(rows, max_size=30), st.randoms())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_same_notes_are_read(tmp_path: Path, found, random) -> None:
    sure = [random.choice([0.25, 1.0, float("nan")]) for _ in found]
    notes = Notes.of([(on, round(on + length, 6), *rest) for on, length, *rest in found], sure)
    write_notes(tmp_path / "n.csv", notes)
    again = read_notes(tmp_path / "n.csv")
    for name in ("onset", "offset", "pitch", "velocity", "confidence"):
        assert np.array_equal(getattr(again, name), getattr(notes, name), equal_nan=True)


def test_the_same_beats_and_chords_are_read(tmp_path: Path) -> None:
    write_beats(tmp_path / "b.csv", np.array([0.5, 1.25]), np.array([True, False]))
    beats, first = read_beats(tmp_path / "b.csv")
    assert beats.tolist() == [0.5, 1.25]
    assert first.tolist() == [True, False]
    assert (tmp_path / "b.csv").read_text().startswith("time_s,is_downbeat\n0.500000,1\n")
    write_lab(tmp_path / "c.lab", Segments(np.array([[0, 1.5], [1.5, 2]]), ["N", "Eb:min7/b3"]))
    again = read_lab(tmp_path / "c.lab")
    assert again.intervals.tolist() == [[0, 1.5], [1.5, 2]]
    assert again.labels == ["N", "Eb:min7/b3"]


def test_files_that_are_something_else_are_errors(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column onset_s"):
        read_notes(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text("time_s,is_downbeat\nsoon,1\n")
    with pytest.raises(DataError, match="line 2"):
        read_beats(tmp_path / "y.csv")
    (tmp_path / "x.lab").write_text("0.0 1.0\n")
    with pytest.raises(DataError, match="line 1"):
        read_lab(tmp_path / "x.lab")


@pytest.mark.parametrize(
    "kind",
    [
        "maj",
        "min",
        "dim",
        "aug",
        "sus2",
        "sus4",
        "maj7",
        "min7",
        "7",
        "minmaj7",
        "dim7",
        "hdim7",
        "maj6",
        "min6",
        "1",
        "5",
    ],
)
def test_chords_are_the_tones_that_mir_eval_knows(kind: str) -> None:
    root, bitmap, _ = mir_eval.chord.encode(f"Bb:{kind}")
    mine = parse(f"Bb:{kind}")
    assert mine.root == root
    assert mine.tones == set(np.flatnonzero(bitmap).tolist())


@pytest.mark.parametrize("label", ["H:maj", "C:mej", "C:maj/x", "", "C:(b)", "c:maj"])
def test_labels_that_are_none_say_so(label: str) -> None:
    with pytest.raises(DataError, match="chord"):
        parse(label)


@pytest.mark.parametrize("root", range(12))
@pytest.mark.parametrize("quality", QUALITIES)
def test_what_is_spelled_is_parsed(root: int, quality: str) -> None:
    for key in (None, *range(24)):
        chord = parse(spelled(root, quality, key))
        assert (chord.root, chord.quality) == (root, quality)


@given(st.lists(st.text(min_size=1, max_size=200), max_size=8))
def test_names_are_safe_and_differ(stems: list[str]) -> None:
    names = safe_names([f"x/{stem}.mp3" for stem in stems])
    assert len({name.casefold() for name in names}) == len(stems)
    for name in names:
        assert name == name.strip(" .")
        assert not set(name) & set('/\\:*?"<>|\0\n')
        assert 0 < len(name.encode()) <= 200


def test_a_track_is_written_and_read(tmp_path: Path) -> None:
    notes = Notes.of([(0.5, 1.0, 60, 80)], [0.9])
    piece = Piece([Part(notes)], np.array([0.5, 1.0, 1.5]), np.array([True, False, False]), Metre(), 0, "cost: $5 $")
    chords = Segments(np.array([[0.5, 1.5]]), ["C:maj"])
    written = write_transcription(tmp_path, "a", Transcription(piece, chords, chords, with_notes=True))
    tables = {f"a.{kind}.{end}" for kind in ("chords", "keys") for end in ("lab", "csv")}
    assert set(written) == {"a.mid", "a.beats.csv", "a.notes.csv", "a.png", *tables}
    assert all((tmp_path / name).stat().st_size for name in written)
    assert read_midi(tmp_path / "a.mid").notes.pitch.tolist() == [60]
    assert b"\xff\x06\x05C:maj" in (tmp_path / "a.mid").read_bytes()
    with pytest.raises(DataError, match="ends with"):
        draw_roll(tmp_path / "a.txt", piece)
