"""Scores in, performances with known onsets and beats out: random tempo, instruments and drums, played by FluidSynth.

Instruments and tempo are drawn so that the three kinds of score differ as real music does: songs are arranged for
two or three instruments, tunes get chords, classical pieces mostly a piano and a bending tempo.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.measure.scores import Floats, Score

RATE = 22050
SECONDS = 45.0
LEAD = (0, 0, 4, 11, 21, 22, 24, 25, 26, 40, 41, 42, 48, 52, 56, 57, 60, 65, 66, 68, 71, 73, 74, 79, 80)
BACK = (0, 0, 0, 5, 16, 19, 21, 24, 25, 27, 32, 46, 48, 49, 88)
DRUMS = 9  # the MIDI channel of the drums
TICKS = 500  # per quarter at 120 BPM: one tick is a millisecond


class Performance(NamedTuple):
    """Sound float32 (n,) and what happens in it, in seconds."""

    samples: NDArray[np.float32]
    onsets: Floats
    beats: Floats
    downbeats: Floats


def perform(score: Score, kind: str, fonts: Sequence[Path], rng: np.random.Generator) -> Performance:
    """Play 45 s of a score; ``kind`` is song, tune or classical.

    Raises:
        ValueError: the score is shorter than 24 beats.
    """
    if kind == "tune":
        score = _repeated(_whole_bars(score), 120)
    if kind == "song":
        score = _varied(score, rng)
    if kind != "classical":
        score = _counted(score, rng, kind)
    if len(score.bars) < 24:
        raise ValueError(f"{len(score.bars)} beats; at least 24 are needed")
    bpm = _tempo(score, kind, rng)
    score = _excerpt(score, round(SECONDS / 60 * bpm) + 3, rng)
    times = _times(len(score.bars), score.bars, bpm, kind, rng)
    parts = _parts(score, kind, times, rng)
    samples = _sound(parts, fonts[rng.integers(len(fonts))], rng)
    seconds = min(len(samples) / RATE, times[-1])
    onsets = np.sort(np.concatenate([notes[:, 0] for _, _, notes in parts]))
    inside = times < seconds
    return Performance(samples[: round(seconds * RATE)], onsets, times[inside], times[inside & score.bars])


# Changes to the score


def _whole_bars(score: Score) -> Score:
    """From the first to the last downbeat, so that it can be repeated."""
    first, last = np.flatnonzero(score.bars)[[0, -1]]
    return _slice(score, int(first), int(last))


def _slice(score: Score, first: int, last: int) -> Score:
    parts = []
    for notes in score.parts:
        kept = notes[(notes[:, 0] >= first - 1e-6) & (notes[:, 0] < last - 1e-6)]
        parts.append(kept - [first, 0, 0])
    return Score(parts, score.bars[first:last], score.bpm)


def _repeated(score: Score, beats: int) -> Score:
    times = -(-beats // len(score.bars))
    shifted = [[notes + np.array([k * len(score.bars), 0, 0]) for k in range(times)] for notes in score.parts]
    return Score([np.concatenate(part) for part in shifted], np.tile(score.bars, times), score.bpm)


def _varied(score: Score, rng: np.random.Generator) -> Score:
    """Some songs lose the fourth beat of each bar, some swing, some keep the melody only."""
    if rng.random() < 0.15:
        score = _in_three(score)
    if rng.random() < 0.2:
        swing = float(rng.choice([1 / 3, 0.65, 2 / 3]))
        score = score._replace(parts=[_swung(notes, swing) for notes in score.parts])
    return score._replace(parts=score.parts[:1]) if rng.random() < 0.35 else score


def _in_three(score: Score) -> Score:
    dropped = np.append(score.bars[1:], False)
    places = np.cumsum(~dropped) - 1
    parts = []
    for notes in score.parts:
        beat = notes[:, 0].astype(int)
        kept = notes[~dropped[beat]].copy()
        kept[:, 0] += (places[beat] - beat)[~dropped[beat]]
        parts.append(kept)
    return Score(parts, score.bars[~dropped], score.bpm)


def _swung(notes: Floats, swing: float) -> Floats:
    out, within = notes.copy(), notes[:, 0] % 1
    out[:, 0] += np.interp(within, [0, 0.5, 1], [0, swing, 1]) - within
    return out


def _counted(score: Score, rng: np.random.Generator, kind: str) -> Score:
    """Tunes in sixteenths, and some slow songs of one voice, are counted twice as fast."""
    density = len(np.unique(score.parts[0][:, 0].round(2))) / len(score.bars)
    slow = kind == "song" and len(score.parts) == 1 and density > 1.35 and (score.bpm or 120) < 95
    thirds = np.mean(np.abs(score.parts[0][:, 0] % 1 - 1 / 3) < 0.02) > 0.1
    if not (slow or (kind == "tune" and density > 2.45)) or thirds:
        return score
    bars = np.zeros(2 * len(score.bars), bool)
    bars[::2] = score.bars
    parts = [notes * [2, 2, 1] for notes in score.parts]
    return Score(parts, bars, None)


def _excerpt(score: Score, beats: int, rng: np.random.Generator) -> Score:
    first = int(rng.integers(max(1, len(score.bars) - beats)))
    return _slice(score, first, min(first + beats, len(score.bars)))


# Time


def _tempo(score: Score, kind: str, rng: np.random.Generator) -> float:
    """Beats per minute: near a song's own, free for tunes, by the number of notes for classical pieces."""
    if kind == "song" and score.bpm and len(score.parts) > 1:
        return score.bpm * float(np.exp(rng.uniform(np.log(0.8), np.log(1.4))))
    if kind != "classical":
        return float(np.exp(rng.uniform(np.log(70), np.log(157))))
    density = len(np.unique(np.concatenate([notes[:, 0] for notes in score.parts]).round(3))) / len(score.bars)
    return float(np.clip(60 * np.exp(rng.uniform(np.log(2.2), np.log(8.5))) / max(density, 0.5), 45, 190))


