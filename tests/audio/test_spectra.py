"""The front end: against plain Fourier transforms, known notes, and librosa."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio import spectra as front
from recsys.audio.notes import explain, semitones
from recsys.audio.sound import RATE
from tests.audio.tones import noise, note, sine, song, spectra


def test_a_frame_is_the_transform_of_its_windowed_samples():
    samples = noise()
    power = front.power_spectrum(samples, 2048, 512)
    window = np.hanning(2049)[:-1]
    expected = np.abs(np.fft.rfft(samples[10 * 512 - 1024 : 10 * 512 + 1024] * window)) ** 2
    np.testing.assert_allclose(power[10], expected, rtol=2e-3, atol=1e-3)
    assert power.shape == (1 + len(samples) // 512, 1025)


def test_every_spectrum_is_computed_once():
    one = spectra(noise())
    for name in ("power", "stft", "mel_power", "mel", "peaks", "notes", "chroma", "bass_chroma"):
        assert getattr(one, name) is getattr(one, name)


def test_frames_have_times_and_bins_have_frequencies():
    one = spectra(sine(1000, 3))
    assert one.times[-1] <= one.seconds < one.times[-1] + 512 / RATE
    assert abs(one.frequencies[one.stft[50].argmax()] - 1000) < RATE / 2048
    assert len(one.long_times) == len(one.notes) == len(one.chroma)


def test_mel_filters_keep_white_noise_white():
    filters = front.mel_filters(RATE, 2048, 80, 30.0, 11025.0)
    assert filters.shape == (1025, 80)
    wide = filters.sum(axis=0)[40:]  # below, a triangle holds too few bins
    assert wide.std() / wide.mean() < 0.02


def test_the_hash_changes_with_any_parameter(monkeypatch):
    before = front.front_end_hash()
    assert before == front.front_end_hash()
    assert len(before) == 8
    for name in front.FRONT_END:
        monkeypatch.setitem(front.FRONT_END, name, -1)
        assert front.front_end_hash() != before
        monkeypatch.undo()


@pytest.mark.parametrize("pitch", [36, 40, 48, 60, 64, 79, 88])
def test_the_overtones_of_a_note_do_not_count_as_notes(pitch):
    one = spectra(note(pitch, 2.0))
    found = semitones(one.peaks, 0.0, lowest=28, count=84)
    explained = explain(found, harmonics=8, decay=0.7, rounds=15)
    share = [front.fold(notes, 28).sum(axis=0)[pitch % 12] / notes.sum() for notes in (found, explained)]
    assert share[1] > max(0.75, share[0])
    assert one.chroma.mean(axis=0).argmax() == pitch % 12


def test_a_chord_is_its_notes():
    notes = spectra(note(48, 2.0) + note(64, 2.0) + note(67, 2.0)).notes.mean(axis=0)
    assert set(np.argsort(notes)[-3:] + 28) == {48, 64, 67}


@pytest.mark.parametrize("cents", [-40, -15, 0, 25, 45])
def test_tuning_is_found_and_does_not_move_the_chroma(cents):
    tuned, plain = spectra(song(0, cents=cents)), spectra(song(0))
    assert abs(tuned.tuning.cents - cents) < 3
    assert np.abs(tuned.chroma.mean(axis=0) - plain.chroma.mean(axis=0)).max() < 0.03


@settings(max_examples=15, deadline=None)
@given(st.floats(-30, 10))
def test_chroma_does_not_depend_on_the_level(decibels):
    samples = song(2)
    louder = spectra(samples * np.float32(10 ** (decibels / 20)))
    np.testing.assert_allclose(louder.chroma.mean(axis=0), spectra(samples).chroma.mean(axis=0), atol=0.01)


@pytest.mark.parametrize("lowest", [24, 28, 35])
def test_folding_adds_octaves(lowest):
    notes = np.arange(30, dtype=np.float32)[None]
    expected = [sum(n for n in range(30) if (lowest + n) % 12 == pitch) for pitch in range(12)]
    np.testing.assert_array_equal(front.fold(notes, lowest)[0], expected)


@pytest.mark.parametrize("length", [0, 1, 100, 3000])
def test_the_shortest_sounds_have_spectra(length):
    for samples in (np.zeros(length, np.float32), noise()[:length]):
        one = spectra(samples)
        for array in (one.mel, one.stft, one.notes, one.chroma, one.bass_chroma):
            assert np.isfinite(array).all()
    assert spectra(np.zeros(length, np.float32)).silent


@pytest.mark.slow
def test_mel_agrees_with_librosa():
    librosa = pytest.importorskip("librosa")
    samples = song(3) + noise(4.0, 0.01)
    theirs = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=2048, hop_length=512, n_mels=80, fmin=30.0)
    np.testing.assert_allclose(spectra(samples).mel_power, theirs.T, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(spectra(samples).mel, librosa.power_to_db(theirs).T, atol=0.01)


@pytest.mark.slow
def test_chroma_agrees_with_librosa_about_the_notes():
    librosa = pytest.importorskip("librosa")
    samples = song(5)
    theirs = librosa.feature.chroma_cqt(y=samples, sr=RATE).mean(axis=1)
    ours = spectra(samples).chroma.mean(axis=0)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.75
    assert ours.argmax() == theirs.argmax()
