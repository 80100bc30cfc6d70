"""A sound file in, windows of mono sound at 22.05 kHz out: soundfile first, PyAV for the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from recsys.audio.decoders import AvDecoder, Decoder, Floats, open_decoder
from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError

RATES = (1000, 768_000)
SHORTEST = 0.05
LOUD = 0.999
STUMBLES, SHARE = 10, 0.05  # more stumbles than this for less than this share of the sound: it is no sound file


@dataclass
class Levels:
    """What the samples were like before they were mixed down and resampled, over all channels.

    Attributes:
        samples, not_finite, clipped: counts.
        peak: largest magnitude.
        sums: sum of each channel, for its mean.
    """

    samples: int = 0
    not_finite: int = 0
    clipped: int = 0
    peak: float = 0.0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))

    def take_in(self, block: Floats) -> Floats:
        """Count a block (n, channels); returned with 0 in the place of what is not finite."""
        sums = np.ones(len(block), np.float32) @ block
        if not np.isfinite(sums).all():
            bad = ~np.isfinite(block)
            self.not_finite += int(bad.sum())
            block = np.where(bad, np.float32(0), block)
            sums = block.sum(axis=0)
        peak = max(float(block.max(initial=0)), -float(block.min(initial=0)))
        self.clipped += int((np.abs(block) >= LOUD).sum()) if peak >= LOUD else 0
        self.samples += block.size
        self.peak = max(self.peak, peak)
        self.sums = sums.astype(np.float64) + (self.sums if len(self.sums) == len(sums) else 0.0)
        return block

    @property
    def offset(self) -> float:
        """Largest mean of a channel, as a magnitude."""
        frames = self.samples / len(self.sums)
        return float(np.abs(self.sums).max() / frames) if frames else 0.0


@dataclass(frozen=True)
class Reading:
    """Windows of one file and what was seen on the way.

    Attributes:
        sounds: the windows, in order; at least one.
        seconds: length of the file as its decoder tells it.
        missing: seconds that were asked for inside that length and did not come.
        rate, channels, bits: of the file; bits None for compressed sound.
        errors: places where the decoder stumbled.
    """

    sounds: list[Sound]
    seconds: float
    missing: float
    rate: int
    channels: int
    bits: int | None
    errors: int
    levels: Levels


def windows(path: str | os.PathLike[str], *, count: int = 3, seconds: float = 30.0) -> list[Sound]:
    """Windows spread over a file; a short file comes whole, in equal parts.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    return read(path, count=count, seconds=seconds).sounds


def duration(path: str | os.PathLike[str]) -> float:
    """Length in seconds as the decoder tells it, without decoding.

    Raises:
        DataError: it cannot be decoded.
        OSError: it cannot be read.
    """
    return open_decoder(os.path.abspath(path)).seconds


def read(path: str | os.PathLike[str], *, count: int = 3, seconds: float = 30.0) -> Reading:
    """Windows of a file, with all that checks need; memory is bounded by the length of the windows.

    When soundfile fails on the way, PyAV tries; when no window of the plan has sound, the beginning does.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    name = os.path.abspath(path)
    decoder = open_decoder(name)
    try:
        return _read(decoder, count, seconds)
    except (soundfile.LibsndfileError, DataError):
        if isinstance(decoder, AvDecoder):
            raise
    second = AvDecoder(name)
    second.errors += 1
    return _read(second, count, seconds)


def spread(total: float, count: int, seconds: float) -> list[tuple[float, float]]:
    """(start, length) of ``count`` windows in the middles of equal parts; all of it when it is that short.

    >>> spread(180.0, 3, 30.0), spread(40.0, 3, 30.0), spread(7.0, 3, 30.0)
    ([(15.0, 30.0), (75.0, 30.0), (135.0, 30.0)], [(0.0, 20.0), (20.0, 20.0)], [(0.0, 7.0)])
    """
    if total <= count * seconds:
        parts = max(int(np.ceil(total / seconds)), 1)
        return [(i * total / parts, total / parts) for i in range(parts)]
    return [((i + 0.5) * total / count - seconds / 2, seconds) for i in range(count)]


def _read(decoder: Decoder, count: int, seconds: float) -> Reading:
    if not RATES[0] <= decoder.rate <= RATES[1]:
        raise DataError(f"{decoder.rate} samples per second; expected {RATES[0]} to {RATES[1]}")
    levels = Levels()
    plan = spread(decoder.seconds, count, seconds) if decoder.seconds > 0 else []
    sounds = [_window(decoder, start, length, levels) for start, length in plan]
    planned, came = sum(length for _, length in plan), sum(sound.seconds for sound in sounds)
    if came < SHORTEST:
        sounds = [_window(decoder, 0.0, count * seconds, levels)]
    kept = [sound for sound in sounds if sound.seconds >= SHORTEST]
    if not kept:
        raise DataError("no sound in it could be decoded")
    if decoder.errors > STUMBLES and sum(sound.seconds for sound in kept) < SHARE * planned:
        raise DataError(f"{came:.1f} of {planned:.1f} seconds could be decoded: too broken, or no sound file")
    facts = (decoder.rate, decoder.channels, decoder.bits, decoder.errors)
    return Reading(kept, decoder.seconds, max(planned - came, 0.0), *facts, levels)


def _window(decoder: Decoder, start: float, length: float, levels: Levels) -> Sound:
    """One window: mixed to mono block by block, then resampled."""
    mono = [_mixed(levels.take_in(block)) for block in decoder.blocks(start, length)]
    joined = np.concatenate(mono) if mono else np.empty(0, np.float32)
    if decoder.rate != RATE and len(joined):
        joined = soxr.resample(joined, decoder.rate, RATE)
    return Sound(np.ascontiguousarray(joined, np.float32), RATE, start)


def _mixed(block: Floats) -> Floats:
    """The mean of the channels, as a product: many times faster than a mean over a short axis."""
    channels = block.shape[1]
    return block[:, 0] if channels == 1 else block @ np.full(channels, 1 / channels, np.float32)
