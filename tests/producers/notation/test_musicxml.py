"""Lead sheets: bars that are full, notes and chords where they belong, by another program's reading."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.producers.notation import Metre, Notes, Piece, Segments
from recsys.producers.notation.musicxml import musicxml, write_musicxml

note = st.tuples(st.integers(0, 60), st.integers(1, 24), st.integers(40, 90))


def piece(metre: int, first: int, key: int | None) -> Piece:
    beats = 0.5 * np.arange(24)
    return Piece([], beats, np.arange(24) % metre == first, Metre(metre), key, 'A & B <"1"> \x00')


@given(st.lists(note, max_size=12), st.integers(2, 6), st.integers(0, 5), st.sampled_from([None, 0, 6, 14, 23]))
@settings(deadline=None, max_examples=60)
def test_every_bar_is_full(notes: list[tuple[int, int, int]], metre: int, first: int, key: int | None) -> None:
    rows = [(start / 8, (start + length) / 8, pitch, 80) for start, length, pitch in notes]
    chords = Segments(np.array([[0.0, 3.1], [3.1, 12.0]]), ["N", "F#:min7"])
    root = ElementTree.fromstring(musicxml(piece(metre, first % metre, key), Notes.of(rows), chords))
    bars = root.findall("part/measure")
    sizes = [sum(int(n.findtext("duration", "")) for n in bar.findall("note")) for bar in bars]
    lead = 4 * (first % metre)
    assert sizes == ([lead] if lead else []) + [4 * metre] * (len(bars) - bool(lead))
    assert sum(len(bar.findall("harmony")) for bar in bars) == 2


def test_another_program_reads_what_was_written(tmp_path: Path) -> None:
    music21 = pytest.importorskip("music21")
    rows = [(0.5, 1.0, 62, 80), (1.0, 2.75, 66, 80), (3.0, 3.25, 61, 80), (3.25, 6.0, 59, 80)]
    chords = Segments(np.array([[0.5, 1.5], [1.5, 6.0]]), ["D:maj", "B:min7"])
    write_musicxml(tmp_path / "a.musicxml", piece(4, 1, 2), Notes.of(rows), chords)
    score = music21.converter.parse(tmp_path / "a.musicxml")
    heard = [n for n in score.flatten().stripTies().notes if not isinstance(n, music21.harmony.ChordSymbol)]
    assert [(n.pitch.midi, float(n.offset), float(n.quarterLength)) for n in heard] == [
        *[(62, 1.0, 1.0), (66, 2.0, 3.5), (61, 6.0, 0.5), (59, 6.5, 5.5)]
    ]
    symbols = list(score.flatten().getElementsByClass(music21.harmony.ChordSymbol))
    assert [(s.figure, float(s.offset)) for s in symbols] == [("D", 1.0), ("Bm7", 3.0)]
    assert score.flatten().getElementsByClass(music21.key.KeySignature)[0].sharps == 2


def test_without_notes_there_are_bars_of_rests() -> None:
    root = ElementTree.fromstring(musicxml(Piece(), Notes.none(), Segments(np.array([[0.0, 9.0]]), ["C:maj"])))
    assert len(root.findall("part/measure/note/rest")) == 1
