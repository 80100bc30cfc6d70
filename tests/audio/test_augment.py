"""Each alteration does what it says and nothing else."""

import numpy as np
import pytest
import scipy.signal

from recsys.audio import augment
from recsys.audio.sound import RATE
from recsys.errors import DataError
from tests.audio.tones import noise, sine, song, spectra


def pitch_of(samples: np.ndarray) -> float:
    """Frequency of the strongest partial."""
    peaks = spectra(samples).peaks
    return float(peaks.hz[peaks.magnitude.argmax()])


def level(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(samples[2000:-2000], dtype=np.float64)))


@pytest.mark.parametrize("semitones", [-7, -1, 0, 0.5, 4])
def test_pitch_moves_and_length_stays(semitones):
    samples = sine(440, 2.0)
    shifted = augment.pitch_shift(samples, semitones)
    assert len(shifted) == len(samples)
    assert shifted.dtype == np.float32
    assert 12 * np.log2(pitch_of(shifted[4000:-4000]) / 440) == pytest.approx(semitones, abs=0.05)
    assert level(shifted) == pytest.approx(level(samples), abs=1.0)


def test_a_shifted_song_has_the_shifted_chroma():
    samples = song(0)
    before, after = (spectra(s).chroma.mean(axis=0) for s in (samples, augment.pitch_shift(samples, 3)))
    assert np.corrcoef(np.roll(before, 3), after)[0, 1] > 0.9


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.3])
def test_a_stretched_sound_keeps_its_pitch_and_order(factor):
    samples = np.concatenate([sine(440, 1.0), sine(660, 1.0)])
    stretched = augment.time_stretch(samples, factor)
    assert len(stretched) == round(len(samples) / factor)
    half = len(stretched) // 2
    assert pitch_of(stretched[: half - 2000]) == pytest.approx(440, rel=0.005)
    assert pitch_of(stretched[half + 2000 :]) == pytest.approx(660, rel=0.005)


def test_stretching_by_one_changes_nothing():
    samples = song(0)
    np.testing.assert_allclose(augment.time_stretch(samples, 1.0)[:-2048], samples[:-2048], atol=1e-3)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.5])
def test_speed_resamples(factor):
    samples = song(0)[:20001]
    faster = augment.speed(samples, factor)
    np.testing.assert_allclose(faster, scipy.signal.resample(samples, round(20001 / factor)), atol=1e-4)


def test_an_equaliser_lifts_its_frequency_and_leaves_others():
    raised, far = (augment.equalise(sine(hz), RATE, 1000, 6.0) for hz in (1000, 60))
    assert level(raised) - level(sine(1000)) == pytest.approx(6, abs=0.1)
    assert level(far) - level(sine(60)) == pytest.approx(0, abs=0.1)
    samples = noise()
    back = augment.equalise(augment.equalise(samples, RATE, 1000, 6.0), RATE, 1000, -6.0)
    np.testing.assert_allclose(back, samples, atol=1e-4)


@pytest.mark.parametrize("ratio", [0, 20])
def test_noise_keeps_its_distance(ratio):
    samples = song(0)
    noisy = augment.add_noise(samples, ratio, np.random.default_rng(0))
    assert level(samples) - level(noisy - samples) == pytest.approx(ratio, abs=0.7)
    again = augment.add_noise(samples, ratio, np.random.default_rng(0))
    np.testing.assert_array_equal(noisy, again)
    assert not augment.add_noise(np.zeros(9, np.float32), ratio, np.random.default_rng(0)).any()


@pytest.mark.parametrize("codec", ["vorbis", "mp3"])
def test_a_codec_leaves_the_sound_nearly_as_it_was(codec):
    samples = song(0)
    good, bad = (augment.through_codec(samples, RATE, codec=codec, squeeze=squeeze) for squeeze in (0.1, 1.0))
    assert len(good) == len(samples)
    errors = [np.mean((spectra(s).mel - spectra(samples).mel) ** 2) for s in (good, bad)]
    assert 0 < errors[0] < errors[1]
    assert np.corrcoef(spectra(good).mel.ravel(), spectra(samples).mel.ravel())[0, 1] > 0.9


def test_long_sounds_pass_the_codec():
    assert len(augment.through_codec(noise(40.0), RATE)) == 40 * RATE


@pytest.mark.parametrize("steps", [-5, 0, 2, 50])
def test_rolled_notes_move_without_coming_round(steps):
    notes = np.abs(noise(0.01)[:120]).reshape(10, 12)
    rolled = augment.roll_notes(notes, steps)
    expected = np.zeros_like(notes)
    for source in range(12):
        if 0 <= source + steps < 12:
            expected[:, source + steps] = notes[:, source]
    np.testing.assert_array_equal(rolled, expected)


def test_impossible_requests_are_refused():
    with pytest.raises(DataError, match="factor is 0; expected a number above 0"):
        augment.speed(sine(440), 0)
    with pytest.raises(DataError, match="factor is -1"):
        augment.time_stretch(sine(440), -1)
    with pytest.raises(DataError, match="hz is 12000"):
        augment.equalise(sine(440), RATE, 12000, 3.0)
    with pytest.raises(DataError, match="codec is 'aac'; expected one of vorbis, mp3"):
        augment.through_codec(sine(440), RATE, codec="aac")


@pytest.mark.parametrize("length", [0, 1, 500])
def test_the_shortest_sounds_survive(length):
    samples = noise()[:length]
    for altered in (augment.pitch_shift(samples, 2), augment.time_stretch(samples, 1.0), augment.speed(samples, 1.0)):
        assert len(altered) == length
        assert np.isfinite(altered).all()
