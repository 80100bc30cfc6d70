"""Sound in, how strong each third of a semitone is out: what the note network hears.

Two spectra on the same grid, three bins to a key: one of long windows, which parts low and close notes, and one of a
short window, which tells when they begin. Values are decibels under full scale, 0 at −90 dB and 1 at 0 dB.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.sparse
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from recsys.audio.sound import RATE

Floats = NDArray[np.float32]
HOP = 512  # samples
LOWEST, KEYS = 21, 88
PER_KEY = 3
BINS = 312  # from a third of a semitone under A0 to MIDI pitch 124
LONG, MIDDLE, SHORT = 8192, 4096, 2048
TURN = 3 * (60 - LOWEST)  # the first bin of the middle window
MARGIN = LONG // 2 // HOP  # frames of sound that a frame hears on each side
FLOOR = 90.0  # dB


def levels(samples: Floats) -> Floats:
    """Spectra of frames centred on every ``HOP``-th sample, float32 (2, 1 + n // HOP, BINS); silence lies around.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    >>> long, short = levels(tone)
    >>> int(long[20].argmax()), 3 * (69 - LOWEST) + 1
    (145, 145)
    """
    padded = np.pad(samples, LONG // 2)
    long, middle, short = (_decibels(padded, size) for size in (LONG, MIDDLE, SHORT))
    return np.stack([np.concatenate([long[:, :TURN], middle[:, TURN:]], axis=1), short])


def _decibels(padded: Floats, size: int) -> Floats:
    """(frames, BINS) of one window."""
    off = (LONG - size) // 2
    frames = sliding_window_view(padded[off : len(padded) - off], size)[::HOP]
    matrix, first, last = _matrix(size)
    found = []
    for start in range(0, len(frames), 256):
        spectrum = scipy.fft.rfft(frames[start : start + 256] * _window(size), axis=1)[:, first:last]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        found.append((matrix @ power.T).T)
    power = np.concatenate(found)
    return np.maximum(1 + 10 / FLOOR * np.log10(power + np.float32(1e-12)), 0, dtype=np.float32)


@lru_cache(maxsize=3)
def _window(size: int) -> Floats:
    """Hann, scaled so that a full sine has a peak of 1."""
    window = np.hanning(size + 1)[:-1]
    return (2 * window / window.sum()).astype(np.float32)


@lru_cache(maxsize=3)
def _matrix(size: int) -> tuple[scipy.sparse.csr_array, int, int]:
    """Triangles a third of a semitone, but at least a bin of the spectrum, to each side; and which bins they use."""
    step = RATE / size
    centres = 440 * 2 ** ((LOWEST + (np.arange(BINS) - 1) / PER_KEY - 69) / 12)
    reach = np.maximum(centres * (2 ** (1 / 36) - 1), step)
    hz = np.arange(size // 2 + 1) * step
    weights = np.maximum(1 - np.abs(hz[None] - centres[:, None]) / reach[:, None], 0).astype(np.float32)
    used = np.flatnonzero(weights.any(axis=0))
    first, last = int(used[0]), int(used[-1]) + 1
    return scipy.sparse.csr_array(weights[:, first:last]), first, last