def _times(beats: int, bars: NDArray[np.bool_], bpm: float, kind: str, rng: np.random.Generator) -> Floats:
    """Seconds of each beat: steady, or bent by a smooth random curve, shaken, and held before some downbeats."""
    lengths = np.full(beats, 60 / bpm)
    if rng.random() < {"song": 0.4, "tune": 0.15, "classical": 0.85}[kind]:
        width = int(rng.integers(2, 14))
        curve = np.convolve(np.cumsum(rng.normal(size=beats)), np.ones(width) / width, "same")
        curve = (curve - curve.mean()) / (curve.std() + 1e-9)
        lengths *= np.exp(curve * rng.uniform(0.03, 0.2) + rng.normal(0, rng.uniform(0, 0.06), beats))
        held = np.append(bars[1:], False) & (rng.random(beats) < 0.1)
        lengths[held] *= rng.uniform(1.1, 1.5, held.sum())
    return 0.3 + np.concatenate([[0], np.cumsum(lengths[:-1])])


# Sound

Part = tuple[int, int, Floats]  # channel, programme, rows of onset, offset (seconds), pitch, velocity


def _parts(score: Score, kind: str, times: Floats, rng: np.random.Generator) -> list[Part]:
    piano = rng.random() < {"song": 0.5, "tune": 0.1, "classical": 0.75}[kind]
    shake, shift = rng.uniform(0, 0.014 if kind == "classical" else 0.006), int(rng.integers(-4, 5))
    voices = [notes for notes in score.parts[:6] if len(notes)]
    if kind == "tune" or (kind == "song" and len(voices) == 1):
        voices.append(_chords(voices[0], score.bars, int(rng.choice([1, 2, 2, 4]))))
    parts = []
    for place, notes in enumerate(voices):
        starts, ends = (np.interp(side, np.arange(len(times)), times) for side in (notes[:, 0], notes[:, :2].sum(1)))
        starts = np.maximum(0, starts + rng.normal(0, shake, len(starts)))
        strong = notes[:, 0] % 1 < 1e-3
        velocity = 70 * rng.uniform(0.75, 1.15) + 5 * strong + rng.normal(0, 7, len(notes))
        pitch = (notes[:, 2] + shift).clip(21, 108)
        program = 0 if piano else int(rng.choice(LEAD if place == 0 or kind == "classical" else BACK))
        ends = np.maximum(starts + 0.05, ends)
        parts.append((place, program, np.column_stack([starts, ends, pitch, velocity.clip(20, 120)])))
    if rng.random() < {"song": 0.3, "tune": 0.15, "classical": 0.0}[kind]:
        parts.append((DRUMS, 0, _drums(times, score.bars, rng)))
    return parts


