"""Loudness and its course in a window of sound.

Loudness and loudness range follow ITU-R BS.1770-5, EBU R128 and EBU Tech 3342. A mono signal is taken as the
same signal from two loudspeakers, as it is heard: a sine at 997 Hz with its peak at −20 dBFS has −20 LUFS. The
part above half the sampling rate (11 kHz) is not heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy.ndimage
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from recsys.audio import kernels
from recsys.audio.described import Described, mean_of
from recsys.audio.spectra import Spectra

Floats = NDArray[np.float32]

VERSION = 2  # goes up when values change
ABSOLUTE_GATE = -70.0  # LUFS
LOUDSPEAKERS = 2
SILENCE_DB = -60.0  # under the loudest 10 ms
MEDIAN = 17  # frames or bands
EVERY = 4  # frames: the percussive share is taken from every fourth one
NAMES = ("loudness", "loudness_range", "peak", "crest", "silence_head", "silence_tail", "percussive_share")


@lru_cache(maxsize=8)
def k_weighting(rate: int) -> NDArray[np.float64]:
    """The two filters of BS.1770 at any sampling rate, second-order sections float64 (2, 6).

    The analogue filters behind the coefficients that the standard gives for 48 kHz, bilinearly transformed.
    """
    tangent, quality, gain = (
        np.tan(np.pi * 1681.974450955533 / rate),
        0.7071752369554196,
        10 ** (3.999843853973347 / 20),
    )
    middle = gain**0.4996667741545416
    bottom = 1 + tangent / quality + tangent**2
    shelf = [
        (gain + middle * tangent / quality + tangent**2) / bottom,
        2 * (tangent**2 - gain) / bottom,
        (gain - middle * tangent / quality + tangent**2) / bottom,
        1,
        2 * (tangent**2 - 1) / bottom,
        (1 - tangent / quality + tangent**2) / bottom,
    ]
    tangent, quality = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    bottom = 1 + tangent / quality + tangent**2
    high_pass = [1, -2, 1, 1, 2 * (tangent**2 - 1) / bottom, (1 - tangent / quality + tangent**2) / bottom]
    return np.array([shelf, high_pass])


def weighted_power(samples: Floats, rate: int) -> NDArray[np.float64]:
    """Mean square of the K-weighted signal in every full 100 ms, float64 (tenths of a second,)."""
    return np.asarray(kernels.two_sections(samples, k_weighting(rate), rate // 10))


def block_loudness(power: NDArray[np.float64], tenths: int) -> NDArray[np.float64]:
    """LUFS of every block of ``tenths`` (4: momentary, 30: short-term), one each 100 ms; −inf in silence."""
    if len(power) < tenths:
        return np.empty(0)
    means = sliding_window_view(power, tenths).mean(axis=1)
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(LOUDSPEAKERS * means)


def integrated_loudness(blocks: NDArray[np.float64]) -> float:
    """Loudness of the blocks above −70 LUFS and no more than 10 LU below their mean; NaN when there are none."""
    loud = blocks[blocks > ABSOLUTE_GATE]
    if len(loud) == 0:
        return float("nan")
    return _mean_lufs(loud[loud > _mean_lufs(loud) - 10])


def loudness_range(blocks: NDArray[np.float64]) -> float:
    """From the 10th to the 95th percentile of 3 s blocks that pass the gates (−70, −20 relative), in LU; or NaN."""
    loud = blocks[blocks > ABSOLUTE_GATE]
    if len(loud) < 2:
        return float("nan")
    low, high = np.percentile(loud[loud > _mean_lufs(loud) - 20], [10, 95])
    return float(high - low)


def silence(samples: Floats, rate: int) -> tuple[float, float]:
    """Seconds at the head and at the tail more than 60 dB under the loudest 10 ms; NaN when all is silent."""
    unit = max(1, rate // 100)
    blocks = samples[: len(samples) // unit * unit].reshape(-1, unit)
    energy = np.einsum("ij,ij->i", blocks, blocks) / unit
    if len(energy) == 0 or not energy.max() > 0:
        return float("nan"), float("nan")
    heard = np.flatnonzero(energy > energy.max() * 10 ** (SILENCE_DB / 10))
    return float(heard[0]) * unit / rate, float(len(energy) - 1 - heard[-1]) * unit / rate


def percussive_share(mel_power: Floats) -> float:
    """Share of the magnitude in vertical rather than horizontal ridges of the mel spectrum, 0 to 1.

    Medians over 17 frames and over 17 bands of the square root, turned into soft masks (FitzGerald, DAFx 2010).
    """
    root = np.sqrt(np.sqrt(mel_power[::EVERY]))
    steady = _medians(root, MEDIAN // EVERY | 1, axis=0)
    struck = _medians(root, MEDIAN, axis=1)
    total = root.sum()
    mask = struck**2 / np.maximum(struck**2 + steady**2, np.float32(1e-20))
    return float((mask * root).sum() / total) if total > 0 else float("nan")


def describe(spectra: Spectra) -> Described:
    """Loudness of one window; all NaN when it is silent, no vector when it is silent or shorter than 3 s.

    The vector, float32 (4,): crest, loudness range, percussive share, and deviation of the momentary loudness;
    the loudness itself is left out, since it says more about mastering than about music.
    """
    if spectra.silent:
        return Described(dict.fromkeys(NAMES, float("nan")))
    samples, rate = spectra.samples, spectra.rate
    power = weighted_power(samples, rate)
    momentary, short = block_loudness(power, 4), block_loudness(power, 30)
    peak, level = spectra.peak, float(np.sqrt(samples @ samples / len(samples)))
    head, tail = silence(samples, rate)
    loudness, spread = integrated_loudness(momentary), loudness_range(short)
    crest, share = 20 * np.log10(peak / level), percussive_share(spectra.mel_power)
    numbers = (loudness, spread, 20 * np.log10(peak), crest, head, tail, share)
    values = {name: float(number) for name, number in zip(NAMES, numbers, strict=True)}
    vector = np.array([crest, spread, share, _deviation(momentary)], np.float32)
    return Described(values, vector if np.isfinite(vector).all() else None)


def merge(windows: Sequence[Described]) -> Described:
    """Windows of one file as one: energies of loudness averaged, highest peak, head of the first, tail of the last."""
    whole = mean_of(windows)
    loud = np.array([window.values["loudness"] for window in windows if not np.isnan(window.values["loudness"])])
    peaks = [window.values["peak"] for window in windows if not np.isnan(window.values["peak"])]
    if len(loud) == 0 or not peaks:
        return whole
    ends = {"silence_head": windows[0].values["silence_head"], "silence_tail": windows[-1].values["silence_tail"]}
    values = {**whole.values, **ends, "loudness": integrated_loudness(loud), "peak": max(peaks)}
    return Described(values, whole.vector, extra=whole.extra)


def _mean_lufs(blocks: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (blocks / 10))))


def _deviation(momentary: NDArray[np.float64]) -> float:
    heard = momentary[momentary > ABSOLUTE_GATE]
    return float(heard.std()) if len(heard) else 0.0


def _medians(image: Floats, length: int, axis: int) -> Floats:
    """Running medians of odd ``length`` along one axis, edges repeated."""
    rows = np.moveaxis(image, axis, 1)
    padded = np.pad(rows, ((0, 0), (length // 2, length // 2)), mode="edge")
    medians = scipy.ndimage.median_filter(padded.ravel(), length).reshape(padded.shape)
    return np.moveaxis(medians[:, length // 2 : length // 2 + rows.shape[1]], 1, axis)
