"""What harmony says of a track is the same in another key, and differs between progressions."""

import numpy as np
import pytest

from recsys.audio.sound import RATE, Sound
from recsys.producers.harmony.chords import Harmony, harmony
from recsys.producers.harmony.features import changes, describe, posterior, relative
from recsys.producers.harmony.hearing import of_sounds
from recsys.producers.harmony.sequences import Course, course, likeness, ranked, transpositions
from tests.producers.harmony.test_chords import TRIADS, song, tones

OTHER = ("A:min", "G:maj", "F:maj", "G:maj", "A:min", "A:min", "F:maj", "G:maj")


@pytest.fixture(scope="module")
def heard() -> dict[str, Harmony]:
    other = np.concatenate([tones(TRIADS[name], 2.0) for name in OTHER])
    sounds = {"song": song(), "higher": song(5, 1.8), "other": Sound(other)}
    return {name: harmony(of_sounds([sound])) for name, sound in sounds.items()}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_another_key_has_the_same_vector(heard: dict[str, Harmony]) -> None:
    vectors = {name: describe(one).vector for name, one in heard.items()}
    assert all(vector is not None and np.isfinite(vector).all() for vector in vectors.values())
    same, other = (cosine(vectors["song"], vectors[name]) for name in ("higher", "other"))
    assert same > 0.95
    assert same > other + 0.05


def test_silence_has_no_vector() -> None:
    found = describe(harmony(of_sounds([Sound(np.zeros(10 * RATE, np.float32))])))
    assert found.vector is None
    assert found.confidence == 0


def test_shares_are_shares(heard: dict[str, Harmony]) -> None:
    told = posterior(heard["song"])
    assert np.allclose(told.sum(axis=1), 1, atol=1e-5)
    assert changes(told).sum() == pytest.approx(1, abs=1e-4)
    assert np.allclose(relative(told, 0), told)
    assert np.allclose(relative(told, 19)[:, 0], told[:, 7])


def test_changes_are_the_same_in_every_key() -> None:
    told = np.random.default_rng(0).random((20, 25)).astype(np.float32)
    moved = np.concatenate([np.roll(told[:, :12], 4, axis=1), np.roll(told[:, 12:24], 4, axis=1), told[:, 24:]], axis=1)
    assert np.allclose(changes(told), changes(moved), atol=1e-6)


def test_the_way_between_two_keys_is_found(heard: dict[str, Harmony]) -> None:
    assert transpositions(course(heard["song"]), course(heard["higher"]))[0] == 7


@pytest.mark.parametrize("seed", range(3))
def test_another_version_is_found_by_its_course(seed: int) -> None:
    draw = np.random.default_rng(seed)
    songs = [draw.integers(0, 24, 30).repeat(2) for _ in range(6)]
    slower = np.sort(np.concatenate([np.arange(60), np.arange(0, 60, 4)]))
    scores = ranked(_course(songs[2][slower], 5, draw), [_course(one, 0, draw) for one in songs])
    assert int(scores.argmax()) == 2
    assert scores[2] > 2 * np.sort(scores)[-2]
    assert likeness(_course(songs[0], 0, draw), _course(songs[0], 0, draw)) > 0.8


def _course(chords: np.ndarray, steps: int, draw: np.random.Generator) -> Course:
    """A chord for each beat, 0 to 23, heard with some doubt."""
    told = 0.05 * draw.random((len(chords), 24)).astype(np.float32)
    told[np.arange(len(chords)), chords // 12 * 12 + (chords % 12 + steps) % 12] = 1
    classes = 0.05 * draw.random((len(chords), 12)).astype(np.float32)
    for tone in (0, 7):
        classes[np.arange(len(chords)), (chords + tone + steps) % 12] = 1
    return Course(*(part / np.linalg.norm(part, axis=1, keepdims=True) for part in (told, classes)))
