"""Timbre of tones and noises whose numbers are known; scipy and librosa as oracles."""

import numpy as np
import pytest
import scipy.signal

from recsys.audio import timbre
from recsys.audio.sound import RATE
from tests.audio.tones import noise, sine, song, spectra


def test_slopes_are_those_of_a_fitted_line():
    series = np.cumsum(noise(0.01)[:200]).reshape(-1, 1)
    expected = scipy.signal.savgol_filter(series, 9, 1, deriv=1, axis=0, mode="nearest")
    np.testing.assert_allclose(timbre.slope(series), expected, atol=1e-5)


def test_a_louder_sound_moves_only_the_first_coefficient():
    samples = song(0)
    quiet, loud = (timbre.mfcc(spectra(samples * np.float32(level)).mel) for level in (0.1, 0.8))
    np.testing.assert_allclose(quiet[:, 1:], loud[:, 1:], atol=0.05)
    assert (loud[:, 0] > quiet[:, 0]).all()


def test_the_centroid_of_a_tone_is_its_frequency():
    one = spectra(sine(3000))
    np.testing.assert_allclose(timbre.centroid(one.stft, one.frequencies)[5:-5], 3000, rtol=0.02)


def test_white_noise_rolls_off_at_85_percent_of_the_band_and_is_flat():
    one = spectra(noise(5.0))
    assert timbre.rolloff(one.stft, one.frequencies).mean() == pytest.approx(0.85 * RATE / 2, rel=0.01)
    assert one.flatness.mean() == pytest.approx(np.exp(-np.euler_gamma), rel=0.03)
    assert spectra(sine(1000)).flatness[10:-10].max() < 1e-3


def test_tones_have_more_contrast_than_noise():
    tone, hiss = (timbre.describe(spectra(samples)).values["contrast"] for samples in (song(0), noise(4.0)))
    assert tone > hiss + 10


def test_zero_crossings_of_a_tone_are_twice_its_frequency():
    assert timbre.zero_crossings(sine(100.5, 3.0), RATE) == pytest.approx(201, abs=1)


@pytest.mark.parametrize(("hz", "name"), [(1, "slow_modulation"), (4, "voice_modulation"), (8, "fast_modulation")])
def test_movement_is_told_by_its_speed(hz, name):
    swell = 1 + 0.8 * np.sin(2 * np.pi * hz * np.arange(10 * RATE) / RATE)
    values = timbre.describe(spectra(noise(10.0) * swell.astype(np.float32))).values
    speeds = {key: value for key, value in values.items() if key.endswith("modulation")}
    assert max(speeds, key=speeds.get) == name
    assert speeds[name] > 0.7


def test_the_parts_of_the_vector_cover_it_once():
    covered = np.concatenate([np.arange(356)[part] for part in timbre.PARTS.values()])
    np.testing.assert_array_equal(covered, np.arange(356))


def test_correlations_are_those_of_numpy():
    features = timbre.mfcc(spectra(song(0) + noise(4.0, 0.01)).mel)
    expected = np.corrcoef(features.T)[np.triu_indices(20, 1)]
    np.testing.assert_allclose(timbre.correlations(features), expected, atol=1e-4)
    assert not timbre.correlations(np.ones((5, 3), np.float32)).any()


def test_the_vector_hardly_depends_on_the_level():
    samples = song(0) + noise(4.0, 0.01)
    quiet, loud = (timbre.describe(spectra(samples * np.float32(level))).vector for level in (0.1, 0.5))
    quiet[0] = loud[0] = 0  # the mean of the first coefficient is the level
    np.testing.assert_allclose(quiet, loud, atol=0.1, rtol=0.02)


def test_frames_of_silence_do_not_count():
    samples = song(0)
    padded = np.concatenate([np.zeros(3 * RATE, np.float32), samples])
    plain, later = (timbre.describe(spectra(part)).values for part in (samples, padded))
    for name in ("centroid", "rolloff", "flatness", "contrast"):
        assert later[name] == pytest.approx(plain[name], rel=0.2)


def test_silence_is_unknown_and_so_is_slow_movement_in_a_moment():
    silent = timbre.describe(spectra(np.zeros(RATE, np.float32)))
    assert silent.vector is None
    assert set(silent.values) == set(timbre.NAMES)
    assert np.isnan(list(silent.values.values())).all()
    moment = timbre.describe(spectra(noise(1.0)))
    assert np.isnan(moment.values["slow_modulation"])
    assert np.isfinite(moment.vector).all()


@pytest.mark.parametrize("samples", [noise(0.01), noise(3.0), song(1), sine(50, 0.2)])
def test_vectors_are_finite_and_of_one_length(samples):
    vector = timbre.describe(spectra(samples)).vector
    assert vector.shape == (356,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()


@pytest.mark.slow
def test_mfcc_agree_with_librosa():
    librosa = pytest.importorskip("librosa")
    samples = song(2) + noise(4.0, 0.01)
    theirs = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=20, n_mels=80, fmin=30.0)
    np.testing.assert_allclose(timbre.mfcc(spectra(samples).mel), theirs.T, atol=0.05)


@pytest.mark.slow
def test_centroid_rolloff_and_flatness_agree_with_librosa():
    librosa = pytest.importorskip("librosa")
    one = spectra(noise(3.0) + sine(700, 3.0))
    stft = one.stft.T
    centres, edges = timbre.centroid(one.stft, one.frequencies), timbre.rolloff(one.stft, one.frequencies)
    np.testing.assert_allclose(centres, librosa.feature.spectral_centroid(S=stft, sr=RATE)[0], rtol=1e-3)
    np.testing.assert_allclose(edges, librosa.feature.spectral_rolloff(S=stft, sr=RATE)[0], atol=RATE / 2048)
    np.testing.assert_allclose(one.flatness, librosa.feature.spectral_flatness(S=stft)[0], rtol=1e-2)