def _chords(melody: Floats, bars: NDArray[np.bool_], every: int) -> Floats:
    """The triad that holds most of the melody, every so many beats counted from each downbeat."""
    triads = np.array([[root, root + third, root + 7] for root in range(12) for third in (3, 4)]) % 12
    since = np.arange(len(bars)) - np.maximum.accumulate(np.where(bars, np.arange(len(bars)), 0))
    starts = np.flatnonzero(since % every == 0)
    rows = []
    for start, end in zip(starts, [*starts[1:], len(bars)], strict=True):
        inside = melody[(melody[:, 0] >= start - 1e-6) & (melody[:, 0] < end)]
        held = np.bincount(inside[:, 2].astype(int) % 12, inside[:, 1] * (1 + (inside[:, 0] < start + 0.01)), 12)
        if held.any():
            rows += [(start, 0.92 * (end - start), 48 + pitch) for pitch in triads[held[triads].sum(1).argmax()]]
    return np.array(rows, float)


def _drums(times: Floats, bars: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Bass drum on downbeats, snare between, hi-hat on each half beat."""
    halves = (times[:-1] + times[1:]) / 2
    hits = [(t, 36.0 if bar else 38.0 if rng.random() < 0.8 else 36.0) for t, bar in zip(times, bars, strict=True)]
    hits += [(t, 42.0) for t in np.concatenate([times, halves])]
    out = np.array([(t, t + 0.1, pitch, 95 if pitch < 40 else 70) for t, pitch in hits])
    out[:, 3] *= rng.uniform(0.6, 1.1, len(out))
    return out


def _sound(parts: Sequence[Part], font: Path, rng: np.random.Generator) -> NDArray[np.float32]:
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "a.mid", Path(folder) / "a.wav"
        score.write_bytes(_midi(parts))
        gain, reverb = f"{rng.uniform(0.2, 0.6):.2f}", str(int(rng.random() < 0.6))
        command = ["fluidsynth", "-ni", "-q", "-g", gain, "-r", str(RATE), "-R", reverb, "-F", sound, font, score]
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        samples = soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(axis=1)
    samples = samples[: round(SECONDS * RATE)]
    return samples * np.float32(rng.uniform(0.2, 0.95) / (np.abs(samples).max() + 1e-9))


def _midi(parts: Sequence[Part]) -> bytes:
    """A MIDI file whose ticks are milliseconds."""
    tracks = [b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big")]
    for channel, program, notes in parts:
        events = [(0, 0, bytes([0xC0 | channel, program]))]
        for onset, offset, pitch, velocity in notes:
            start = round(onset * 1000)
            events.append((start, 2, bytes([0x90 | channel, int(pitch), max(1, int(velocity))])))
            events.append((max(round(offset * 1000), start + 20), 1, bytes([0x80 | channel, int(pitch), 0])))
        track, now = b"", 0
        for tick, _, message in sorted(events):
            track, now = track + _variable(tick - now) + message, tick
        tracks.append(track)
    body = b"".join(struct.pack(">4sI", b"MTrk", len(track) + 4) + track + b"\x00\xff\x2f\x00" for track in tracks)
    return struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), TICKS) + body


def _variable(number: int) -> bytes:
    """A MIDI number of variable length."""
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))
