"""A sound file in, what chords and keys are heard in out: notes of a spectrum over time, and beats.

A file is heard in stretches of at most a minute and a half, so that memory does not grow with its length.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from recsys.audio import rhythm
from recsys.audio.decoders import AvDecoder, Decoder, open_decoder
from recsys.audio.sound import RATE, Sound
from recsys.audio.spectra import FRONT_END, Spectra
from recsys.errors import DataError

Floats = NDArray[np.float32]
Seconds = NDArray[np.float64]
STRETCH = 90.0  # seconds heard at a time
LEAST = 1.0  # seconds of a stretch; a shorter rest joins the one before
CLOSE = 0.2  # seconds: of two beats nearer than this where stretches meet, the first stays
QUIET = 1e-3  # share of the usual strength of notes below which nothing sounds


class Heard(NamedTuple):
    """What was heard in a file.

    Attributes:
        notes: strength of each note from MIDI pitch 28, log-compressed, float32 (frames, 84).
        centres: seconds of each frame, float64 (frames,).
        beats, downbeats: seconds float64 (n,), and which begin a bar, bool (n,).
        metre: beats of a bar, 0 where unknown.
        confidence: of the beats, 0 to 1.
        seconds: length of the file.
    """

    notes: Floats
    centres: Seconds
    beats: Seconds
    downbeats: NDArray[np.bool_]
    metre: int
    confidence: float
    seconds: float


def hear(path: str | os.PathLike[str]) -> Heard:
    """Hear a whole file.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    return of_sounds(stretches(path))


def of_sounds(sounds: Iterable[Sound]) -> Heard:
    """Hear stretches of sound that follow each other.

    Raises:
        DataError: there are none.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 22050).astype(np.float32)
    >>> heard = of_sounds([Sound(tone)])
    >>> int(heard.notes.mean(axis=0).argmax()) + 28, heard.seconds
    (69, 2.0)
    """
    notes, centres, beats, first, metres, sure, end = [], [], [], [], [], [], 0.0
    for sound in sounds:
        found = Spectra(sound)
        silent = found.silent
        strength = np.zeros((len(sound.samples) // int(FRONT_END["long_hop"]) + 1, int(FRONT_END["notes"])), np.float32)
        notes.append(strength if silent else found.notes)
        centres.append(sound.start + np.arange(len(notes[-1])) * int(FRONT_END["long_hop"]) / sound.rate)
        end = sound.start + sound.seconds
        if silent:
            continue
        pulse = rhythm.hear(sound.samples, sound.rate)
        beats.append(sound.start + pulse.beats.astype(np.float64))
        first.append(np.isin(pulse.beats, pulse.downbeats.times))
        metres += [pulse.downbeats.metre] * len(pulse.beats)
        sure.append((pulse.confidence, sound.seconds))
    if not notes:
        raise DataError("no sound in it could be decoded")
    times, bars = _joined(beats, first)
    metre = int(np.bincount(metres).argmax()) if metres else 0
    confidence = sum(value * length for value, length in sure) / end if end else 0.0
    return Heard(np.concatenate(notes), np.concatenate(centres), times, bars, metre, confidence, end)


def stretches(path: str | os.PathLike[str], seconds: float = STRETCH) -> Iterator[Sound]:
    """A whole file at 22,050 Hz mono, one stretch at a time.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    decoder = open_decoder(os.path.abspath(path))
    total, start, came = decoder.seconds, 0.0, False
    while start < total or not came:
        length = seconds if total - start >= seconds + LEAST else max(total - start, 0) or seconds
        try:
            samples = _decoded(decoder, start, length)
        except (soundfile.LibsndfileError, DataError):
            if isinstance(decoder, AvDecoder):
                raise
            decoder = AvDecoder(os.path.abspath(path))
            continue
        if not len(samples):
            break
        came = True
        yield Sound(samples, RATE, start)
        start += length


def _decoded(decoder: Decoder, start: float, length: float) -> Floats:
    blocks = [block.mean(axis=1, dtype=np.float32) for block in decoder.blocks(start, length)]
    mono = np.nan_to_num(np.concatenate(blocks)) if blocks else np.empty(0, np.float32)
    if len(mono) and decoder.rate != RATE:
        mono = soxr.resample(mono, decoder.rate, RATE)
    return np.ascontiguousarray(mono, np.float32)


def _joined(beats: list[Seconds], first: list[NDArray[np.bool_]]) -> tuple[Seconds, NDArray[np.bool_]]:
    if not beats:
        return np.empty(0), np.empty(0, np.bool_)
    times, bars = np.concatenate(beats), np.concatenate(first)
    kept = np.append(True, np.diff(times) > CLOSE) if len(times) else np.empty(0, np.bool_)
    return times[kept], bars[kept]
