"""Timbre of a window of sound: the shape of its spectrum and how it moves.

MFCC after Davis & Mermelstein (IEEE ASSP 28, 1980), spectral contrast after Jiang et al. (ICME 2002), the
rest after Peeters (A large set of audio features, IRCAM 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from recsys.audio import kernels
from recsys.audio.described import Described, mean_of
from recsys.audio.spectra import QUIET, Spectra

Floats = NDArray[np.float32]

VERSION = 3  # goes up when values change
COEFFICIENTS = 20
CONTRAST_EDGES = (0, 200, 400, 800, 1600, 3200, 6400, 11025)  # Hz
CONTRAST_TAIL = 0.2  # share of a band's bins taken for its peaks, and for its valleys
ROLLOFF = 0.85
AUDIBLE = 1e-6  # of the energy of the loudest frame, −60 dB
EVERY = 4  # frames: contrast, centroid and roll-off are taken from every fourth one
MODULATION_EDGES = (0.5, 2, 3, 6, 10, 15)  # Hz
MODULATION_BANDS = slice(12, 48)  # mel bands, about 400 to 2500 Hz
SHORTEST = 4.0  # seconds below which slow modulation is unknown
PARTS = {"statistics": slice(0, 86), "envelope": slice(86, 166), "correlation": slice(166, 356)}
NAMES = (
    "centroid",
    "rolloff",
    "flatness",
    "contrast",
    "zero_crossings",
    "timbre_change",
    "slow_modulation",
    "voice_modulation",
    "fast_modulation",
)


def mfcc(mel: Floats, count: int = COEFFICIENTS) -> Floats:
    """Cepstral coefficients of a mel spectrum in dB by the orthonormal cosine transform, (frames, count)."""
    return scipy.fft.dct(mel, axis=1, norm="ortho")[:, :count]


def slope(features: Floats, reach: int = 4) -> Floats:
    """Slope per frame of the line fitted through 2 · reach + 1 frames, edges repeated, of the shape given."""
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    length = len(features)
    total = np.zeros_like(features)
    for step in range(1, reach + 1):
        total += step * (padded[reach + step : reach + step + length] - padded[reach - step : reach - step + length])
    return total / np.float32(2 * sum(step**2 for step in range(1, reach + 1)))


def correlations(features: Floats) -> Floats:
    """Correlation of each feature with each later one over the frames, 0 for one that stands still, (pairs,).

    With the mean and the deviation this is the single Gaussian of Mandel & Ellis (ISMIR 2005).
    """
    centred = features - features.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=0), np.float32(1e-6))
    return (unit.T @ unit)[np.triu_indices(features.shape[1], 1)]


def centroid(stft: Floats, frequencies: Floats) -> Floats:
    """Centre of mass of the magnitude spectrum in Hz, NaN in silent frames, float32 (frames,)."""
    total = stft.sum(axis=1)
    return np.where(total > 0, (stft @ frequencies) / np.maximum(total, np.float32(QUIET)), np.float32(np.nan))


def rolloff(stft: Floats, frequencies: Floats, share: float = ROLLOFF) -> Floats:
    """Frequency in Hz below which ``share`` of the magnitude lies, NaN in silent frames, float32 (frames,)."""
    total = stft.sum(axis=1)
    edges = frequencies[kernels.reached(stft, np.float32(share) * total)]
    return np.where(total > 0, edges, np.float32(np.nan))


def contrast(power: Floats, frequencies: Floats) -> Floats:
    """Peaks over valleys in each of seven octave bands in dB, float32 (frames, 7)."""
    edges = np.searchsorted(frequencies, CONTRAST_EDGES)
    bands = []
    for first, last in pairwise(edges):
        ordered = np.sort(power[:, first:last], axis=1)
        tail = max(1, round(CONTRAST_TAIL * (last - first)))
        top, bottom = ordered[:, -tail:].mean(axis=1), ordered[:, :tail].mean(axis=1)
        bands.append(10 * np.log10(np.maximum(top, QUIET) / np.maximum(bottom, QUIET)))
    return np.stack(bands, axis=1).astype(np.float32)


def zero_crossings(samples: Floats, rate: int) -> float:
    """Sign changes per second."""
    negative = np.signbit(samples)
    return float(np.count_nonzero(negative[1:] != negative[:-1])) * rate / max(1, len(samples) - 1)


def modulation(mel_power: Floats, frame_rate: float) -> Floats:
    """Shares of the movement of the mel magnitudes between .5 and 15 Hz in five bands, float32 (5,).

    Speech and song move most at 3 to 6 Hz, the rate of syllables (Scheirer & Slaney, ICASSP 1997).
    """
    curves = np.sqrt(mel_power[:, MODULATION_BANDS])
    length = scipy.fft.next_fast_len(len(curves), real=True)
    spectrum = scipy.fft.rfft(curves - curves.mean(axis=0), length, axis=0)
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
    edges = np.searchsorted(np.arange(len(power)) * frame_rate / length, MODULATION_EDGES)
    bands = np.array([power[first:last].sum() for first, last in pairwise(edges)])
    return (bands / np.maximum(bands.sum(), QUIET)).astype(np.float32)


def describe(spectra: Spectra) -> Described:
    """Timbre of one window; all NaN and no vector when it is silent.

    The vector, float32 (356,), has the three parts of ``PARTS``. ``statistics``: mean and deviation of 20 MFCC,
    deviation of their slopes, mean and deviation of the contrast in 7 bands, modulation in 5, mean and deviation
    of log centroid, roll-off and flatness, and log zero crossings. ``envelope``: the mean mel spectrum in dB
    around its own mean. ``correlation``: of each MFCC with each other. Frames more than 60 dB under the loudest
    do not count.
    """
    if spectra.silent:
        return Described(dict.fromkeys(NAMES, float("nan")))
    loud = spectra.energy >= spectra.energy.max() * np.float32(AUDIBLE)
    cepstrum = mfcc(spectra.mel)
    slopes, cepstrum = slope(cepstrum)[loud], cepstrum[loud]
    some = np.flatnonzero(loud)[::EVERY]
    magnitude = spectra.stft[some]
    bands, flat = contrast(np.square(magnitude), spectra.frequencies), spectra.flatness[loud]
    centre, edge = centroid(magnitude, spectra.frequencies), rolloff(magnitude, spectra.frequencies)
    numbers = (centre.mean(), edge.mean(), flat.mean(), bands.mean(), zero_crossings(spectra.samples, spectra.rate))
    change = np.linalg.norm(slopes[:, 1:13], axis=1).mean()
    moves = modulation(spectra.mel_power, spectra.rate / spectra.hop)
    known = 1.0 if spectra.seconds >= SHORTEST else float("nan")
    speeds = known * np.array([moves[0], moves[2], moves[3:].sum()])
    values = dict(zip(NAMES, map(float, (*numbers, change, *speeds)), strict=True))
    spread = [np.log(np.maximum(series, np.float32(QUIET))) for series in (centre, edge, flat)]
    rest = [*(s.mean() for s in spread), *(s.std() for s in spread), np.log1p(values["zero_crossings"])]
    statistics = [cepstrum.mean(0), cepstrum.std(0), slopes.std(0), bands.mean(0), bands.std(0), moves, rest]
    envelope = spectra.mel[loud].mean(axis=0)
    vector = np.concatenate([*statistics, envelope - envelope.mean(), correlations(cepstrum)])
    return Described(values, vector.astype(np.float32))


def merge(windows: Sequence[Described]) -> Described:
    """Windows of one file as one: the mean."""
    return mean_of(windows)
