"""Made sounds whose right description is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.audio.sound import RATE, Sound
from recsys.audio.spectra import Spectra

Floats = NDArray[np.float32]
MAJOR_SONG = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))  # I IV V I, semitones above the tonic
MINOR_SONG = ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7))


def sine(hz: float, seconds: float = 2.0, level: float = 0.5, rate: int = RATE) -> Floats:
    """A pure tone; ``level`` is its peak."""
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def note(pitch: float, seconds: float = 1.0, level: float = 0.2) -> Floats:
    """A note with eight harmonics that dies away; ``pitch`` in MIDI numbers."""
    hz = 440 * 2 ** ((pitch - 69) / 12)
    tone = sum((0.7**order * sine(hz * (order + 1), seconds, level) for order in range(8)), np.float32(0))
    return (tone * np.exp(-np.linspace(0, 2, len(tone)))).astype(np.float32)


def song(tonic: int, chords: tuple[tuple[int, ...], ...] = MAJOR_SONG, cents: float = 0.0) -> Floats:
    """Chords of one second over their bass, above MIDI pitch 48 + ``tonic``."""
    base = 48 + tonic + cents / 100
    parts = [note(base - 12 + chord[0]) + sum(note(base + 12 + step) for step in chord) for chord in chords]
    return np.concatenate(parts).astype(np.float32)


def noise(seconds: float = 2.0, level: float = 0.1, seed: int = 0) -> Floats:
    """White noise."""
    return np.float32(level) * np.random.default_rng(seed).standard_normal(round(seconds * RATE), dtype=np.float32)


def spectra(samples: Floats) -> Spectra:
    """The front end of samples at 22.05 kHz."""
    return Spectra(Sound(samples))
