"""Notes of acoustic instruments from a few facts of acoustics, no sample of a recording in them.

A note is a sum of partials under a spectral slope and the formants of its instrument, with its own attack, decay,
noise and vibrato; all of it is drawn anew for each note around the facts. The formants of wind and bowed instruments
are those in Meyer, "Acoustics and the Performance of Music", 5th edition 2009, chapter 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.instruments.names import CLASSES, INSTRUMENTS
from tests.measure.instrument_notes import PLAYED, RATE, SAMPLES

MOST = 60  # partials
COARSE = 32  # samples in one step of an envelope


class Recipe(NamedTuple):
    """What makes an instrument.

    Attributes:
        slope: dB per octave over the lowest partial, above ``knee``.
        formants: centre in Hz and dB over what lies around it.
        attack: seconds; partials come one after another within ``spread`` times as long.
        even: dB of the even partials in the lower half of the range.
        decay: nats per second of the lowest partial, 0 for what is blown or bowed; ``damping`` more per kHz.
        noise: dB under the tone. knock: dB of a click at the start.
        vibrato: cents. stretch: of the partials of a stiff string.
        partials: frequencies over the lowest where they are no multiples.
    """

    slope: float
    formants: tuple[tuple[float, float], ...] = ()
    attack: float = 0.05
    spread: float = 0.3
    even: float = 0.0
    decay: float = 0.0
    damping: float = 0.0
    noise: float = -45.0
    knock: float = -60.0
    vibrato: float = 0.0
    stretch: float = 0.0
    knee: float = 0.0
    partials: tuple[float, ...] = ()


BODY = ((280.0, 6.0), (460.0, 6.0), (1000.0, 5.0), (2600.0, 7.0))
RECIPES = {
    "violin": Recipe(-5, BODY, 0.08, vibrato=22, noise=-35, knee=900),
    "viola": Recipe(-6, ((220, 6), (350, 5), (600, 6), (1600, 6)), 0.09, vibrato=20, noise=-35, knee=700),
    "cello": Recipe(-6, ((110, 4), (220, 5), (400, 6), (900, 5), (2000, 4)), 0.1, vibrato=18, noise=-36, knee=500),
    "double bass": Recipe(-8, ((70, 4), (110, 6), (250, 6), (500, 5)), 0.13, vibrato=10, noise=-35, knee=300),
    "trumpet": Recipe(-8, ((1250, 8), (2500, 4)), 0.04, 2, vibrato=6, knee=1400),
    "trombone": Recipe(-9, ((550, 8), (1500, 4)), 0.05, 2, vibrato=4, knee=700),
    "french horn": Recipe(-13, ((340, 8), (750, 4), (1225, 3)), 0.06, 2, knee=400),
    "tuba": Recipe(-13, ((250, 8), (400, 3)), 0.07, 2, knee=300),
    "oboe": Recipe(-9, ((1100, 12), (2700, 7), (4500, 3)), 0.04, 0.6, vibrato=12, knee=1300),
    "cor anglais": Recipe(-9, ((930, 12), (2300, 6)), 0.05, 0.6, vibrato=10, knee=1000),
    "bassoon": Recipe(-10, ((480, 13), (1150, 7), (2000, 4)), 0.04, 0.6, vibrato=6, knee=550),
    "clarinet": Recipe(-9, ((1500, 4), (3500, 4)), 0.06, 0.5, even=-22, noise=-42, knee=1300),
    "flute": Recipe(-15, ((800, 4),), 0.1, 0.3, noise=-27, vibrato=14, knee=700),
    "recorder": Recipe(-22, (), 0.06, 0.3, even=-10, noise=-28, vibrato=5, knee=700),
    "saxophone": Recipe(-8, ((700, 6), (1500, 6), (3000, 4)), 0.05, 1, noise=-36, vibrato=12, knee=900),
    "guitar": Recipe(-8, ((110, 5), (220, 6), (420, 4)), 0.003, decay=1.3, damping=1.5, knock=-25, knee=500),
    "banjo": Recipe(-4, ((350, 5), (900, 6), (2500, 5)), 0.002, decay=3.5, damping=1.5, knock=-16, knee=1500),
    "mandolin": Recipe(-5, ((250, 4), (500, 6), (1400, 6)), 0.002, decay=2.4, damping=1.2, knock=-20, knee=1000),
    "harp": Recipe(-11, ((250, 4),), 0.004, decay=1.2, damping=2, knock=-30, knee=500),
    "piano": Recipe(-9, ((200, 3),), 0.004, decay=0.8, damping=1, knock=-28, stretch=4e-4, knee=500),
    "harpsichord": Recipe(-3, ((600, 4), (2500, 5)), 0.001, decay=1.2, damping=0.6, knock=-20, knee=2000),
    "electric bass": Recipe(-9, ((100, 4),), 0.005, decay=0.9, damping=3, knock=-30, knee=200),
    "vibraphone": Recipe(-20, (), 0.003, decay=1, damping=1, knock=-35, partials=(1, 3.98, 10.7)),
    "marimba": Recipe(-20, (), 0.002, decay=5, damping=4, knock=-22, partials=(1, 3.93, 9.5)),
    "bells": Recipe(-8, (), 0.001, decay=1.5, damping=0.4, knock=-30, partials=(1, 2.76, 5.4, 8.93)),
    "organ": Recipe(-6, (), 0.02, noise=-50, knee=800),
    "accordion": Recipe(-5, ((900, 4), (2500, 4)), 0.05, noise=-45, knee=1800),
    "choir": Recipe(-12, ((650, 10), (1100, 8), (2800, 8)), 0.15, noise=-32, vibrato=30, knee=500),
}


def synthetic(count: int, rng: np.random.Generator) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """``count`` notes of each instrument that has a recipe: int16 (n, SAMPLES), labels float32 (n, classes)."""
    sounds, told = np.zeros((count * len(RECIPES), SAMPLES), np.int16), []
    for place, name in enumerate([name for name in RECIPES for _ in range(count)]):
        low, high, _ = PLAYED[name]
        share = (place % count + rng.random()) / count
        sound = note(RECIPES[name], low + (high - low) * share, share, rng)
        sounds[place] = sound * (30000 / max(float(np.abs(sound).max()), 1e-6))
        told.append([float(one == name or one in INSTRUMENTS[name]) for one in CLASSES])
    return sounds, np.array(told, np.float32)


def note(recipe: Recipe, pitch: float, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """One note; ``share`` of the way through the instrument's range, float32 (SAMPLES,)."""
    time, hz = np.arange(SAMPLES) / RATE, 440 * 2 ** ((pitch - 69) / 12)
    multiples = np.array(recipe.partials or range(1, MOST + 1), float)
    multiples *= np.sqrt(1 + recipe.stretch * rng.uniform(0.3, 2) * multiples**2) if recipe.stretch else 1
    multiples = multiples[multiples * hz < 0.47 * RATE]
    level, sound = _levels(recipe, hz * multiples, share, rng), np.zeros(SAMPLES, np.float32)
    turns = 2 * np.pi * hz * (time + _sway(recipe, time, rng))
    one = np.exp(1j * turns).astype(np.complex64)
    whole, angle = not recipe.partials and not recipe.stretch, one
    attack = recipe.attack * np.exp(rng.normal(0, 0.5))
    decay, damping = (
        value * np.exp(rng.normal(0, 0.35)) * (hz / 250) ** 0.4 for value in (recipe.decay, recipe.damping)
    )
    coarse = time[::COARSE]
    swell = 1 + 0.15 * rng.normal() * np.sin(2 * np.pi * rng.uniform(0.2, 0.8) * coarse + rng.uniform(0, 6))
    for place, (multiple, power) in enumerate(zip(multiples, level, strict=True)):
        if place:
            angle = angle * one if whole else np.exp(1j * multiple * turns).astype(np.complex64)
        if power < level.max() * 1e-3:
            continue
        late = attack * (1 + recipe.spread * min(place, 12) / 6)
        rise = 1 - np.exp(-((coarse / late) ** 1.5) * 3)
        fall = np.exp(-(decay + damping * hz * multiple / 1000) * coarse) if recipe.decay else swell ** (1 + place / 4)
        turned = np.complex64(power * np.exp(1j * rng.uniform(0, 6.28)))
        sound += (turned * angle).real * (rise * fall).astype(np.float32).repeat(COARSE)[:SAMPLES]
    held = rng.uniform(0.25, 2.7) if rng.random() < 0.6 else 2.7
    return _noisy(sound, recipe, hz, rng) * np.clip(1 - (time - held) / rng.uniform(0.03, 0.15), 0, 1).astype(
        np.float32
    )


