"""Loudness against the numbers that the standards give, and the course of made sounds."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio import dynamics
from recsys.audio.sound import RATE
from tests.audio.tones import noise, sine, song, spectra


def levels(*parts: tuple[float, float]) -> np.ndarray:
    """A tone at 997 Hz with peaks at the given dBFS for the given seconds."""
    return np.concatenate([sine(997, seconds, 10 ** (decibels / 20)) for decibels, seconds in parts])


def loudness(samples: np.ndarray, rate: int = RATE) -> float:
    return dynamics.integrated_loudness(dynamics.block_loudness(dynamics.weighted_power(samples, rate), 4))


def test_the_filters_at_48_khz_are_those_of_the_standard():
    shelf, high_pass = dynamics.k_weighting(48000)
    published = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    np.testing.assert_allclose(shelf, published, atol=1e-8)
    np.testing.assert_allclose(high_pass, [1, -2, 1, 1, -1.99004745483398, 0.99007225036621], atol=1e-8)


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
def test_a_full_scale_tone_from_two_loudspeakers_has_0_lufs(rate):
    for decibels in (0, -20, -45):
        assert loudness(sine(997, 5.0, 10 ** (decibels / 20), rate), rate) == pytest.approx(decibels, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((-33, 20),), -33.0),
        (((-36, 10), (-23, 60), (-36, 10)), -23.0),
        (((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
        (((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
    ],
)
def test_gating_passes_the_cases_of_ebu_tech_3341(parts, expected):
    assert loudness(levels(*parts)) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [(((-20, 20), (-30, 20)), 10.0), (((-20, 20), (-15, 20)), 5.0), (((-40, 20), (-20, 20)), 20.0)],
)
def test_the_range_passes_the_cases_of_ebu_tech_3342(parts, expected):
    blocks = dynamics.block_loudness(dynamics.weighted_power(levels(*parts), RATE), 30)
    assert dynamics.loudness_range(blocks) == pytest.approx(expected, abs=1)


@settings(max_examples=20, deadline=None)
@given(st.floats(-25, 6))
def test_gain_moves_loudness_and_peak_and_nothing_else(decibels):
    samples = song(0)
    before, after = (
        dynamics.describe(spectra(s)).values for s in (samples, samples * np.float32(10 ** (decibels / 20)))
    )
    for name in dynamics.NAMES:
        moved = decibels if name in ("loudness", "peak") else 0
        assert after[name] - before[name] == pytest.approx(moved, abs=0.02)


def test_crest_of_a_sine_is_3_db():
    assert dynamics.describe(spectra(sine(440, 5.0))).values["crest"] == pytest.approx(3.01, abs=0.01)


def test_silence_at_both_ends_is_timed():
    samples = np.concatenate([np.zeros(RATE), sine(440, 3.0), np.zeros(RATE // 2)]).astype(np.float32)
    values = dynamics.describe(spectra(samples)).values
    assert values["silence_head"] == pytest.approx(1.0, abs=0.02)
    assert values["silence_tail"] == pytest.approx(0.5, abs=0.02)


def test_clicks_are_percussive_and_tones_are_not():
    clicks = np.zeros(5 * RATE, np.float32)
    clicks[:: RATE // 3] = 1.0
    drum, held = (dynamics.percussive_share(spectra(s).mel_power) for s in (clicks, sine(440, 5.0) + sine(990, 5.0)))
    assert drum > 0.8
    assert held < 0.3


def test_running_medians_are_those_of_scipy():
    image = np.random.default_rng(0).random((40, 30)).astype(np.float32)
    for axis, size in ((0, (9, 1)), (1, (1, 9))):
        expected = scipy.ndimage.median_filter(image, size, mode="nearest")
        np.testing.assert_array_equal(dynamics._medians(image, 9, axis), expected)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(RATE, np.float32)])
def test_silence_is_unknown(samples):
    described = dynamics.describe(spectra(samples))
    assert described.vector is None
    assert set(described.values) == set(dynamics.NAMES)
    assert np.isnan(list(described.values.values())).all()


def test_a_tenth_of_a_second_has_a_peak_but_no_loudness():
    described = dynamics.describe(spectra(sine(440, 0.1)))
    assert described.values["peak"] == pytest.approx(-6.02, abs=0.05)
    assert np.isnan(described.values["loudness"])
    assert described.vector is None or np.isfinite(described.vector).all()


def test_windows_merge_by_energy_peak_and_ends():
    padded = np.concatenate([np.zeros(RATE // 2, np.float32), sine(997, 4.0, 0.1)])
    parts = [dynamics.describe(spectra(s)) for s in (padded, noise(4.0, 0.0), sine(997, 4.0, 0.2))]
    merged = dynamics.merge(parts).values
    assert parts[0].values["loudness"] < merged["loudness"] < parts[2].values["loudness"]
    assert merged["peak"] == parts[2].values["peak"]
    assert merged["silence_head"] == pytest.approx(0.5, abs=0.02)
    assert merged["silence_tail"] == 0
    assert np.isnan(dynamics.merge(parts[1:2]).values["loudness"])
