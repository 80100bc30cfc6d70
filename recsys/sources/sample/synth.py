"""A small synthesizer: notes in, sound out.

Pitched instruments add up harmonics whose strengths and decays make the timbre; drums are swept sines and
filtered noise. Every sound is a fixed function of instrument and pitch, so the same notes give the same samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from recsys.sources.sample.compose import HAT, KICK, SNARE, Note

RATE = 22_050  # samples per second
LONGEST = 3.0  # seconds a single note can last
RELEASE = 0.06  # seconds a note takes to die after its end
Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Timbre:
    """Strength of each harmonic, and how they live.

    Attributes:
        decay: per second, of the fundamental; ``damping`` adds to it with every harmonic above.
        attack: seconds until full strength.
        vibrato: depth as a share of the pitch, at 5 Hz.
        noise: share of breath or string noise.
    """

    harmonics: tuple[float, ...]
    decay: float = 0.0
    damping: float = 0.0
    attack: float = 0.005
    vibrato: float = 0.0
    noise: float = 0.0


TIMBRES = {
    "piano": Timbre((1, 0.6, 0.35, 0.25, 0.12, 0.08, 0.05, 0.03), decay=1.2, damping=0.8, attack=0.004),
    "organ": Timbre((1, 0.8, 0.3, 0.6, 0, 0.3, 0, 0.25), attack=0.01),
    "pluck": Timbre((1, 0.7, 0.55, 0.4, 0.3, 0.22, 0.16, 0.12, 0.08), decay=2.2, damping=1.6, attack=0.002),
    "bass": Timbre((1, 0.5, 0.35, 0.2, 0.1), decay=0.8, damping=2.5, attack=0.006),
    "flute": Timbre((1, 0.25, 0.1, 0.03), attack=0.05, vibrato=0.002, noise=0.02),
    "pad": Timbre(tuple(1 / h for h in range(1, 11)), attack=0.25, vibrato=0.001),
}


def render(notes: Iterable[Note], seconds: float, brightness: float = 1.0, loudness: float = 0.8) -> Sound:
    """The sound of ``notes``: float32 in [−1, 1], shape (seconds · RATE,), mono.

    Args:
        brightness: 0 to 1; lower is duller (a one-pole low-pass).
        loudness: the highest absolute sample; silence stays silence.

    >>> from recsys.sources.sample.compose import Note
    >>> sound = render([Note(0.0, 0.5, 69, "flute", 1.0)], seconds=1.0)
    >>> sound.shape, round(float(np.abs(sound).max()), 2)
    ((22050,), 0.8)
    """
    mix = np.zeros(round(seconds * RATE) + round((LONGEST + RELEASE) * RATE), np.float32)
    for note in notes:
        start = round(note.onset_s * RATE)
        heard = _note(note)
        mix[start : start + len(heard)] += np.float32(note.loudness) * heard
    mix = mix[: round(seconds * RATE)]
    keep = np.float32(0.75 * (1 - brightness))
    mix = lfilter(np.array([1 - keep], np.float32), np.array([1, -keep], np.float32), mix)
    mix[-round(0.02 * RATE) :] *= np.linspace(1, 0, round(0.02 * RATE), dtype=np.float32)
    peak = float(np.abs(mix).max(initial=0.0))
    return (mix * (loudness / peak if peak else 1.0)).astype(np.float32)


def _note(note: Note) -> Sound:
    """One note, cut at its end and released."""
    if note.instrument == "drums":
        return _drum(note.midi)
    held = round(min(note.offset_s - note.onset_s, LONGEST) * RATE)
    tail = round(RELEASE * RATE)
    sound = _tone(note.instrument, note.midi)[: held + tail].copy()
    sound[held:] *= np.linspace(1, 0, len(sound) - held, dtype=np.float32)
    return sound


@lru_cache(maxsize=512)
def _tone(instrument: str, midi: int) -> Sound:
    """The instrument holding one pitch for as long as any note may last."""
    timbre = TIMBRES[instrument]
    pitch = 440 * 2 ** ((midi - 69) / 12)
    time = np.arange(round((LONGEST + RELEASE) * RATE)) / RATE
    turns = pitch * (time + timbre.vibrato * np.sin(2 * np.pi * 5 * time) / (2 * np.pi * 5))
    sound = np.zeros(len(time), np.float32)
    for h, strength in enumerate(timbre.harmonics, start=1):
        if strength and h * pitch < 0.45 * RATE:
            phase = (h * turns % 1.0).astype(np.float32)
            fade = np.exp(-(timbre.decay + timbre.damping * (h - 1)) * time.astype(np.float32))
            sound += np.float32(strength) * fade * np.sin(np.float32(2 * np.pi) * phase)
    sound /= np.float32(sum(timbre.harmonics))
    if timbre.noise:
        sound += np.float32(timbre.noise) * np.random.default_rng(midi).standard_normal(len(time), np.float32)
    rise = np.minimum(time / timbre.attack, 1).astype(np.float32)
    return sound * rise


@lru_cache(maxsize=8)
def _drum(midi: int) -> Sound:
    time = np.arange(round(0.3 * RATE)) / RATE
    noise = np.random.default_rng(midi).standard_normal(len(time))
    if midi == KICK:
        turns = 45 * time + 75 * 0.04 * (1 - np.exp(-time / 0.04))  # 120 Hz falling to 45 Hz
        sound = np.sin(2 * np.pi * turns) * np.exp(-time / 0.08)
    elif midi == SNARE:
        sound = 0.4 * np.sin(2 * np.pi * 185 * time) * np.exp(-time / 0.05) + 0.25 * noise * np.exp(-time / 0.07)
    elif midi == HAT:
        sound = 0.1 * np.diff(noise, n=2, prepend=[0, 0]) * np.exp(-time / 0.025)
    else:
        raise KeyError(midi)
    return sound.astype(np.float32)
