"""A small network that marks beats, downbeats and onsets: rises of a spectrum in, three probabilities per frame out.

Dilated convolutions over time, as in Davies & Böck, "Temporal convolutional networks for musical audio beat
tracking", EUSIPCO 2019, but with no convolution over frequency: 31,000 weights, run with numpy. They were made as
in ``python -m tests.measure.train_rhythm``, from songs of POP909 (MIT licence) and scores of public-domain music in
the corpus of music21, played with random instruments, drums, metres and tempo curves.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.audio.kernels import pooling
from recsys.audio.onsets import Bands
from recsys.errors import DataError

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("activations.npz")
POOLED = 6  # bands of the spectrum in one input
DILATIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # frames of 20 ms
RISE_GAIN = 4.0  # brings rises to the scale of levels


class Activations(NamedTuple):
    """Probabilities that something begins in a frame.

    Attributes:
        beat, downbeat: float32 (frames,), ``rate`` frames per second.
        onset: float32 (2 · frames,), at twice that rate.
    """

    beat: Floats
    downbeat: Floats
    onset: Floats
    rate: float


def activations(bands: Bands, rises: Floats, speeds: tuple[float, ...] = (1.0,)) -> Activations:
    """What the network hears in a spectrum (frames, bands) and its rises of the same shape.

    Args:
        speeds: at which it listens; of several the mean of the log-odds counts.

    Raises:
        DataError: the spectrum has other bands than those the network was trained on.

    >>> empty = Bands(np.zeros((101, 126), np.float32), 100.0)
    >>> activations(empty, empty.levels).beat.shape
    (50,)
    """
    if bands.levels.shape[1] // POOLED * 3 != len(_weights()["mean"]):
        found, wanted = bands.levels.shape[1], len(_weights()["mean"]) // 3 * POOLED
        raise DataError(f"a spectrum of {found} bands; the network needs {wanted}: resample the sound to 22050 Hz")
    inputs = _inputs(bands.levels, rises)
    odds = sum(_resized(_network(_resized(inputs, round(len(inputs) / speed))), len(inputs)) for speed in speeds)
    heard = 1 / (1 + np.exp(-(odds / np.float32(len(speeds))).clip(-30, 30)))
    return Activations(heard[:, 0], heard[:, 1], heard[:, 2:].ravel(), bands.rate / 2)


def _resized(table: Floats, frames: int) -> Floats:
    """The same course of rows in another number of frames, straight lines between them."""
    if frames == len(table) or len(table) < 2 or frames < 2:
        return table
    places = np.linspace(0, len(table) - 1, frames)
    before = places.astype(int).clip(0, len(table) - 2)
    after = (places - before).astype(np.float32)[:, None]
    return np.asarray(table[before] * (1 - after) + table[before + 1] * after, np.float32)


def _inputs(levels: Floats, rises: Floats) -> Floats:
    """Pairs of frames side by side, six bands pooled into one: float32 (frames // 2, 63)."""
    frames, pool = len(levels) // 2, pooling(levels.shape[1], POOLED)
    both = levels[: 2 * frames, : len(pool)] @ pool
    rising = rises[: 2 * frames, : len(pool)] @ (np.float32(RISE_GAIN) * pool)
    return np.concatenate([(both[::2] + both[1::2]) / 2, rising.reshape(frames, -1)], axis=1)


def _network(inputs: Floats) -> Floats:
    weights = _weights()
    hidden = _elu(_convolve((inputs - weights["mean"]) / weights["scale"], weights["first_w"], weights["first_b"], 1))
    for place, dilation in enumerate(DILATIONS):
        hidden = hidden + _elu(_convolve(hidden, weights["mid_w"][place], weights["mid_b"][place], dilation))
    return _convolve(hidden, weights["last_w"], weights["last_b"], 1)


def _convolve(signal: Floats, kernel: Floats, bias: Floats, dilation: int) -> Floats:
    """(frames, in) with a kernel (taps, in, out) → (frames, out); the ends padded with zeros."""
    frames, reach = len(signal), len(kernel) // 2 * dilation
    padded = np.pad(signal, ((reach, reach), (0, 0)))
    out = np.tile(bias, (frames, 1))
    for tap, matrix in enumerate(kernel):
        out += padded[tap * dilation : tap * dilation + frames] @ matrix
    return out


def _elu(values: Floats) -> Floats:
    return np.maximum(values, np.exp(np.minimum(values, 0)) - 1)


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}
