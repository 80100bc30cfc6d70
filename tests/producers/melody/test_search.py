"""Tunes are found in any key, at any tempo, with notes more or less; the line of many voices; a voice's notes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio.pitch import contour
from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError
from recsys.producers.melody.line import melody
from recsys.producers.melody.search import Tunes
from recsys.producers.melody.voice import voiced
from recsys.producers.notation import Notes

STEPS = np.array([-7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7])


def tune(seed: int, size: int = 60) -> Notes:
    """A melody of its own."""
    rng = np.random.default_rng([7, seed])
    pitch = [67]
    while len(pitch) < size:
        step = int(rng.choice(STEPS))
        pitch.append(pitch[-1] + (step if 55 <= pitch[-1] + step <= 81 else -step))
    onset = np.cumsum(rng.choice([0.25, 0.5, 0.5, 1.0], size))
    return Notes.of(np.column_stack([onset, onset + 0.2, pitch, np.full(size, 80)]))


def changed(notes: Notes, steps: int, factor: float, start: float = 0.0) -> Notes:
    onset, offset = (factor * (times - start) for times in (notes.onset, notes.offset))
    return Notes(onset, offset, (notes.pitch + steps).astype(np.int16), notes.velocity, notes.confidence)


@pytest.fixture(scope="module")
def library() -> Tunes:
    return Tunes.of([None if row == 3 else tune(row) for row in range(200)])


@given(st.integers(0, 199).filter(lambda row: row != 3), st.integers(-12, 12), st.floats(0.5, 2.0), st.integers(0, 40))
@settings(deadline=None, max_examples=40)
def test_any_stretch_is_found_in_any_key_and_at_any_tempo(
    library: Tunes, row: int, steps: int, factor: float, first: int
) -> None:
    whole = tune(row)
    part = whole.take(np.arange(first, first + 16))
    best = library.search(changed(part, steps, factor, part.onset[0]), 3)[0]
    assert best.row == row
    assert best.score == pytest.approx(1, abs=0.1)
    assert (best.steps, best.tempo) == (-steps, pytest.approx(factor, rel=0.02))
    assert (best.start, best.end) == pytest.approx((part.onset[0], part.onset[-1]), abs=1e-3)


def test_wrong_and_missing_notes_do_little(library: Tunes) -> None:
    rng = np.random.default_rng(0)
    places = []
    for row in range(4, 44):
        part = tune(row).take(np.arange(10, 34))
        pitch = part.pitch + (rng.random(24) < 0.1) * rng.choice([-1, 1], 24)
        onset = part.onset + rng.normal(0, 0.03, 24)
        kept = rng.random(24) > 0.1
        sung = Notes.of(np.column_stack([onset, onset + 0.2, pitch, part.velocity])[kept])
        found = [one.row for one in library.search(changed(sung, 3, 1.2, sung.onset[0]), 10)]
        places.append(found.index(row) if row in found else 10)
    assert np.mean(np.array(places) == 0) > 0.9


def test_a_track_is_not_its_own_neighbour_and_rules_hold(library: Tunes) -> None:
    found = library.alike(5, 5)
    assert 5 not in [one.row for one in found]
    assert library.alike(3) == []
    whole = tune(9)
    assert [one.row for one in library.search(whole, 5, allow=np.array([9]))] == [9]
    assert 9 not in [one.row for one in library.search(whole, 5, exclude=np.array([9]))]
    with_cover = Tunes.of([tune(1), tune(2), changed(tune(1), 4, 0.8)])
    assert (with_cover.alike(0)[0].row, with_cover.alike(0)[0].steps) == (2, 4)


def test_answers_are_in_order_and_each_track_comes_once(library: Tunes) -> None:
    found = library.search(tune(77).take(np.arange(12)), 50)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert len({one.row for one in found}) == len(found) == 50
    assert found[0].told().startswith("the same tune (")
    assert found[-1].told().startswith("a little of the tune")


def test_what_was_kept_is_the_same(library: Tunes) -> None:
    again = Tunes.from_arrays(library.arrays())
    assert again.search(tune(17), 3) == library.search(tune(17), 3)
    assert Tunes.of([None]).search(tune(1)) == []
    assert len(Tunes.of([tune(0, 3)])) == 0


def test_too_short_a_tune_is_refused(library: Tunes) -> None:
    with pytest.raises(DataError, match="a tune of 1 different notes in a row; expected 5 or more"):
        library.search(Notes.of([(0.5 * i, 0.5 * i + 0.4, 60, 80) for i in range(20)]))


def test_the_melody_lies_above_its_accompaniment_but_for_what_comes_between() -> None:
    line = tune(0, 40)
    chords = [(t, t + 1.9, pitch, 60) for t in np.arange(0, 24, 2.0) for pitch in (43, 48, 52)]
    above = [(t, t + 0.1, 96, 60) for t in np.arange(1.13, 20, 7.0)]
    lead = np.column_stack([line.onset, line.onset + 0.24, line.pitch, line.velocity])
    found = melody(Notes.of(np.concatenate([lead, chords, above])))
    assert np.isin(line.onset, found.onset).mean() > 0.9
    assert (found.pitch > 52).mean() > 0.9
    assert (np.diff(found.onset) > 0).all()
    assert (found.offset[:-1] <= found.onset[1:] + 1e-9).all()


def test_of_one_voice_every_note_is_melody() -> None:
    assert np.array_equal(melody(tune(5)).onset, tune(5).onset)


def sung(notes: Notes, cents: float = 0.0, vibrato: float = 0.0) -> Sound:
    """A voice of seven partials."""
    times = np.arange(round((notes.offset[-1] + 0.2) * RATE)) / RATE
    pitch, loud = np.zeros(len(times)), np.zeros(len(times))
    for onset, offset, height in zip(notes.onset, notes.offset, notes.pitch, strict=True):
        part = (times >= onset) & (times < offset)
        pitch[part] = height + cents / 100 + vibrato * np.sin(2 * np.pi * 5.5 * times[part])
        loud[part] = np.minimum(1, 30 * np.minimum(times[part] - onset, offset - times[part]))
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / RATE
    partials = (np.sin(k * phase) / k for k in range(1, 8))
    return Sound((0.2 * loud * sum(partials)).astype(np.float32))


@pytest.mark.parametrize(("low", "cents"), [(0, 0), (-12, 30), (-17, -40)])
def test_a_voice_is_told_in_notes(low: int, cents: float) -> None:
    line = changed(tune(4, 20), low, 1.0)
    found = voiced(contour(sung(line, cents, 0.2)))
    assert found.pitch.tolist() == line.pitch.tolist()
    assert found.onset == pytest.approx(line.onset, abs=0.05)


def test_silence_and_noise_have_no_voice() -> None:
    assert len(voiced(contour(Sound(np.zeros(RATE, np.float32))))) == 0
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)
    assert len(voiced(contour(Sound(noise)))) <= 2
