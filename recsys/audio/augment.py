"""Sound in, altered sound out: small pure functions that make training examples more varied.

Samples are float32 mono (n,); nothing is clipped. What is random takes its generator as an argument.
"""

from __future__ import annotations

import io

import numpy as np
import scipy.fft
import scipy.signal
import soundfile
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from recsys.errors import DataError

Floats = NDArray[np.float32]

SIZE, HOP = 2048, 512  # of the phase vocoder
CODEC_BLOCK = 16384  # samples handed to an encoder at a time


def gain(samples: Floats, decibels: float) -> Floats:
    """Louder or quieter.

    >>> gain(np.array([0.1, -0.2], np.float32), 20.0)
    array([ 1., -2.], dtype=float32)
    """
    return samples * np.float32(10 ** (decibels / 20))


def speed(samples: Floats, factor: float) -> Floats:
    """Played ``factor`` times as fast, tempo and pitch together, float32 (round(n / factor),).

    The spectrum is cut or extended, so the whole is taken as one period: its two ends touch.
    """
    _positive("factor", factor)
    length = round(len(samples) / factor)
    if length == 0 or len(samples) == 0:
        return np.empty(0, np.float32)
    spectrum = scipy.fft.rfft(samples)
    kept = np.zeros(length // 2 + 1, spectrum.dtype)
    both = min(len(kept), len(spectrum))
    kept[:both] = spectrum[:both]
    return (scipy.fft.irfft(kept, length) * np.float32(length / len(samples))).astype(np.float32)


def time_stretch(samples: Floats, factor: float) -> Floats:
    """``factor`` times as fast at the same pitch, float32 (round(n / factor),).

    A phase vocoder (Flanagan & Golden, Bell System Technical Journal 45, 1966): magnitudes are read between
    frames, and each bin's phase moves on at the pace it had there.
    """
    _positive("factor", factor)
    length = round(len(samples) / factor)
    spectrum = _analyse(samples)
    places = np.arange(0, len(spectrum) - 1, factor)
    before = places.astype(np.intp)
    share = (places - before).astype(np.float32)[:, None]
    magnitude = (1 - share) * np.abs(spectrum[before]) + share * np.abs(spectrum[before + 1])
    pace = np.angle(spectrum[before + 1]) - np.angle(spectrum[before])
    phase = np.angle(spectrum[:1]) + np.concatenate([np.zeros_like(pace[:1]), np.cumsum(pace[:-1], axis=0)])
    return _fit(_synthesise(magnitude * np.exp(1j * phase)), length)


def pitch_shift(samples: Floats, semitones: float) -> Floats:
    """Higher or lower by ``semitones`` at the same tempo and length: stretched, then played at another speed."""
    ratio = 2 ** (semitones / 12)
    return _fit(speed(time_stretch(samples, 1 / ratio), ratio), len(samples))


def roll_notes(notes: Floats, semitones: int) -> Floats:
    """Notes or a constant-Q spectrum (frames, bins one semitone apart) moved up; what enters is 0.

    >>> roll_notes(np.array([[1, 2, 3]], np.float32), 1)
    array([[0., 1., 2.]], dtype=float32)
    """
    moved = np.zeros_like(notes)
    width = max(0, notes.shape[1] - abs(semitones))
    if semitones >= 0:
        moved[:, notes.shape[1] - width :] = notes[:, :width]
    else:
        moved[:, :width] = notes[:, notes.shape[1] - width :]
    return moved


def equalise(samples: Floats, rate: int, hz: float, decibels: float, quality: float = 1.0) -> Floats:
    """A bell around ``hz`` raised or lowered by ``decibels`` (Bristow-Johnson, Audio EQ Cookbook).

    Raises:
        DataError: ``hz`` is not between 0 and half the rate.
    """
    if not 0 < hz < rate / 2:
        raise DataError(f"hz is {hz:g}; expected more than 0 and less than half the rate, {rate / 2:g}")
    middle, root = 2 * np.pi * hz / rate, 10 ** (decibels / 40)
    width, cosine = np.sin(middle) / (2 * quality), -2 * np.cos(middle)
    above, below = (1 + width * root, cosine, 1 - width * root), (1 + width / root, cosine, 1 - width / root)
    return scipy.signal.lfilter(above, below, samples).astype(np.float32)


def add_noise(samples: Floats, ratio_db: float, rng: np.random.Generator) -> Floats:
    """White noise ``ratio_db`` under the signal's power; silence stays silent."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    level = np.float32(np.sqrt(power * 10 ** (-ratio_db / 10)))
    return samples + level * rng.standard_normal(len(samples), dtype=np.float32)


def through_codec(samples: Floats, rate: int, *, codec: str = "vorbis", squeeze: float = 0.5) -> Floats:
    """Encoded in memory and decoded again, same length; ``squeeze`` runs from 0 (best) to 1 (smallest).

    Raises:
        DataError: an unknown codec.
    """
    known = {"vorbis": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}
    if codec not in known:
        raise DataError(f"codec is {codec!r}; expected one of {', '.join(known)}")
    container, subtype = known[codec]
    memory = io.BytesIO()
    with soundfile.SoundFile(
        memory, "w", rate, 1, subtype, format=container, compression_level=min(0.99, squeeze)
    ) as file:
        for start in range(0, len(samples), CODEC_BLOCK):
            file.write(samples[start : start + CODEC_BLOCK])
    memory.seek(0)
    decoded, _ = soundfile.read(memory, dtype="float32")
    return _fit(decoded, len(samples))


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise DataError(f"{name} is {value:g}; expected a number above 0")


def _window() -> Floats:
    return np.hanning(SIZE + 1)[:-1].astype(np.float32)


def _analyse(samples: Floats) -> NDArray[np.complexfloating]:
    padded = np.pad(samples, (SIZE // 2, SIZE // 2 + 2 * HOP))
    return scipy.fft.rfft(sliding_window_view(padded, SIZE)[::HOP] * _window(), axis=1)


def _synthesise(spectrum: NDArray[np.complexfloating]) -> Floats:
    window = _window()
    frames = scipy.fft.irfft(spectrum, SIZE, axis=1).astype(np.float32) * window
    total = np.zeros(SIZE + HOP * (len(frames) - 1), np.float32)
    weight = np.zeros_like(total)
    for at, frame in enumerate(frames):
        total[at * HOP : at * HOP + SIZE] += frame
        weight[at * HOP : at * HOP + SIZE] += window**2
    return (total / np.maximum(weight, np.float32(1e-3)))[SIZE // 2 :].astype(np.float32)


def _fit(samples: Floats, length: int) -> Floats:
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
