"""Patterns: the same in every key where they should be, robust to level, defined for short and silent sounds."""

import numpy as np
import pytest

from recsys.audio.sound import Sound
from recsys.audio.spectra import Spectra
from recsys.producers.labelling import patterns

RATE = 22050


def chord(pitches, seconds=6.0, level=0.1, beat=0.5):
    """Struck chords: harmonics that fade, anew at every beat."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = sum(
        np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * overtone * time) / overtone
        for pitch in pitches
        for overtone in (1, 2, 3)
    )
    return Sound((level * sound * np.exp(-4 * (time % beat))).astype(np.float32))


def noise(seconds=6.0, seed=0):
    return Sound(0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE)).astype(np.float32))


def test_every_pattern_has_its_width_and_is_finite():
    found = patterns.describe([chord((60, 64, 67)), noise()])
    assert {name: vector.shape for name, vector in found.items()} == {n: (w,) for n, w in patterns.WIDTHS.items()}
    assert all(vector.dtype == np.float32 and np.isfinite(vector).all() for vector in found.values())


def test_silent_and_short_windows_are_unknown_and_leave_the_others_alone():
    silent, short = Sound(np.zeros(6 * RATE, np.float32)), noise(0.2)
    alone, among = patterns.describe([noise()]), patterns.describe([silent, noise(), short])
    assert all(np.isnan(vector).all() for vector in patterns.describe([silent, short]).values())
    for name, vector in alone.items():
        np.testing.assert_allclose(among[name], vector, rtol=1e-6)


def test_level_changes_nothing():
    loud, soft = (patterns.describe([chord((60, 64, 67), level=level)]) for level in (0.2, 0.02))
    for name in patterns.WIDTHS:
        np.testing.assert_allclose(loud[name], soft[name], atol=0.15, err_msg=name)


def test_harmony_is_the_same_in_every_key_and_register_is_not():
    here, there = (patterns.describe([chord(tuple(base + step for step in (0, 4, 7)))]) for base in (60, 65))
    np.testing.assert_allclose(here["harmony"], there["harmony"], atol=0.08)
    assert np.abs(here["register"] - there["register"]).max() > 0.5


def test_a_minor_chord_fits_the_minor_kind_better():
    fits = []
    for third in (4, 3):
        spectra = Spectra(chord((60, 60 + third, 67)))
        fits.append(patterns.window(spectra)["harmony"][-15:-10])  # the mean fit of each kind
    kinds = list(patterns.CHORDS)
    major, minor = kinds.index("major"), kinds.index("minor")
    assert fits[0][major] > fits[0][minor]
    assert fits[1][minor] > fits[1][major]


@pytest.mark.parametrize("beat", [0.25, 0.5])
def test_fluctuation_is_strongest_at_the_rate_of_the_beat(beat):
    found = patterns.describe([chord((60, 64, 67), seconds=24.0, beat=beat)])["fluctuation"].reshape(
        patterns.COARSE, -1
    )
    rates = np.sqrt(patterns.RATES[1:] * patterns.RATES[:-1])
    best = rates[found.mean(axis=0).argmax()]
    assert abs(np.log2(best * beat)) < 0.35


def test_steady_noise_is_flat_in_time():
    steady, struck = (patterns.describe([sound]) for sound in (noise(), chord((60, 64, 67))))
    assert steady["texture"].mean() < struck["texture"].mean()
    assert np.abs(steady["correlation"]).mean() < 0.2


@pytest.mark.parametrize("seconds", [0.3, 0.5, 1.0, 2.5])
def test_a_short_sound_has_patterns_all_the_same(seconds):
    found = patterns.describe([chord((60, 64, 67), seconds=seconds)])
    lost = {name for name, vector in found.items() if not np.isfinite(vector).all()}
    assert lost <= {"lags", "harmony"}, "only what needs a later frame is unknown"
