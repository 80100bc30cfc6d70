"""Keys of made songs in every key, the wheel of Camelot, and what may not depend on the key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsys.audio import tonal
from tests.audio.tones import MAJOR_SONG, MINOR_SONG, noise, song, spectra
from tests.measure.key import KEYS, mirex_score

WHEEL = {"A minor": "8A", "C major": "8B", "E minor": "9A", "G major": "9B", "F major": "7B", "B major": "1B",
         "Ab minor": "1A", "F# major": "2B", "Eb minor": "2A", "C# major": "3B", "E major": "12B", "C# minor": "12A",
         "D major": "10B", "Bb minor": "3A"}  # fmt: skip
chromas = arrays(np.float32, 12, elements=st.floats(0.015625, 1, width=32))


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("chords", "minor"), [(MAJOR_SONG, 0), (MINOR_SONG, 12)])
def test_every_key_is_recognised(tonic, chords, minor):
    described = tonal.describe(spectra(song(tonic, chords)))
    assert described.values["key"] == tonic + minor
    assert (described.values["mode"] > 0.5) == (minor == 0)
    assert described.values["key_clarity"] > 0.5


def test_names_and_camelot_codes():
    names = [tonal.key_name(key) for key in range(24)]
    assert len(set(names)) == 24
    assert len({tonal.camelot(key) for key in range(24)}) == 24
    assert {name: tonal.camelot(names.index(name)) for name in WHEEL} == WHEEL


@given(chromas, st.integers(0, 11))
def test_a_transposed_chroma_has_the_transposed_posterior(chroma, steps):
    before, after = (tonal.key_posterior(c).reshape(2, 12) for c in (chroma, np.roll(chroma, steps)))
    np.testing.assert_allclose(np.roll(before, steps, axis=1), after, atol=1e-4)
    assert after.sum() == pytest.approx(1, abs=1e-4)


@given(chromas, st.floats(0.125, 100))
def test_the_posterior_does_not_depend_on_the_level(chroma, level):
    np.testing.assert_allclose(tonal.key_posterior(chroma), tonal.key_posterior(chroma * np.float32(level)), atol=1e-3)


def test_the_vector_is_the_same_in_every_key():
    first, other = (tonal.describe(spectra(song(tonic))).vector for tonic in (0, 3))
    minor = tonal.describe(spectra(song(0, MINOR_SONG))).vector
    assert np.linalg.norm(first - other) < 0.5 * np.linalg.norm(first - minor)


def test_tonnetz_puts_a_fifth_nearer_than_a_tritone():
    c, g, f_sharp = tonal.tonnetz(np.eye(12, dtype=np.float32)[[0, 7, 6]])
    assert np.linalg.norm(c - g) < np.linalg.norm(c - f_sharp)


def test_changing_harmony_moves_more_than_a_held_chord():
    held = song(0, (MAJOR_SONG[0],) * 4)
    moving, still = (tonal.describe(spectra(s)).values["harmonic_change"] for s in (song(0), held))
    assert moving > still


@pytest.mark.parametrize("samples", [np.zeros(44100, np.float32), np.zeros(0, np.float32), song(0)[:8000]])
def test_silence_and_moments_have_no_key(samples):
    described = tonal.describe(spectra(samples))
    assert described.vector is None
    assert set(described.values) == set(tonal.NAMES)
    assert np.isnan(list(described.values.values())).all()


def test_noise_has_neither_key_nor_tuning():
    values = tonal.describe(spectra(noise(5.0))).values
    assert np.isnan([values["key"], values["mode"], values["tuning"]]).all()
    assert values["chroma_entropy"] > 0.98


def test_windows_merge_by_their_chroma_not_by_their_key_numbers():
    parts = [tonal.describe(spectra(samples)) for samples in (song(11), song(11)[:66150], np.zeros(66150, np.float32))]
    merged = tonal.merge(parts)
    assert merged.values["key"] == 11
    assert merged.vector.shape == parts[0].vector.shape
    silent = tonal.merge(parts[2:])
    assert silent.vector is None
    assert np.isnan(silent.values["key"])


def test_one_window_merges_into_itself():
    one = tonal.describe(spectra(song(4)))
    merged = tonal.merge([one])
    assert merged.values == pytest.approx(one.values)
    np.testing.assert_allclose(merged.vector, one.vector, atol=1e-6)


def test_the_mirex_score_is_that_of_mir_eval():
    oracle = pytest.importorskip("mir_eval.key")
    for true in range(24):
        for found in range(24):
            assert mirex_score(true, found) == oracle.weighted_score(KEYS[true], KEYS[found])
    assert mirex_score(0, float("nan")) == 0
