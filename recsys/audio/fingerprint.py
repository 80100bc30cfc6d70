"""How the pitch classes of a window move in time, told so that key and starting point do not matter.

The magnitudes of the two-dimensional Fourier transform of the chroma: rolling it in pitch (another key) or in time
(another start) only turns phases (Ertek & Ellis, Large-Scale Cover Song Recognition Using the 2D Fourier Transform
Magnitude, ISMIR 2012). Frequencies in time are spaced by octaves.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from recsys.audio.described import Described
from recsys.audio.spectra import FRONT_END, Spectra

Floats = NDArray[np.float32]

VERSION = 2  # goes up when values change
FRAMES = 512
LOW, HIGH, PER_OCTAVE = 0.06, 2.0, 8  # Hz of movement
SHORTEST = 3.0  # seconds below which nothing moves enough


def describe(spectra: Spectra) -> Described:
    """Nothing for the content space; ``extra`` holds ``fingerprint``, float32 (446,), for sound of three seconds."""
    if spectra.silent or spectra.seconds < SHORTEST or not spectra.chroma.sum() > 0:
        return Described()
    rate = spectra.rate / int(FRONT_END["long_hop"])
    return Described(extra={"fingerprint": fingerprint(spectra.chroma, rate)})


def fingerprint(chroma: Floats, rate: float) -> Floats:
    """Square roots of the magnitudes at 11 · 40 (pitch, time) frequencies, then at 6 of pitch alone, float32 (446,).

    Args:
        chroma: (frames, 12).
        rate: frames per second.

    >>> chroma = np.random.default_rng(0).random((300, 12), np.float32)
    >>> bool(np.allclose(fingerprint(chroma, 10.8), fingerprint(np.roll(chroma, 3, axis=1), 10.8), atol=1e-5))
    True
    """
    pieces = [chroma[i : i + FRAMES] for i in range(0, max(len(chroma) - FRAMES // 2, 1), FRAMES)]
    spectrum = np.mean([np.abs(scipy.fft.fft2(piece, s=(FRAMES, 12))) / len(piece) for piece in pieces], axis=0)
    places = _frequencies() * FRAMES / rate
    rising = [np.interp(places, np.arange(FRAMES // 2), spectrum[: FRAMES // 2, k]) for k in range(1, 7)]
    falling = [np.interp(places, np.arange(FRAMES // 2), spectrum[-np.arange(FRAMES // 2), k]) for k in range(1, 6)]
    return np.sqrt(np.concatenate([*rising, *falling, spectrum[0, 1:7]])).astype(np.float32)


def unit(fingerprints: Floats) -> Floats:
    """Fingerprints (n, d) so that a dot product is their likeness, −1 to 1: movement and rest each centred."""
    moving, still = fingerprints[:, :-6], fingerprints[:, -6:]
    both = np.concatenate([_centred(moving), _centred(still)], axis=1) / np.float32(np.sqrt(2))
    return np.ascontiguousarray(both, np.float32)


def _centred(table: Floats) -> Floats:
    centred = table - table.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-9))


def _frequencies() -> NDArray[np.float64]:
    return LOW * 2 ** (np.arange(int(np.log2(HIGH / LOW) * PER_OCTAVE)) / PER_OCTAVE)
