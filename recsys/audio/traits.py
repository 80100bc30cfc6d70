"""What people are told about a sound: every trait with its unit, its range, its definition and what it is not.

Values come from the descriptors; ``derive`` adds the five that are read off several of them. NaN is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Trait(NamedTuple):
    """One public number: ``low`` to ``high`` is where it lies in practice, in ``unit`` ("" for a plain number)."""

    name: str
    unit: str
    low: float
    high: float
    definition: str
    caution: str


RHYTHM = (
    Trait("tempo_bpm", "BPM", 30, 300, "Beats per minute: the slope of a line through the beats.",
          "Not sure of its octave: a listener may tap at tempo_half or tempo_double."),
    Trait("tempo_confidence", "", 0, 1, "How much more a beat is heard at the beats than elsewhere (median).",
          "Not the probability that the tempo is right."),
    Trait("tempo_half", "BPM", 15, 150, "Half the tempo.", "Not measured by itself."),
    Trait("tempo_double", "BPM", 60, 600, "Twice the tempo.", "Not measured by itself."),
    Trait("tempo_bend", "", 0, 0.5, "Spread of the times between beats, as a share of the middle one.",
          "Not a mistake: a free performance bends."),
    Trait("onset_rate", "1/s", 0, 15, "Note beginnings per second.", "Not a count of notes: a chord begins once."),
    Trait("onset_confidence", "", 0, 1, "How much more a beginning is heard at the onsets than elsewhere.",
          "Not the share of right ones: near 0 in noise, where onset_rate is unknown."),
    Trait("pulse_clarity", "", 0, 1, "How regularly the sound's attacks repeat.", "Not the loudness of the drums."),
    Trait("beats_per_bar", "", 3, 4, "Beats from one downbeat to the next: 3 or 4.", "Not the written time signature."),
    Trait("meter_triple", "", 0, 1, "1 when three beats make a bar, else 0.", "Not the swing of the beats."),
)  # fmt: skip
TONAL = (
    Trait("key", "key number", 0, 23, "The most probable key: 0 to 11 C to B major, 12 to 23 C to B minor.",
          "Not a quantity: 3 is not more than 2; unknown for sound without a tonal centre."),
    Trait("mode", "", 0, 1, "Probability that the key is major.", "Not cheerfulness."),
    Trait("key_clarity", "", 0, 1, "Probability of the most probable key.",
          "Not measured certainty: music between two keys lowers it rightly."),
    Trait("tuning", "cents", -50, 50, "Distance of the tuning from A4 = 440 Hz, in hundredths of a semitone.",
          "Not the pitch standard beyond half a semitone, nor how well anyone plays in tune."),
    Trait("harmonic_change", "", 0, 0.4, "Mean step of the harmony on the tonal circles every 93 ms.",
          "Not a count of chords."),
    Trait("chroma_entropy", "", 0, 1, "How evenly the twelve pitch classes are used.",
          "Not dissonance: noise also scores 1."),
    Trait("pitch_steadiness", "", 0, 1, "How closely partials at 200 to 500 Hz keep to semitones.",
          "Not skill: voices, slides and drums lower it, keyboards raise it."),
)  # fmt: skip
TIMBRE = (
    Trait("centroid", "Hz", 200, 6000, "Centre of mass of the magnitude spectrum.", "Not the pitch."),
    Trait("rolloff", "Hz", 300, 10000, "Frequency under which 85 % of the magnitude lies.",
          "Not where a codec cuts off."),
    Trait("flatness", "", 0, 1, "Geometric over arithmetic mean of the power: 0 a tone, 1 white noise.",
          "Not a measure of distortion."),
    Trait("contrast", "dB", 10, 60, "Peaks over valleys of the spectrum, mean of seven octaves.",
          "Not the dynamic range."),
    Trait("zero_crossings", "1/s", 100, 8000, "Sign changes of the waveform per second.", "Not a pitch."),
    Trait("timbre_change", "dB/frame", 0, 20, "Mean speed of the first MFCC, in steps of 23 ms.",
          "Not tempo."),
    Trait("slow_modulation", "", 0, 1, "Share of loudness movement at 0.5 to 2 Hz among that up to 15 Hz.",
          "Not the depth of the movement."),
    Trait("voice_modulation", "", 0, 1, "Share of loudness movement at 3 to 6 Hz, the rate of syllables.",
          "Not proof of a voice: fast guitars move so too."),
    Trait("fast_modulation", "", 0, 1, "Share of loudness movement at 6 to 15 Hz.", "Not roughness."),
)  # fmt: skip
DYNAMICS = (
    Trait("loudness", "LUFS", -40, 0, "Integrated loudness by EBU R128 of the mono mix from two loudspeakers.",
          "Not that of the whole file where only windows were heard; stereo effects are not in it."),
    Trait("loudness_range", "LU", 0, 25, "Spread of the short-term loudness by EBU Tech 3342.",
          "Not the spread between single notes."),
    Trait("peak", "dBFS", -40, 6, "Highest sample of the mono mix; above 0 a codec overshot.",
          "Not the true peak between samples."),
    Trait("crest", "dB", 3, 40, "Peak over root mean square.", "Not loudness."),
    Trait("silence_head", "s", 0, 30, "Time before the first sound, 60 dB under the loudest.",
          "Not known beyond the first window."),
    Trait("silence_tail", "s", 0, 30, "Time after the last sound of the last window.",
          "Not the end of the file unless the window reaches it."),
    Trait("percussive_share", "", 0, 1, "Share of vertical ridges, struck sounds, in the mel spectrum.",
          "Not the share of drums."),
)  # fmt: skip
DERIVED = (
    Trait("energy", "", 0, 1, "Mean of loudness, fast loudness movement and unsteady pitch, each on a ramp.",
          "Not loudness alone, and not a listener's arousal: it follows it by about half."),
    Trait("danceability", "", 0, 1, "Mean of pulse clarity, struck sounds, and nearness of the tempo to 120 BPM.",
          "Not whether people dance to it."),
    Trait("brightness", "", 0, 1, "Spectral centroid on a ramp of octaves from 300 to 4800 Hz.", "Not mood."),
    Trait("acousticness", "", 0, 1, "Mean of steady pitch, tonal spectrum, few struck sounds, slow movement.",
          "Not knowledge of the instruments: a soft synthesiser scores high."),
    Trait("instrumentalness", "", 0, 1, "Mean of steady pitch and little movement at the rate of syllables.",
          "Not voice detection: a weak hint only."),
)  # fmt: skip
TRAITS = {trait.name: trait for trait in (*RHYTHM, *TONAL, *TIMBRE, *DYNAMICS, *DERIVED)}

FAVOURITE_TEMPO = 120.0  # BPM at which most people like to move
TEMPO_WIDTH = 0.4  # octaves
TEMPO_BELLS = ((0, 1.0), (-1, 0.8), (1, 0.8))  # octave above the favourite, height


def derive(values: Mapping[str, float]) -> dict[str, float]:
    """The five derived traits, each in [0, 1], NaN where anything it needs is unknown.

    >>> derive({"centroid": 1200.0})["brightness"]
    0.5
    """
    return {
        "energy": energy(values),
        "danceability": danceability(values),
        "brightness": brightness(values),
        "acousticness": acousticness(values),
        "instrumentalness": instrumentalness(values),
    }


def energy(values: Mapping[str, float]) -> float:
    """Loudness from −24 to −6 LUFS, fast movement from 5 to 25 %, pitch steadiness from .7 to .1."""
    loud = ramp(_known(values, "loudness"), -24, -6)
    fast = ramp(_log(_known(values, "fast_modulation")), math.log(0.05), math.log(0.25))
    return _mean(loud, fast, 1 - _steady(values))


def danceability(values: Mapping[str, float]) -> float:
    """Pulse clarity, a bell around 120 BPM (lower ones around 60 and 240), percussive share from .35 to .55."""
    octaves = (_log(_known(values, "tempo_bpm")) - math.log(FAVOURITE_TEMPO)) / math.log(2)
    near = max(height * math.exp(-0.5 * ((octaves - at) / TEMPO_WIDTH) ** 2) for at, height in TEMPO_BELLS)
    return _mean(
        ramp(_known(values, "pulse_clarity"), 0, 1), near, ramp(_known(values, "percussive_share"), 0.35, 0.55)
    )


def brightness(values: Mapping[str, float]) -> float:
    """Spectral centroid from 300 to 4800 Hz, by octaves."""
    return ramp(_log(_known(values, "centroid")), math.log(300), math.log(4800))


def acousticness(values: Mapping[str, float]) -> float:
    """Pitch steadiness, flatness from .05 to .0005, percussive share from .54 to .38, fast movement from 25 to 5 %."""
    tonal = ramp(_log(_known(values, "flatness")), math.log(0.05), math.log(0.0005))
    soft = ramp(_known(values, "percussive_share"), 0.54, 0.38)
    slow = ramp(_log(_known(values, "fast_modulation")), math.log(0.25), math.log(0.05))
    return _mean(_steady(values), tonal, soft, slow)


def instrumentalness(values: Mapping[str, float]) -> float:
    """Pitch steadiness from .1 to .7 and movement at 3 to 6 Hz from 30 to 10 %."""
    return _mean(_steady(values), ramp(_known(values, "voice_modulation"), 0.3, 0.1))


def ramp(value: float, start: float, end: float) -> float:
    """0 at ``start``, 1 at ``end``, straight between, flat outside; NaN stays NaN.

    >>> ramp(5, 0, 10), ramp(12, 0, 10), ramp(2, 10, 0)
    (0.5, 1.0, 0.8)
    """
    return value if math.isnan(value) else float(min(1.0, max(0.0, (value - start) / (end - start))))


def _steady(values: Mapping[str, float]) -> float:
    return ramp(_known(values, "pitch_steadiness"), 0.1, 0.7)


def _known(values: Mapping[str, float], name: str) -> float:
    return float(values.get(name, math.nan))


def _log(value: float) -> float:
    return value if math.isnan(value) else math.log(max(value, 1e-10))


def _mean(*parts: float) -> float:
    return sum(parts) / len(parts)
