"""Units, network, courses of chords and keys, on sound made here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError
from recsys.producers.harmony.chords import Harmony, decoded, harmony, viterbi
from recsys.producers.harmony.hearing import Heard, of_sounds, stretches
from recsys.producers.harmony.keys import decoded_keys, distances, fits, key_label, main_key, whole
from recsys.producers.harmony.network import BLOCK, CHORDS, KEYS, LOWEST, _odds, _round, by_root, odds
from recsys.producers.harmony.units import pooled, units
from recsys.producers.notation.harte import parse

TRIADS = {"C:maj": (48, 64, 67, 72), "F:maj": (53, 60, 65, 69), "G:maj": (55, 62, 67, 71), "A:min": (45, 60, 64, 69)}
SONG = ("C:maj", "F:maj", "G:maj", "C:maj", "A:min", "F:maj", "G:maj", "C:maj")
rng = np.random.default_rng(0)


def tones(pitches: tuple[int, ...], seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    strings = [
        sum(0.6**k * np.sin(2 * np.pi * (k + 1) * 440 * 2 ** ((p - 69) / 12) * time) for k in range(6)) for p in pitches
    ]
    return (0.08 * sum(strings) * np.exp(-1.5 * (time % 0.5))).astype(np.float32)


def song(steps: int = 0, seconds: float = 2.0) -> Sound:
    return Sound(np.concatenate([tones(tuple(p + steps for p in TRIADS[name]), seconds) for name in SONG]))


@pytest.fixture(scope="module")
def heard() -> Heard:
    return of_sounds([song()])


@given(st.lists(st.floats(0.2, 3), max_size=20), st.floats(0, 4), st.floats(0.5, 60), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_units_cover_everything_in_order(gaps, start, seconds, random) -> None:
    beats = start + np.cumsum(gaps)
    beats = beats[beats < seconds]
    found = units(beats, np.array([random.random() < 0.3 for _ in beats], bool), seconds)
    assert found.edges[0] == 0
    assert found.edges[-1] == seconds
    assert (np.diff(found.edges) > 0).all()
    assert len(found.edges) == len(found.places) + 1
    inside = beats[(beats > 1e-3) & (beats < seconds - 1e-3)] if len(beats) > 1 else beats[:0]
    assert all(np.abs(found.edges - beat).min() < 1e-6 for beat in inside)


@given(st.integers(1, 40), st.lists(st.floats(0.01, 2), min_size=1, max_size=30))
@settings(deadline=None)
def test_means_lie_between_what_they_are_of(frames: int, lengths: list[float]) -> None:
    values = np.random.default_rng(frames).random((frames, 3)).astype(np.float32)
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    found = pooled(values, 0.1 * np.arange(frames), edges)
    assert found.shape == (len(lengths), 3)
    assert (found >= values.min(axis=0) - 1e-4).all()
    assert (found <= values.max(axis=0) + 1e-4).all()


def test_a_mean_over_everything_is_the_mean() -> None:
    values = rng.random((10, 2)).astype(np.float32)
    (found,) = pooled(values, 0.1 * np.arange(10), np.array([-0.05, 0.95]))
    assert np.allclose(found, values.mean(axis=0), atol=1e-6)


def test_probabilities_are_some() -> None:
    found = odds(rng.random((30, 84)).astype(np.float32))
    assert found.chords.shape == (30, CHORDS)
    assert found.keys.shape == (30, KEYS)
    assert np.allclose(np.exp(found.chords).sum(axis=1), 1, atol=1e-4)
    assert np.allclose(np.exp(found.keys).sum(axis=1), 1, atol=1e-4)


def test_long_pieces_are_heard_in_blocks_that_do_not_show() -> None:
    notes = rng.random((BLOCK + 40, 84)).astype(np.float32)
    assert np.allclose(odds(notes).chords, _odds(notes).chords, atol=1e-4)
    assert np.allclose(odds(notes).keys, _odds(notes).keys, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 5, 11])
def test_roots_hear_each_other_alike(steps: int) -> None:
    hidden = rng.normal(size=(4, 12, 5)).astype(np.float32)
    kernel = rng.normal(size=(12, 5, 5)).astype(np.float32)
    moved = _round(np.roll(hidden, steps, axis=1), kernel)
    assert np.allclose(np.roll(_round(hidden, kernel), steps, axis=1), moved, atol=1e-4)


def test_a_root_hears_from_its_own_pitch_class_upwards() -> None:
    notes = np.zeros((1, 84), np.float32)
    notes[0, 60 - LOWEST] = 1  # middle C
    heard = by_root(notes)
    assert [int(heard[0, root].argmax()) % 12 for root in (0, 9, 5)] == [0, 3, 7]
    assert heard.sum() == 12


@pytest.mark.parametrize("steps", [0, 3, 7])
def test_a_plain_song_is_heard(steps: int) -> None:
    heard = harmony(of_sounds([song(steps)]))
    found = decoded(heard)
    times = np.arange(8) * 2 + 1.0
    told = [found.labels[int(np.flatnonzero(found.intervals[:, 1] > time)[0])] for time in times]
    assert [(parse(a).root, parse(a).quality) for a in told] == [
        ((parse(b).root + steps) % 12, parse(b).quality) for b in SONG
    ]
    assert main_key(heard) == steps
    assert found.confidence is not None
    assert found.confidence.min() > 0.3
    assert found.intervals[0, 0] == 0
    assert np.array_equal(found.intervals[1:, 0], found.intervals[:-1, 1])


def test_stretches_of_sound_are_heard_as_one(heard: Heard) -> None:
    whole, half = song(), len(song().samples) // 2
    parts = [Sound(whole.samples[:half]), Sound(whole.samples[half:], start=half / RATE)]
    twice = of_sounds(parts)
    assert twice.seconds == pytest.approx(heard.seconds)
    assert np.diff(twice.centres).min() > 0
    assert [label for label in decoded(harmony(twice)).labels if label in TRIADS]


def test_silence_has_no_chord_and_no_key() -> None:
    quiet = harmony(of_sounds([Sound(np.zeros(10 * RATE, np.float32))]))
    assert decoded(quiet).labels == ["N"]
    assert decoded_keys(quiet).labels == []
    assert main_key(quiet) is None
    assert np.allclose(whole(quiet), 1 / 24)


def test_a_sound_too_short_for_a_chord_has_none() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE // 4) / RATE).astype(np.float32)
    assert decoded(harmony(of_sounds([Sound(tone)]))).labels == ["N"]


def test_noise_has_no_chords_that_anybody_is_sure_of() -> None:
    hiss = (0.1 * np.random.default_rng(1).standard_normal(15 * RATE)).astype(np.float32)
    found = decoded(harmony(of_sounds([Sound(hiss)])))
    lengths = np.diff(found.intervals, axis=1)[:, 0]
    assert found.confidence is not None
    chords = [label != "N" for label in found.labels]
    assert (lengths * found.confidence)[chords].sum() < 0.3 * lengths.sum()


@pytest.mark.parametrize("steps", [0, 4, 9])
def test_profiles_fit_every_key_alike(steps: int) -> None:
    notes = rng.random((6, 84)).astype(np.float32)
    notes[:, :12] = notes[:, 72:] = 0
    plain, moved = fits(notes), fits(np.roll(notes, steps, axis=1))
    assert np.allclose(np.roll(plain.reshape(-1, 2, 12), steps, axis=2).reshape(-1, 24), moved, atol=1e-4)


def test_a_key_that_changes_is_followed() -> None:
    sound = Sound(np.concatenate([song().samples, song().samples, song(6).samples, song(6).samples]))
    found = decoded_keys(harmony(of_sounds([sound])))
    assert found.labels == ["C:maj", "F#:maj"] or found.labels == ["C:maj", "Gb:maj"]
    assert found.intervals[0, 1] == pytest.approx(32, abs=2.5)
    assert key_label(6) in ("F#:maj", "Gb:maj")


@given(st.integers(2, 5), st.integers(1, 6), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_best_path_is_the_best_of_all(states: int, length: int, seed: int) -> None:
    from itertools import product

    draw = np.random.default_rng(seed)
    logs, move = draw.normal(size=(length, states)), draw.normal(size=(states, states))
    np.fill_diagonal(move, -np.inf)
    stay = draw.normal(size=(length, 2))

    def value(path: tuple[int, ...]) -> float:
        total = logs[0, path[0]]
        for step in range(1, length):
            a, b = path[step - 1], path[step]
            total += logs[step, b] + (stay[step, 0] if a == b else stay[step, 1] + move[a, b])
        return float(total)

    best = max(product(range(states), repeat=length), key=value)
    assert value(tuple(viterbi(logs, stay, move))) == pytest.approx(value(best))


def test_words_of_chords_must_be_known(heard: Heard) -> None:
    found = harmony(heard)
    assert isinstance(found, Harmony)
    with pytest.raises(DataError, match="expected one of majmin"):
        decoded(found, "jazz")  # type: ignore[arg-type]
    for vocabulary in ("majmin", "sevenths", "all"):
        assert decoded(found, vocabulary).labels


def test_distances_of_keys() -> None:
    steps = distances()
    assert steps[0, 7] == 1  # C major, G major
    assert steps[0, 21] == 1  # A minor
    assert steps[0, 6] == 6
    assert np.array_equal(steps, steps.T)


def test_a_file_is_heard_in_stretches(tmp_path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.wav", song().samples[: 5 * RATE], RATE)
    found = list(stretches(tmp_path / "a.wav", 2.0))
    assert [round(sound.start, 3) for sound in found] == [0.0, 2.0, 4.0]
    assert sum(len(sound.samples) for sound in found) == 5 * RATE
    (tmp_path / "b.wav").write_bytes(b"no sound")
    with pytest.raises(DataError):
        list(stretches(tmp_path / "b.wav"))
