"""Rhythm of one window: tempo with its alternatives and confidence, beats, onsets, how clearly it pulses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.audio import beats as beating
from recsys.audio import onsets as starting
from recsys.audio.activations import Activations, activations
from recsys.audio.described import Described
from recsys.audio.tempo import RATIOS, Tempo, autocorrelation, pulse_clarity, ratios, tempo

if TYPE_CHECKING:
    from recsys.audio.spectra import Spectra

Floats = NDArray[np.float32]

VERSION = 6  # of these values: raised with every change of code or weights that moves them
SHORTEST = 4.0  # seconds in which a tempo can be heard
SURE = 0.25  # confidence below which neither tempo nor beats are given
HEARD = 0.12  # confidence below which there are no onsets: hiss stays under it, no music we know does
SPEEDS = (1.0, 1.25)  # at which bending music is heard
WILD = 0.2  # spread of the intervals above which beats have no tempo in common
NAMES = (
    "tempo_bpm", "tempo_confidence", "tempo_half", "tempo_double", "tempo_bend",
    "onset_rate", "onset_confidence", "pulse_clarity", "beats_per_bar", "meter_triple",
)  # fmt: skip


class Heard(NamedTuple):
    """Everything found in one window; times in seconds, float32 (n,)."""

    onsets: Floats
    beats: Floats
    downbeats: beating.Downbeats
    tempo: Tempo
    confidence: float
    correlation: Floats
    rate: float
    onset_rate: float
    onset_confidence: float


def describe(spectra: Spectra) -> Described:
    """Named values, the events ``onsets``, ``beats`` and ``downbeats``, and a vector for the content space.

    Where there is a tempo, ``extra`` holds the ``tempogram_ratios``, float32 (9,), at ``recsys.audio.tempo.RATIOS``.

    Silence, noise, windows shorter than four seconds and beats without a common interval have no tempo: NaN. Nor have
    silence and noise onsets.
    """
    if spectra.silent:
        return Described({**dict.fromkeys(NAMES, math.nan), "tempo_confidence": 0.0})
    heard = hear(spectra.samples, spectra.rate)
    values = _values(heard)
    events = {"onsets": heard.onsets, "beats": heard.beats, "downbeats": heard.downbeats.times}
    shape = _shape(heard)
    return Described(values, _vector(heard, shape), events, {} if shape is None else {"tempogram_ratios": shape})


def hear(samples: Floats, rate: int) -> Heard:
    """Onsets, beats, downbeats and tempo of mono samples."""
    bands = starting.log_bands(samples, rate)
    rises = starting.rises(bands)
    network = activations(bands, rises.bands)
    onsets = starting.pick(rises.strength, bands.rate, heard=network.onset)
    beats = onsets[:0]
    if len(samples) >= SHORTEST * rate:
        network, beats = _beats(bands, rises.bands, network)
    found = tempo(beats)
    confidence = _confidence(network, beats, found)
    if confidence < SURE:
        beats, found = beats[:0], Tempo(math.nan, math.nan)
    if found.bend > WILD:
        found = found._replace(bpm=math.nan)
    downbeats = beating.downbeats(network.downbeat, network.rate, beats)
    sure = _onset_confidence(network, onsets)
    onsets, onset_rate = (onsets, len(onsets) * rate / len(samples)) if sure >= HEARD else (onsets[:0], math.nan)
    correlation = autocorrelation(rises.mean)
    return Heard(onsets, beats, downbeats, found, confidence, correlation, bands.rate, onset_rate, sure)


def _beats(bands: starting.Bands, rises: Floats, network: Activations) -> tuple[Activations, Floats]:
    """Beats, and what they were found in: where the music bends, the network hears it again at another speed."""
    beats = beating.track(network.beat, network.rate)
    if beating.spread(beats) >= beating.HARDLY:
        network = activations(bands, rises, SPEEDS)
        beats = beating.track(network.beat, network.rate)
    return network, beating.counted(network.beat, network.rate, beats)


def _onset_confidence(network: Activations, onsets: Floats) -> float:
    """How much more the network hears an onset where the spectrum rises than elsewhere: 0 to 1; 0 without onsets."""
    if not len(onsets) or not len(network.onset):
        return 0.0
    at = np.round(onsets * 2 * network.rate).astype(int)[:, None] + np.arange(-2, 3)
    heard = network.onset[at.clip(0, len(network.onset) - 1)].max(axis=1)
    return float(np.clip(heard.mean() - np.median(network.onset), 0, 1))


def _confidence(network: Activations, beats: Floats, found: Tempo) -> float:
    """How much more a beat is heard at the beats than elsewhere: 0 (noise) to 1; 0 without beats."""
    if math.isnan(found.bpm):
        return 0.0
    at = np.clip(np.round(beats * network.rate).astype(int)[:, None] + np.array([-1, 0, 1]), 0, len(network.beat) - 1)
    return float(np.clip(network.beat[at].max(axis=1).mean() - np.median(network.beat), 0, 1))


def _values(heard: Heard) -> dict[str, float]:
    bpm, metre = heard.tempo.bpm, heard.downbeats.metre
    return {
        "tempo_bpm": bpm,
        "tempo_confidence": heard.confidence,
        "tempo_half": bpm / 2,
        "tempo_double": bpm * 2,
        "tempo_bend": heard.tempo.bend,
        "onset_rate": heard.onset_rate,
        "onset_confidence": heard.onset_confidence,
        "pulse_clarity": pulse_clarity(heard.correlation, heard.rate),
        "beats_per_bar": float(metre) if metre else math.nan,
        "meter_triple": float(metre == 3) if metre else math.nan,
    }


def _shape(heard: Heard) -> Floats | None:
    return None if math.isnan(heard.tempo.bpm) else ratios(heard.correlation, heard.rate, heard.tempo.bpm)


def _vector(heard: Heard, shape: Floats | None) -> Floats:
    """Onset rate, pulse clarity, tempo as a point on a circle of octaves, tempogram ratios: float32 (4 + 9,)."""
    pulse = [
        0.0 if math.isnan(heard.onset_rate) else heard.onset_rate / 5,
        pulse_clarity(heard.correlation, heard.rate),
    ]
    if shape is None:
        return np.array(pulse + [0.0] * (2 + len(RATIOS)), np.float32)
    angle = 2 * math.pi * math.log2(heard.tempo.bpm / 60)
    turn = [heard.confidence * math.cos(angle), heard.confidence * math.sin(angle)]
    return np.concatenate([pulse, turn, shape]).astype(np.float32)
