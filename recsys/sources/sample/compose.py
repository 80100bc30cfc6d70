"""A short piece of music as notes, with all that a listener could be asked about it: beats, key, chords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from recsys.sources.sample.genres import GENRES, Genre
from recsys.sources.sample.world import Track

PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
QUALITIES = {
    (4, 7): "maj", (3, 7): "min", (3, 6): "dim",
    (4, 7, 11): "maj7", (4, 7, 10): "7", (3, 7, 10): "min7", (3, 6, 10): "hdim7",
}  # fmt: skip
KICK, SNARE, HAT = 36, 38, 42  # General MIDI percussion numbers
DRUMS = {  # eighths of a bar of four beats
    "rock": {KICK: (0, 4), SNARE: (2, 6), HAT: (0, 1, 2, 3, 4, 5, 6, 7)},
    "four": {KICK: (0, 2, 4, 6), SNARE: (2, 6), HAT: (1, 3, 5, 7)},
    "funk": {KICK: (0, 3, 5), SNARE: (2, 6), HAT: (0, 1, 2, 3, 4, 5, 6, 7)},
    "swing": {KICK: (0,), HAT: (0, 2, 3, 4, 6, 7)},
}


class Note(NamedTuple):
    """Times in seconds from the start of the clip, pitch as a MIDI number, loudness 0 to 1."""

    onset_s: float
    offset_s: float
    midi: int
    instrument: str
    loudness: float


class Chord(NamedTuple):
    """A stretch of one harmony; the label is root:quality, "N" for none."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Score:
    """The notes of a clip and the truth about them; times in seconds, key 0 = C … 11 = B."""

    tempo: float
    key: int
    mode: str
    beats: list[float]
    chords: list[Chord]
    notes: list[Note]

    @property
    def instruments(self) -> list[str]:
        """Those that play, sorted."""
        return sorted({note.instrument for note in self.notes})


def compose(track: Track, seconds: float, rng: Generator) -> Score:
    """A clip of ``seconds`` in the track's style, key and tempo."""
    genre = GENRES[track.genres[0]]
    beat = 60 / track.tempo
    beats = np.arange(rng.uniform(0.02, 0.25), seconds - 0.3, beat)
    per_chord = 4 if track.tempo >= 90 else 2
    degrees = genre.progressions[rng.integers(len(genre.progressions))]
    chords = [Chord(0.0, float(beats[0]), "N")]
    notes: list[Note] = []
    lead = 72
    for i, first in enumerate(range(0, len(beats), per_chord)):
        times = beats[first : first + per_chord]
        end = min(float(times[0]) + per_chord * beat, seconds)
        pitches = _chord(track, degrees[i % len(degrees)], 4 if genre.sevenths else 3)
        chords.append(Chord(float(times[0]), end, _label(pitches)))
        notes += _harmony(genre.figure, track.instruments[0], pitches, times, beat, end)
        notes += _bass(genre, pitches, times, beat)
        melody, lead = _melody(track, pitches, times, beat, lead, rng)
        notes += melody
    notes += _drums(genre, beats, beat, track.energy)
    chords[-1] = chords[-1]._replace(end_s=seconds)
    notes = [n._replace(offset_s=min(n.offset_s, seconds)) for n in notes if n.onset_s < seconds - 0.1]
    return Score(track.tempo, track.key, track.mode, beats.tolist(), chords, sorted(notes))


def _chord(track: Track, degree: int, size: int) -> list[int]:
    """Stacked thirds on a degree of the scale, root between MIDI 48 and 59."""
    scale = SCALES[track.mode]
    steps = [scale[(degree + 2 * i) % 7] + 12 * ((degree + 2 * i) // 7) for i in range(size)]
    root = 48 + (track.key + steps[0]) % 12
    return [root + s - steps[0] for s in steps]


def _label(pitches: list[int]) -> str:
    return f"{PITCHES[pitches[0] % 12]}:{QUALITIES[tuple(p - pitches[0] for p in pitches[1:])]}"


def _harmony(
    figure: str, instrument: str, pitches: list[int], times: np.ndarray, beat: float, end: float
) -> list[Note]:
    if figure == "block":
        return [Note(float(times[0]), end, p, instrument, 0.5) for p in pitches]
    if figure == "stab":
        return [Note(float(t), float(t + 0.7 * beat), p, instrument, 0.4) for t in times for p in pitches]
    halves = np.sort(np.concatenate([times, times + beat / 2]))
    turn = [*pitches, pitches[0] + 12]
    return [Note(float(t), float(t + beat), turn[i % len(turn)], instrument, 0.55) for i, t in enumerate(halves)]


def _bass(genre: Genre, pitches: list[int], times: np.ndarray, beat: float) -> list[Note]:
    if not genre.bass:
        return []
    shift = beat / 2 if genre.bass == "offbeat" else 0.0
    line = pitches if genre.bass == "walking" else pitches[:1]
    length = beat * (0.45 if shift else 0.9)
    return [
        Note(float(t + shift), float(t + shift + length), line[i % len(line)] - 12, "bass", 0.8)
        for i, t in enumerate(times)
    ]


def _melody(
    track: Track, pitches: list[int], times: np.ndarray, beat: float, lead: int, rng: Generator
) -> tuple[list[Note], int]:
    """Chord notes on the beat, neighbours in the scale between; returns the notes and where the voice is."""
    notes, instrument = [], track.instruments[1]
    scale = [p for p in range(64, 85) if (p - track.key) % 12 in SCALES[track.mode]]
    strong = [p for p in scale if p % 12 in {c % 12 for c in pitches}]
    for t in times:
        kind = rng.random()
        if kind < 0.15:
            continue
        lead = _near(strong, lead, rng)
        split = kind > 0.5
        notes.append(Note(float(t), float(t + beat * (0.5 if split else 0.95)), lead, instrument, 0.75))
        if split:
            lead = _near(scale, lead, rng)
            notes.append(Note(float(t + beat / 2), float(t + 0.95 * beat), lead, instrument, 0.65))
    return notes, lead


def _near(pool: list[int], pitch: int, rng: Generator) -> int:
    """One of the three pitches of the pool closest to ``pitch``."""
    return sorted(pool, key=lambda p: (abs(p - pitch), p))[rng.integers(3)]


def _drums(genre: Genre, beats: np.ndarray, beat: float, energy: float) -> list[Note]:
    if not genre.drums:
        return []
    swing = 2 / 3 if genre.drums == "swing" else 1 / 2
    return [
        Note(float(t + half * swing * beat), float(t + half * swing * beat + 0.1), midi, "drums", 0.4 + 0.5 * energy)
        for midi, places in DRUMS[genre.drums].items()
        for i, t in enumerate(beats)
        for half in (0, 1)
        if (2 * i + half) % 8 in places
    ]
