"""Notes as a vector: the same in any key and at any tempo, nothing where nothing was heard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.producers.notation import Notes
from recsys.producers.transcription.described import PARTS, counted, describe, polyphony, width

BEATS = np.arange(0, 33, 0.5)


def music(rng: np.random.Generator, shift: int = 0, factor: float = 1.0) -> Notes:
    onset = np.sort(rng.choice(np.arange(0, 32, 0.25), 60, replace=False))
    pitch = rng.integers(48, 80, 60) + shift
    rows = np.column_stack([onset, onset + rng.uniform(0.1, 1.5, 60), pitch, np.full(60, 80)])
    rows[:, :2] *= factor
    return Notes.of(rows, np.full(60, 0.8))


@given(st.integers(0, 1000), st.integers(-6, 6), st.floats(0.5, 2.0))
@settings(deadline=None, max_examples=25)
def test_key_and_tempo_do_not_matter_to_what_is_counted_from_them(seed: int, shift: int, factor: float) -> None:
    plain = describe(music(np.random.default_rng(seed)), BEATS, 2, 34.0)
    moved = describe(music(np.random.default_rng(seed), shift, factor), factor * BEATS, (2 + shift) % 12, 34 * factor)
    sizes = np.cumsum([0, *(size for size, _ in PARTS.values())])
    for place, name in enumerate(PARTS):
        if name in ("polyphony", "classes", "intervals", "spacings", "lengths", "places", "confidence"):
            part = slice(sizes[place], sizes[place + 1])
            assert moved.vector[part] == pytest.approx(plain.vector[part], abs=1e-4), name
    assert len(plain.vector) == width()
    assert 0.8 < np.linalg.norm(plain.vector) < 1.2
    assert plain.confidence == pytest.approx(0.8)


def test_what_is_not_known_is_masked() -> None:
    found = describe(music(np.random.default_rng(0)), np.empty(0), None, 34.0)
    unknown = {"classes", "spacings", "lengths", "places"}
    assert {name for name, known in zip(PARTS, found.known, strict=True) if not known} == unknown
    assert found.vector[-len(PARTS) :].astype(bool).tolist() == found.known.tolist()


def test_little_and_unsure_notes_say_nothing() -> None:
    notes = music(np.random.default_rng(0))
    assert describe(Notes.none(), BEATS, 0, 34.0).vector is None
    assert describe(Notes.none(), BEATS, 0, 34.0).confidence == 0
    assert describe(notes.take(np.arange(8)), BEATS, 0, 34.0).vector is None
    unsure = Notes(notes.onset, notes.offset, notes.pitch, notes.velocity, notes.confidence * 0.25)
    assert describe(unsure, BEATS, 0, 34.0).vector is None


def test_time_is_shared_out_among_the_numbers_of_voices() -> None:
    notes = music(np.random.default_rng(3))
    shares = polyphony(notes, 34.0)
    grid = np.arange(0, 34, 0.001) + 0.0005
    sounding = ((notes.onset[:, None] <= grid) & (notes.offset[:, None] > grid)).sum(axis=0)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx((sounding == 0).mean(), abs=0.01)
    assert shares[2] == pytest.approx((sounding == 2).mean(), abs=0.01)


def test_beats_are_counted_between_them() -> None:
    assert counted(np.array([0.25, 0.75, 2.0]), np.array([0.0, 0.5, 1.0])).tolist() == [0.5, 1.5, 4.0]
