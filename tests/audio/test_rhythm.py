"""Onsets, beats, tempo: on sounds made here, whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.audio import activations, beats, onsets, rhythm, tempo
from recsys.audio.sound import Sound
from recsys.audio.spectra import Spectra
from recsys.errors import DataError
from tests.measure.rhythm_metrics import f_measure, tempo_hit

RATE = 22050
Floats = NDArray[np.float32]
rising_times = st.lists(st.floats(0.0, 20.0), max_size=40).map(lambda times: np.unique(np.round(times, 3)))


def notes(times: Floats, seconds: float, loudness: Floats | None = None) -> Floats:
    """A decaying chord at each time; every fourth is lower unless ``loudness`` says otherwise."""
    out = np.zeros(round((seconds + 1) * RATE), np.float32)
    clock = np.arange(round(0.4 * RATE)) / RATE
    fade = np.exp(-8 * clock) * (1 - clock / 0.4)
    for place, time in enumerate(times):
        root = 110.0 if place % 4 == 0 else 220.0
        chord = fade * sum(np.sin(2 * np.pi * root * k * clock) / k for k in (1, 2, 3, 4, 5))
        start = round(float(time) * RATE)
        out[start : start + len(clock)] += 0.2 * (1 if loudness is None else loudness[place]) * chord
    return out[: round(seconds * RATE)]


def noise(seconds: float) -> Floats:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


# Metrics


@settings(deadline=None)
@given(rising_times, rising_times)
def test_f_measure_agrees_with_mir_eval(truth: Floats, found: Floats) -> None:
    onset = pytest.importorskip("mir_eval.onset")
    if not len(truth) or not len(found):
        assert f_measure(truth, found, 0.05) == 0
        return
    assert f_measure(truth, found, 0.0501) == pytest.approx(onset.f_measure(truth, found, window=0.0501)[0])


@settings(deadline=None)
@given(rising_times, rising_times)
def test_beat_f_measure_agrees_with_mir_eval(truth: Floats, found: Floats) -> None:
    beat = pytest.importorskip("mir_eval.beat")
    if len(truth) and len(found):
        assert f_measure(truth, found, 0.0701) == pytest.approx(beat.f_measure(truth, found, 0.0701))


@pytest.mark.parametrize(("found", "hit", "octave"), [(103, 1, 1), (105, 0, 0), (51, 0, 1), (299, 0, 1), (150, 0, 0)])
def test_tempo_hits(found: float, hit: int, octave: int) -> None:
    assert tempo_hit(100, found, 0.04) == hit
    assert tempo_hit(100, found, 0.04, octaves=True) == octave


# Onsets


def heard_onsets(samples: Floats) -> Floats:
    return rhythm.hear(samples, RATE).onsets


def test_onsets_of_notes_are_found_within_20_ms() -> None:
    truth = np.array([0.5, 0.9, 1.1, 1.9, 2.3, 3.17], np.float32)
    assert f_measure(truth, heard_onsets(notes(truth, 4.0)), 0.02) == 1.0


@pytest.mark.parametrize("gain", [0.01, 0.3, 3.0])
def test_onsets_do_not_depend_on_the_level(gain: float) -> None:
    samples = notes(np.arange(0.3, 5, 0.37), 6.0)
    np.testing.assert_allclose(heard_onsets(gain * samples), heard_onsets(samples), atol=0.011)


def test_vibrato_is_one_note() -> None:
    clock = np.arange(3 * RATE) / RATE
    wobble = np.sin(2 * np.pi * 440 * clock + 5 * np.sin(2 * np.pi * 5 * clock)).astype(np.float32)
    assert len(heard_onsets(np.concatenate([np.zeros(RATE, np.float32), 0.3 * wobble]))) <= 2


@settings(deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=300), st.floats(0.01, 0.5))
def test_picked_peaks_rise_and_keep_apart(envelope: list[float], threshold: float) -> None:
    times = onsets.pick(np.array(envelope, np.float32), 100.0, threshold)
    assert np.all(np.diff(times) > onsets.NEAR - 1e-6)
    assert np.all(times * 100 < len(envelope))


# Beats


@pytest.mark.parametrize("bpm", [66.0, 97.3, 120.0, 141.0])
def test_a_steady_pulse_is_followed_and_its_tempo_read(bpm: float) -> None:
    truth = np.arange(0.4, 29, 60 / bpm)
    quarters = np.sort(np.concatenate([truth, truth + 30 / bpm]))
    loudness = np.tile(np.array([1.0, 0.35], np.float32), len(truth))
    heard = rhythm.hear(notes(quarters, 30.0, loudness), RATE)
    assert tempo_hit(bpm, heard.tempo.bpm, 0.005, octaves=True)
    assert 0 < heard.confidence <= 1


def test_beats_follow_a_tempo_that_bends() -> None:
    truth = np.cumsum(0.5 + 0.1 * np.sin(np.arange(60) / 6))
    frames = np.full(round(50 * truth[-1]) + 20, 0.02, np.float32)
    frames[np.round(50 * truth).astype(int)] = 0.9
    assert f_measure(truth, beats.track(frames, 50.0), 0.03) > 0.95


def test_missing_beats_are_filled_in() -> None:
    frames = np.full(1000, 0.02, np.float32)
    frames[5::25] = 0.9
    frames[480:530] = 0.02
    assert f_measure(np.arange(5, 1000, 25) / 50, beats.track(frames, 50.0), 0.03) > 0.97


@pytest.mark.parametrize("metre", [3, 4])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_downbeats_find_metre_and_phase(metre: int, first: int) -> None:
    times = np.arange(24, dtype=np.float32) / 2
    frames = np.full(650, 0.05, np.float32)
    frames[np.round(50 * times[first::metre]).astype(int)] = 0.8
    found = beats.downbeats(frames, 50.0, times)
    assert found.metre == metre
    np.testing.assert_allclose(found.times, times[first::metre])
    assert found.margin > 0


# Tempo


@given(st.floats(45, 220), st.integers(0, 100))
def test_the_line_is_finer_than_the_frames(bpm: float, seed: int) -> None:
    times = np.arange(0.3, 30, 60 / bpm)
    shaken = np.round((times + np.random.default_rng(seed).normal(0, 0.008, len(times))) * 50) / 50
    assert tempo.tempo(np.sort(shaken)).bpm == pytest.approx(bpm, rel=0.005)


def test_a_missed_beat_does_not_move_the_tempo() -> None:
    times = np.delete(np.arange(0, 30, 0.5), [10, 11, 30])
    assert tempo.tempo(times).bpm == pytest.approx(120, rel=0.001)


def test_few_beats_have_no_tempo() -> None:
    assert math.isnan(tempo.tempo(np.arange(4.0)).bpm)


def test_pulse_clarity_tells_a_pulse_from_noise() -> None:
    pulse = np.tile(np.array([1] + 49 * [0], np.float32), 40)
    hiss = np.random.default_rng(1).random(2000).astype(np.float32)
    clear, unclear = (tempo.pulse_clarity(tempo.autocorrelation(envelope), 100.0) for envelope in (pulse, hiss))
    assert clear > 0.95
    assert unclear < 0.2


# Describe


def described(samples: Floats) -> rhythm.Described:
    return rhythm.describe(Spectra(Sound(samples, RATE)))


@pytest.mark.parametrize(
    "samples",
    [np.zeros(5 * RATE, np.float32), np.zeros(0, np.float32), noise(20), notes(np.array([0.3]), 1.0), noise(0.1)],
    ids=["silence", "nothing", "noise", "one second", "a tenth"],
)
def test_what_has_no_tempo_says_so(samples: Floats) -> None:
    found = described(samples)
    assert math.isnan(found.values["tempo_bpm"])
    assert math.isnan(found.values["meter_triple"])
    assert found.values["tempo_confidence"] < rhythm.SURE
    assert len(found.events.get("beats", [])) == 0


@pytest.mark.parametrize("colour", [0.0, 0.9, 0.98])
def test_noise_has_no_onsets(colour: float) -> None:
    hiss = scipy.signal.lfilter([1.0], [1.0, -colour], noise(20)).astype(np.float32)
    found = described(0.1 * hiss)
    assert math.isnan(found.values["onset_rate"])
    assert found.values["onset_confidence"] < rhythm.HEARD
    assert len(found.events["onsets"]) == 0
    assert found.vector is not None
    assert np.isfinite(found.vector).all()


def test_describe_names_units_and_shapes() -> None:
    found = described(notes(np.arange(0.4, 19, 0.5), 20.0))
    assert tuple(found.values) == rhythm.NAMES
    assert found.values["tempo_half"] * 4 == pytest.approx(found.values["tempo_double"])
    assert found.values["onset_rate"] == pytest.approx(38 / 20, abs=0.15)
    assert found.values["onset_confidence"] > rhythm.HEARD
    assert found.vector is not None
    assert found.vector.dtype == np.float32
    assert np.isfinite(found.vector).all()
    assert found.extra["tempogram_ratios"].shape == (len(tempo.RATIOS),)
    for times in found.events.values():
        assert times.dtype == np.float32
        assert np.all(np.diff(times) > 0)
        assert np.all((times >= 0) & (times <= 20.0))


def test_other_bands_are_refused() -> None:
    with pytest.raises(DataError, match="22050"):
        rhythm.hear(noise(5), 8000)


def test_the_weights_are_small_and_plain() -> None:
    assert activations.WEIGHTS.stat().st_size < 200_000
    with np.load(activations.WEIGHTS, allow_pickle=False) as stored:
        assert all(np.isfinite(stored[name]).all() for name in stored.files)
