"""What is written is read again: notes, beats, metre, key, programs."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.producers.notation import Metre, Notes, Part, Piece, read_midi, write_midi
from recsys.producers.notation.clock import LONGEST, from_beats
from recsys.producers.notation.midi import variable
from recsys.producers.notation.midi_reading import MOST_BEATS

TICK = 0.002  # seconds that a note may move: one tick at 31 beats a minute

rows = st.tuples(
    st.floats(0, 30).map(lambda t: round(t, 3)), st.floats(0.02, 4), st.integers(0, 127), st.integers(1, 127)
)
beats = st.lists(st.floats(0.25, 1.9), min_size=0, max_size=30)


def of(found: list[tuple[float, float, int, int]]) -> Notes:
    return Notes.of([(on, on + length, pitch, velocity) for on, length, pitch, velocity in found])


@given(st.lists(rows, max_size=40), beats, st.floats(0, 3), st.sampled_from([Metre(4, 4), Metre(3, 4), Metre(6, 8)]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_notes_come_back(tmp_path: Path, found, gaps, start, metre) -> None:
    times = start + np.cumsum(gaps)
    notes = of(found).untangled()
    write_midi(tmp_path / "a.mid", Piece([Part(notes, 12, "vibes")], times, metre=metre))
    piece = read_midi(tmp_path / "a.mid")
    again = piece.notes
    assert_same(again, notes)
    if len(times) > 1:
        assert all(np.abs(piece.beats - time).min() < TICK for time in times)
    assert piece.metre == metre


def assert_same(again: Notes, notes: Notes) -> None:
    """The same notes, but for a tick; notes whose onset is the same but for a tick may change places."""
    assert len(again) == len(notes)
    left, right = (sorted(zip(n.pitch.tolist(), n.onset, n.offset, n.velocity, strict=True)) for n in (again, notes))
    for mine, theirs in zip(left, right, strict=True):
        assert mine[0] == theirs[0]
        assert mine[3] == theirs[3]
        assert abs(mine[1] - theirs[1]) < 2 * TICK
        assert abs(mine[2] - theirs[2]) < 2 * TICK


def test_the_whole_piece_comes_back(tmp_path: Path) -> None:
    tune, bass = Notes.of([(0.5, 0.9, 72, 90), (1.0, 1.4, 74, 80)]), Notes.of([(0.5, 1.5, 36, 70)])
    kit = Notes.of([(0.5, 0.6, 36, 100)])
    times = 0.5 + 0.5 * np.arange(9)
    first = np.arange(9) % 3 == 1
    parts = [Part(tune, 73, "flute"), Part(bass, None, "bass"), Part(kit, None, "kit", drums=True)]
    write_midi(tmp_path / "a.mid", Piece(parts, times, first, Metre(3, 4), 21, "Ländler"))
    piece = read_midi(tmp_path / "a.mid")
    assert [(part.name, part.program, part.drums) for part in piece.parts] == [
        ("flute", 73, False),
        ("bass", None, False),
        ("kit", None, True),
    ]
    assert (piece.metre, piece.key, piece.title) == (Metre(3, 4), 21, "Ländler")
    there = np.searchsorted(piece.beats, times - TICK)
    assert np.allclose(piece.beats[there], times, atol=TICK)
    shared = there[:-1]
    assert piece.downbeats[shared].tolist() == first[: len(shared)].tolist()


@pytest.mark.parametrize("key", range(24))
def test_every_key_comes_back(tmp_path: Path, key: int) -> None:
    write_midi(tmp_path / "a.mid", Piece([Part(Notes.of([(0, 1, 60, 80)]))], key=key))
    assert read_midi(tmp_path / "a.mid").key == key


def test_two_hours_of_beats_do_not_drift() -> None:
    times = np.cumsum(np.full(14_000, 0.5123456))
    clock, ticks = from_beats(times)
    assert np.abs(clock.seconds(ticks) - times).max() < 1e-4
    assert clock.quarters.max() <= LONGEST


def test_equal_notes_are_one() -> None:
    twice = Notes.of([(0.0, 1.0, 60, 80), (0.0, 2.0, 60, 90), (1.0, 2.0, 62, 80)])
    assert twice.untangled().pitch.tolist() == [60, 62]


def test_another_programs_file_is_read(tmp_path: Path) -> None:
    """Running status, a sysex, notes switched off by velocity 0, one never switched off."""
    track = b"\x00\xf0\x02\x01\xf7" + b"\x00\xc3\x28\x00\x93\x3c\x50\x60\x3c\x00\x00\x40\x50\x60\xff\x2f\x00"
    head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"
    (tmp_path / "a.mid").write_bytes(head + b"MTrk" + len(track).to_bytes(4, "big") + track)
    (part,) = read_midi(tmp_path / "a.mid").parts
    assert part.program == 40
    assert part.notes.onset.tolist() == [0.0, 0.5]
    assert part.notes.offset.tolist() == [0.5, 1.0]


@given(st.binary(max_size=200))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_rubbish_is_read_or_refused(tmp_path: Path, rubbish: bytes) -> None:
    body = b"MTrk" + len(rubbish).to_bytes(4, "big") + rubbish
    (tmp_path / "a.mid").write_bytes(b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0" + body)
    with suppress(DataError):
        assert all(part.notes.pitch.max() <= 127 for part in read_midi(tmp_path / "a.mid").parts)


def test_a_small_file_cannot_ask_for_beats_without_end(tmp_path: Path) -> None:
    track = (b"\xc0\x80\x80\x00" + b"\xff\x58\x04\x04\x06\x18\x08") * 200 + b"\x00\xff\x2f\x00"
    head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"
    (tmp_path / "a.mid").write_bytes(head + b"MTrk" + len(track).to_bytes(4, "big") + track)
    piece = read_midi(tmp_path / "a.mid")
    assert len(piece.beats) == len(piece.downbeats) == MOST_BEATS


def test_what_is_no_midi_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"RIFF....")
    with pytest.raises(DataError, match="expected a MIDI file"):
        read_midi(tmp_path / "a.mid")


def test_sixteen_instruments_are_too_many(tmp_path: Path) -> None:
    part = Part(Notes.of([(0, 1, 60, 80)]))
    with pytest.raises(DataError, match="16 instruments"):
        write_midi(tmp_path / "a.mid", Piece([part] * 16))


def test_notes_out_of_range_are_refused() -> None:
    with pytest.raises(DataError, match="velocity"):
        Notes.of([(0, 1, 60, 0)])
    with pytest.raises(DataError, match="onset < offset"):
        Notes.of([(1, 1, 60, 80)])


@given(st.integers(0, 2**28 - 1))
def test_numbers_of_variable_length_are_short(number: int) -> None:
    found = variable(number)
    assert len(found) <= 4
    assert sum((byte & 127) << 7 * place for place, byte in enumerate(reversed(found))) == number


@given(rest=st.floats(1.0, 3000.0), value=st.sampled_from([2, 4, 8]), late=st.floats(0.0, 40.0))
def test_a_long_rest_is_no_obstacle(rest: float, value: int, late: float) -> None:
    beats = late + np.array([0.0, 0.5, 1.0, 1.0 + rest, 1.5 + rest, 2.0 + rest])
    clock, ticks = from_beats(beats, value)
    assert np.abs(clock.seconds(ticks) - beats).max() < 1e-4
    assert (np.diff(ticks) > 0).all()
    assert clock.quarters.max() <= LONGEST
