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

SHORTEST = 4.0  # seconds in which a tempo can be heard
SURE = 0.25  # confidence below which a tempo is not given
NAMES = (
    "tempo_bpm", "tempo_confidence", "tempo_half", "tempo_double", "tempo_bend",
    "onset_rate", "pulse_clarity", "beats_per_bar", "meter_triple",
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


def describe(spectra: Spectra) -> Described:
    """Named values, the events ``onsets``, ``beats`` and ``downbeats``, and a vector for the content space.

    Silence, noise and windows shorter than four seconds have no tempo: NaN.
    """
    if spectra.silent:
        return Described({**dict.fromkeys(NAMES, math.nan), "tempo_confidence": 0.0})
    heard = hear(spectra.samples, spectra.rate)
    values = _values(heard, spectra.seconds)
    events = {"onsets": heard.onsets, "beats": heard.beats, "downbeats": heard.downbeats.times}
    return Described(values, _vector(heard, values), events)


def hear(samples: Floats, rate: int) -> Heard:
    """Onsets, beats, downbeats and tempo of mono samples."""
    bands = starting.log_bands(samples, rate)
    rises = starting.rises(bands)
    envelope = rises.mean(axis=1)
    network = activations(bands, rises)
    onsets = starting.pick(envelope, bands.rate)
    beats = onsets[:0]
    if len(samples) >= SHORTEST * rate:
        beats = beating.counted(network.beat, network.rate, beating.track(network.beat, network.rate))
    found = tempo(beats)
    confidence = _confidence(network, beats, found)
    if confidence < SURE:
        beats, found = beats[:0], Tempo(math.nan, math.nan)
    downbeats = beating.downbeats(network.downbeat, network.rate, beats)
    return Heard(onsets, beats, downbeats, found, confidence, autocorrelation(envelope), bands.rate)


def _confidence(network: Activations, beats: Floats, found: Tempo) -> float:
    """How much more a beat is heard at the beats than elsewhere: 0 (noise) to 1; 0 without beats."""
    if math.isnan(found.bpm):
        return 0.0
    at = np.clip(np.round(beats * network.rate).astype(int)[:, None] + np.array([-1, 0, 1]), 0, len(network.beat) - 1)
    return float(np.clip(network.beat[at].max(axis=1).mean() - np.median(network.beat), 0, 1))


def _values(heard: Heard, seconds: float) -> dict[str, float]:
    bpm, metre = heard.tempo.bpm, heard.downbeats.metre
    return {
        "tempo_bpm": bpm,
        "tempo_confidence": heard.confidence,
        "tempo_half": bpm / 2,
        "tempo_double": bpm * 2,
        "tempo_bend": heard.tempo.bend,
        "onset_rate": len(heard.onsets) / seconds,
        "pulse_clarity": pulse_clarity(heard.correlation, heard.rate),
        "beats_per_bar": float(metre) if metre else math.nan,
        "meter_triple": float(metre == 3) if metre else math.nan,
    }


def _vector(heard: Heard, values: dict[str, float]) -> Floats:
    """Onset rate, pulse clarity, tempo as a point on a circle of octaves, tempogram ratios: float32 (4 + 9,)."""
    turn, shape, bpm = np.zeros(2), np.zeros(len(RATIOS), np.float32), heard.tempo.bpm
    if not math.isnan(bpm):
        angle = 2 * math.pi * math.log2(bpm / 60)
        turn = heard.confidence * np.array([math.cos(angle), math.sin(angle)])
        shape = ratios(heard.correlation, heard.rate, bpm)
    pulse = [values["onset_rate"] / 5, values["pulse_clarity"]]
    return np.concatenate([pulse, turn, shape]).astype(np.float32)