def _levels(recipe: Recipe, hz: NDArray[np.float64], share: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Amplitude of each partial."""
    octaves = np.log2(np.maximum(hz, 1) / max(recipe.knee, hz[0]))
    loud = rng.normal(0, 1.5) if recipe.knee else rng.normal(0, 3)
    decibels = (recipe.slope * np.exp(rng.normal(0, 0.15)) + loud) * np.maximum(octaves, 0 if recipe.knee else -9)
    for centre, gain in recipe.formants:
        centre, gain = centre * np.exp(rng.normal(0, 0.08)), gain * rng.uniform(0.5, 1.4)
        decibels = decibels + gain * np.exp(-0.5 * (np.log2(hz / centre) / rng.uniform(0.2, 0.45)) ** 2)
    if recipe.even:
        decibels[1::2] += (
            recipe.even * rng.uniform(0.5, 1.3) * max(0.0, 1 - 1.3 * share) * np.linspace(1, 0.1, len(decibels[1::2]))
        )
    if not recipe.decay and not recipe.formants and recipe.slope > -7:  # an organ: some ranks of pipes
        decibels = decibels + np.where(rng.random(len(decibels)) < 0.5, -30, 0)
    return 10 ** ((decibels + rng.normal(0, 2.5, len(decibels))) / 20)


def _sway(recipe: Recipe, time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    depth = recipe.vibrato * rng.uniform(0, 1.6) / 1731 * (rng.random() < 0.75)
    slow = 2 * np.pi * rng.uniform(4.5, 6.8)
    return depth / slow * np.sin(slow * time) * np.minimum(time / rng.uniform(0.15, 0.8), 1)


def _noisy(sound: NDArray[np.float32], recipe: Recipe, hz: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """With breath, bow or string noise, and a knock at the start."""
    white, peak = rng.standard_normal((2, SAMPLES)).astype(np.float32), float(np.abs(sound).max())
    spectrum, bins = np.fft.rfft(white[0]), np.fft.rfftfreq(SAMPLES, 1 / RATE)
    spectrum *= 1 / (1 + (bins / rng.uniform(1500, 5000)) ** 2) * (1 - np.exp(-bins / (0.7 * hz)))
    breath = np.fft.irfft(spectrum, SAMPLES).astype(np.float32)
    loud = np.sqrt(np.convolve(sound[::64] ** 2, np.ones(20) / 20, "same")).repeat(64)[:SAMPLES]
    loud = np.pad(loud, (0, SAMPLES - len(loud)), mode="edge")
    knock = white[1] * np.exp(-np.arange(SAMPLES) / (RATE * rng.uniform(0.004, 0.02)))
    level, click = (10 ** ((value + rng.normal(0, 5)) / 20) for value in (recipe.noise, recipe.knock))
    return np.asarray(
        sound + level * 3 * breath * loud / max(float(breath.std()), 1e-9) + click * peak * knock / 3, np.float32
    )
