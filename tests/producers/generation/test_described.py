from __future__ import annotations

import numpy as np
import pytest

from recsys.producers.generation.arranging import Band, arrange
from recsys.producers.generation.composer import stored
from recsys.producers.generation.described import DIRECTIONS, NAMES, block, describe, directions
from recsys.producers.generation.songs import Song
from tests.producers.generation.test_songs import song


def test_another_key_gives_the_same() -> None:
    made = song(8)
    low, high = describe(made), describe(made.moved(2))
    assert list(low.values) == list(NAMES)
    assert all(low.values[name] == pytest.approx(high.values[name], abs=1e-4) for name in NAMES)
    assert np.allclose(low.vector, high.vector, atol=1e-4)


def test_what_repeats_surprises_less_than_chance() -> None:
    once = song(2, 5)
    again = once.then(once).then(once).then(once)
    rng = np.random.default_rng(0)
    wild = Song(again.notes.copy(), again.chords, 0, 100.0)
    wild.notes[:, 2] = rng.integers(40, 90, len(wild.notes))
    calm, chance = describe(again).values, describe(wild).values
    assert calm["surprise"] < chance["surprise"]
    assert calm["entropy_spread"] > 0
    assert 0 <= calm["surprise_peaks"] <= 0.2
    assert calm["novelty"] == pytest.approx(1.0, abs=0.2)


def test_too_little_is_unknown() -> None:
    told = describe(song(1).part(0, 1))
    assert np.isnan(list(told.values.values())).all()
    assert np.isnan(told.vector).all()


def test_directions_keep_distances() -> None:
    made = directions(stored().composer.width)
    assert np.allclose(made.T @ made, np.eye(DIRECTIONS), atol=1e-5)


def test_nats_and_entropy_are_of_the_same_notes() -> None:
    heard = stored().composer.attend(song(4))
    assert heard.nats.shape == heard.entropy.shape == (len(heard.hidden),)
    assert (heard.entropy >= 0).all()


def test_the_block_is_a_vector_or_nothing() -> None:
    piece, _ = arrange(song(8), Band(bass=None, drums=False))
    made = block(piece.notes, np.asarray(piece.beats), 0)
    assert made is not None
    assert made.shape == (len(NAMES) + DIRECTIONS,)
    assert 0.5 < float(np.linalg.norm(made)) < 2
    assert block(piece.notes.take(np.arange(5)), np.asarray(piece.beats), 0) is None
    assert block(piece.notes, np.zeros(0), 0) is None
