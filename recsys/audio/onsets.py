"""Where notes begin: a log-frequency spectrum every 10 ms, what rises in it, and the peaks of the rise.

Spectral flux against the maximum of neighbouring bands two frames before, so that vibrato does not count as
a note: Böck & Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from recsys.audio import kernels
from recsys.audio.kernels import Piece, bank, in_bands

Floats = NDArray[np.float32]

HOP_SECONDS = 0.01
FFT_SECONDS = 0.046
BANDS_PER_OCTAVE = 24
SPARSE = 19  # samples: the level is taken from one of so many
BLOCK = 128  # frames transformed at a time
PIECES = 8  # of the bank of filters
LOWEST, HIGHEST = 30.0, 11_000.0  # Hz
LAG = 2  # frames between the two spectra that are compared
NEAR = 0.02  # seconds to either side in which an onset must be the highest point
AROUND = 0.03  # seconds to either side of an onset in which other means may hear it
BEFORE, AFTER = 0.15, 0.10  # seconds over which the local mean is taken
THRESHOLD = 0.0064  # of the strength, above the local mean, where an onset is as probable as not
TRUST = 0.15  # in other means of hearing onsets: how much the threshold falls with their odds
SURE = 0.02  # probabilities nearer to 0 or 1 count as this
QUIET = 1e-4  # of full scale: below it there is nothing to hear


class Bands(NamedTuple):
    """A log-frequency spectrum: ``levels`` float32 (frames, bands), ``rate`` frames per second."""

    levels: Floats
    rate: float


class Rises(NamedTuple):
    """What rises in a spectrum.

    Attributes:
        bands: float32 (frames, bands), ≥ 0.
        mean: over the bands, float32 (frames,).
        strength: mean of the power of 1.5, so that few steep rises count more than many small ones, float32 (frames,).
    """

    bands: Floats
    mean: Floats
    strength: Floats


def log_bands(samples: Floats, rate: int) -> Bands:
    """log10(1 + magnitude) in 24 bands per octave; frame ``i`` is centred on second ``i / Bands.rate``.

    The window is first scaled by its 99.5th percentile, so that a quiet recording is heard like a loud one.

    >>> bands = log_bands(np.sin(np.arange(22050, dtype=np.float32)), 22050)
    >>> len(bands.levels), round(bands.rate)
    (101, 100)
    """
    size, hop = 2 ** round(np.log2(FFT_SECONDS * rate)), round(HOP_SECONDS * rate)
    loud = max(1.4 * float(np.percentile(np.abs(samples[::SPARSE]), 99.5)), QUIET) if len(samples) else 1.0
    window = np.hanning(size + 1)[:-1].astype(np.float32) / np.float32(loud)
    frames = sliding_window_view(np.pad(samples, size // 2), size)[::hop]
    filters = _bank(rate, size)
    levels = np.ones((len(frames), filters[-1].bands.stop), np.float32)
    for start in range(0, len(frames), BLOCK):  # small enough to stay in the cache
        spectrum = scipy.fft.rfft(frames[start : start + BLOCK] * window, axis=1, overwrite_x=True)
        block = levels[start : start + BLOCK]
        block += in_bands(np.abs(spectrum), filters)
        np.log10(block, out=block)
    return Bands(levels, rate / hop)


@lru_cache(maxsize=8)
def _bank(rate: int, size: int) -> tuple[Piece, ...]:
    return bank(_filters(rate, size), PIECES)


def _filters(rate: int, size: int) -> Floats:
    """Triangles of height 1 whose corners lie on quarter tones, those that fall together merged, (bins, bands)."""
    steps = np.arange(
        np.floor(BANDS_PER_OCTAVE * np.log2(LOWEST / 440)), np.ceil(BANDS_PER_OCTAVE * np.log2(HIGHEST / 440)) + 1
    )
    corners = np.unique(np.round(440 * 2 ** (steps / BANDS_PER_OCTAVE) * size / rate).astype(int).clip(1, size // 2))
    bins = np.arange(size // 2 + 1)[:, None]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.maximum(0, triangles).astype(np.float32)


def rises(bands: Bands) -> Rises:
    """How much each band rose above its neighbourhood two frames before."""
    return Rises(*kernels.rises(bands.levels, LAG))


def pick(envelope: Floats, rate: float, threshold: float = THRESHOLD, heard: Floats | None = None) -> Floats:
    """Peaks of an envelope as rising times in seconds, float32 (n,).

    A peak is the highest point within 20 ms to either side, and stands ``threshold`` above the mean of the
    150 ms before and the 100 ms after it; of two within 20 ms, the first counts.

    Args:
        envelope: float32 (frames,), such as ``Rises.strength``.
        rate: frames per second.
        threshold: at even odds; without ``heard`` everywhere.
        heard: probability of an onset in each frame by other means; where it is high, less will do.

    >>> pick(np.array([0, 0, 0, 1, 0, 0, 0, 0, 0, 0.5, 0, 0], np.float32), rate=100)
    array([0.03, 0.09], dtype=float32)
    """
    near, before, after = round(NEAR * rate), round(BEFORE * rate), round(AFTER * rate)
    highest = maximum_filter1d(envelope, 2 * near + 1, mode="constant")
    mean = uniform_filter1d(envelope, before + after + 1, origin=(before - after) // 2, mode="constant")
    least = threshold if heard is None else threshold * _doubt(heard, len(envelope), 2 * round(AROUND * rate) + 1)
    peaks = np.flatnonzero((envelope == highest) & (envelope >= mean + least))
    kept = np.diff(peaks, prepend=-near - 1) > near
    return (peaks[kept] / rate).astype(np.float32)


def _doubt(heard: Floats, frames: int, width: int) -> Floats:
    """Odds against an onset near each frame, to the power of ``TRUST``; what was not heard is most improbable."""
    sure = maximum_filter1d(heard, width).clip(SURE, 1 - SURE)
    odds = np.full(frames, (1 - SURE) / SURE, np.float32)
    odds[: len(sure)] = (1 - sure[:frames]) / sure[:frames]
    return np.asarray(odds**TRUST, np.float32)
