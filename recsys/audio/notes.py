"""Spectral peaks in, tuning and notes out: how strongly each semitone sounds in each frame.

Peaks are placed on the semitones of the piece's own tuning; each frame is then explained as a non-negative
sum of notes with decaying harmonics (Mauch & Dixon, Approximate Note Transcription, ISMIR 2010), so that an
overtone is not taken for a note.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.audio import kernels

Floats = NDArray[np.float32]

A4 = 69
FLOOR = 1e-8  # power below which nothing counts as a peak


class Peaks(NamedTuple):
    """Local maxima of a power spectrum: frame (n,), frequency in Hz (n,), magnitude (n,); frames in all."""

    frame: NDArray[np.intp]
    hz: Floats
    magnitude: Floats
    frames: int


class Tuning(NamedTuple):
    """Deviation from A4 = 440 Hz in cents, −50 to 50, and how far the peaks agree on it, 0 to 1."""

    cents: float
    agreement: float


def find_peaks(power: Floats, bin_hz: float, *, low: float, high: float, depth_db: float) -> Peaks:
    """Peaks between ``low`` and ``high`` Hz, at most ``depth_db`` under the loudest of their frame.

    Frequency and magnitude come from the parabola through the logarithms of three bins.
    """
    first, last = int(low / bin_hz), min(int(high / bin_hz), power.shape[1])
    band = power[:, first:last]
    floor = np.maximum(band.max(axis=1) * np.float32(10 ** (-depth_db / 10)), np.float32(FLOOR))
    frame, at, values = kernels.maxima(band, floor)
    left, centre, right = np.log(np.maximum(values, np.float32(1e-20)))
    offset = 0.5 * (left - right) / np.minimum(left - 2 * centre + right, np.float32(-1e-6))
    magnitude = np.exp(0.5 * (centre - 0.25 * (left - right) * offset))
    return Peaks(frame, ((at + first).astype(np.float32) + offset) * np.float32(bin_hz), magnitude, len(power))


def find_tuning(peaks: Peaks, low: float = 80.0, high: float = 2000.0) -> Tuning:
    """The circular mean of the distances to the nearest semitone, each peak weighted by its magnitude.

    Below 80 Hz a bin is too wide; above 2000 Hz the overtones of strings are stretched. Without a peak between
    ``low`` and ``high`` the answer is NaN.
    """
    inside = (peaks.hz > low) & (peaks.hz < high)
    weight, turn = peaks.magnitude[inside], np.float32(2 * np.pi) * (_pitch(peaks.hz[inside]) - A4)
    total = float(weight.sum())
    if total == 0:
        return Tuning(float("nan"), float("nan"))
    east, north = float(weight @ np.cos(turn)), float(weight @ np.sin(turn))
    return Tuning(float(np.arctan2(north, east)) * 50 / np.pi, float(np.hypot(east, north)) / total)


def semitones(peaks: Peaks, cents: float, *, lowest: int, count: int) -> Floats:
    """Peaks added up on the semitones from MIDI pitch ``lowest``, float32 (frames, count).

    A peak between two semitones counts less: by the squared cosine of its distance.
    """
    pitch = _pitch(peaks.hz) - (0 if np.isnan(cents) else cents / 100) - lowest
    note = np.rint(pitch)
    inside = np.flatnonzero((note >= 0) & (note < count))
    note, pitch = note[inside], pitch[inside]
    weight = peaks.magnitude[inside] * np.cos(np.float32(np.pi) * (pitch - note)) ** 2
    cell = peaks.frame[inside] * count + note.astype(np.intp)
    grid = np.bincount(cell, weights=weight, minlength=peaks.frames * count)
    return grid.reshape(peaks.frames, count).astype(np.float32)


def explain(spectrum: Floats, *, harmonics: int, decay: float, rounds: int) -> Floats:
    """Strengths of notes whose harmonics add up to ``spectrum``, float32 of its shape (frames, notes).

    Multiplicative updates of non-negative least squares (Lee & Seung, NIPS 2000).
    """
    notes = _note_spectra(spectrum.shape[1], harmonics, decay)
    overlap, target = notes @ notes.T, spectrum @ notes.T
    strength = target.copy()
    for _ in range(rounds):
        strength *= target / (strength @ overlap + np.float32(1e-9))
    return strength


@lru_cache(maxsize=4)
def _note_spectra(count: int, harmonics: int, decay: float) -> Floats:
    """Unit spectra of single notes on the semitone grid, float32 (notes, semitones)."""
    spectra = np.zeros((count, count), np.float32)
    for order in range(1, harmonics + 1):
        shift = round(12 * np.log2(order))
        spectra += decay ** (order - 1) * np.eye(count, k=shift, dtype=np.float32)
    return spectra / np.linalg.norm(spectra, axis=1, keepdims=True)


def _pitch(hz: Floats) -> Floats:
    return A4 + 12 * np.log2(hz / np.float32(440))
