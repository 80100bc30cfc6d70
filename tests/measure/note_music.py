"""Music in symbols out, to be played and then heard by a network: arranged songs, scores, and music made by code.

Every piece is a list of parts: a program of General MIDI (``DRUMS`` for drums), and rows of onset and offset in
seconds, pitch and velocity; and when a pedal is held.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.measure import arrange, perform, scores

Floats = NDArray[np.float64]
Random = np.random.Generator
DRUMS = -1
LOWEST, HIGHEST = 21, 108
PIANOS = (0, 0, 0, 0, 1, 2, 3, 4, 5, 6)
BASSES = (32, 33, 34, 35, 36, 37, 38, 39, 43, 58, 70)
HIGH = (8, 9, 10, 72, 78)
BAND = tuple(p for p in range(112) if p not in (31, 47, 55, 86, 87) and not 96 <= p <= 103)
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11), (0, 2, 3, 5, 7, 9, 10), tuple(range(12)), (0, 2, 4, 7, 9))
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 6, 9), (0, 4, 7, 11), (0, 3, 7, 10), (0, 5, 7), (0, 4, 8))


class Part(NamedTuple):
    """A program of General MIDI or ``DRUMS``, and rows of onset, offset (seconds), pitch, velocity."""

    program: int
    rows: Floats


class Music(NamedTuple):
    """Parts, and stretches of time in seconds in which the pedal is held, (n, 2)."""

    parts: list[Part]
    pedal: Floats = np.empty((0, 2))


class Shelf(NamedTuple):
    """Where pieces come from: folders of POP909, scores in MusicXML, tunes in ABC, chorales."""

    songs: Sequence[Path]
    works: Sequence[Path]
    tunes: Sequence[Path]
    chorales: Sequence[Sequence[Sequence[int]]]


def shelf(songs: Path, corpus: Path | None, chorales: Path | None, without: frozenset[str]) -> Shelf:
    """Everything that may be played; of music21's corpus, what carries no terms of its own."""
    folders = [path for path in sorted(songs.iterdir()) if path.is_dir() and path.name not in without]
    works: list[Path] = []
    tunes: list[Path] = []
    if corpus is not None:
        for room in ("haydn", "beethoven", "joplin", "schumann_robert", "mozart"):
            works += [path for path in sorted((corpus / room).rglob("*.mxl")) if "k545" not in str(path)]
        tunes = [path for room in ("ryansMammoth",) for path in sorted((corpus / room).glob("*.abc"))]
    stored = json.loads(chorales.read_text()) if chorales else {}
    return Shelf(folders, works, tunes, [piece for part in stored.values() for piece in part])


def music(kind: str, held: Shelf, seconds: float, rng: Random) -> Music:
    """A piece of one of ``KINDS``."""
    return KINDS[kind](held, seconds, rng)


# Arranged


def song(held: Shelf, seconds: float, rng: Random) -> Music:
    """A song of POP909 for piano, a band, or its tune with chords."""
    found = arrange.excerpt(arrange.pop909(held.songs[rng.integers(len(held.songs))]), rng, seconds)
    found = arrange.stretched(found, float(np.exp(rng.uniform(-0.25, 0.25))))
    found = arrange.transposed(found, int(rng.integers(-6, 7)))
    kind = str(rng.choice(["piano", "band", "band", "tune"]))
    return _played(arrange.arranged(found, kind, rng), kind == "piano", rng)


def exercise(held: Shelf, seconds: float, rng: Random) -> Music:
    """A made-up progression in the textures of classical piano music."""
    found = arrange.transposed(arrange.exercise(rng), int(rng.integers(-6, 7)))
    return _played(arrange.arranged(found, "exercise", rng), False, rng)


def _played(parts: Sequence[arrange.Part], piano: bool, rng: Random) -> Music:
    """Parts whose programs are often drawn anew."""
    other, made = rng.random() < 0.5 and not piano, []
    for part in parts:
        notes = part.notes
        rows = np.column_stack([notes.onset, notes.offset, notes.pitch, notes.velocity]).astype(float)
        program = DRUMS if part.drums else int(part.program or 0)
        if other and program not in (DRUMS, *BASSES):
            program = _program(rng)
        made.append(Part(program, rows))
    return Music(made, _pedal(60.0, rng) if piano and rng.random() < 0.5 else np.empty((0, 2)))


def work(held: Shelf, seconds: float, rng: Random) -> Music:
    """A movement for strings or piano: played by a piano, or by instruments drawn for each part."""
    return _scored(scores.musicxml(held.works[rng.integers(len(held.works))]), "classical", seconds, rng)


def tune(held: Shelf, seconds: float, rng: Random) -> Music:
    """A tune of one voice, with or without chords."""
    score = scores.abc(held.tunes[rng.integers(len(held.tunes))])
    score = scores.Score([score.parts[0]] * 1, score.bars, score.bpm)
    return _scored(perform._repeated(perform._whole_bars(score), 60), "tune", seconds, rng)


def chorale(held: Shelf, seconds: float, rng: Random) -> Music:
    """Four voices in sixteenths, joined where a pitch stays."""
    piece = np.array(held.chorales[rng.integers(len(held.chorales))])
    piece = np.concatenate([piece] * (1 + 400 // max(len(piece), 1)))
    parts = []
    for voice in piece.T:
        edges = np.flatnonzero(np.concatenate([[True], np.diff(voice) != 0, [True]]))
        again = np.sort(
            np.unique(np.concatenate([edges, np.arange(0, len(voice), 4)[rng.random(-(-len(voice) // 4)) < 0.6]]))
        )
        rows = [(a / 4, (b - a) / 4, voice[a]) for a, b in itertools.pairwise(again) if voice[a] > 0]
        parts.append(np.array(rows, float).reshape(-1, 3))
    bars = np.arange(len(piece) // 4 + 1) % 4 == 0
    return _scored(scores.Score([p for p in parts if len(p)], bars), "classical", seconds, rng)


def _scored(score: scores.Score, kind: str, seconds: float, rng: Random) -> Music:
    bpm = perform._tempo(score, kind, rng)
    score = perform._excerpt(score, round(seconds / 60 * bpm) + 3, rng)
    times = perform._times(len(score.bars), score.bars, bpm, kind, rng)
    parts = []
    for channel, program, rows in perform._parts(score, kind, times, rng):
        parts.append(Part(DRUMS if channel == perform.DRUMS else program, rows))
    melodic = [part for part in parts if part.program != DRUMS]
    piano = all(part.program == 0 for part in melodic)
    if not piano and rng.random() < 0.6:
        parts = [part if part.program == DRUMS else Part(_program(rng), part.rows) for part in parts]
    if piano:
        parts = [Part(int(rng.choice(PIANOS)), np.concatenate([part.rows for part in melodic]))]
        parts = [Part(p.program, _touched(p.rows, rng)) for p in parts]
    return Music(parts, _pedal(seconds, rng) if piano and rng.random() < 0.4 else np.empty((0, 2)))


# Made by code


def chance(held: Shelf, seconds: float, rng: Random) -> Music:
    """Pitches without any order, one to eight at a time, one to four instruments."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        program = _program(rng)
        low, high = _range(program)
        rate, at, rows = float(np.exp(rng.uniform(np.log(0.5), np.log(6)))), float(rng.uniform(0, 0.5)), []
        together, legato = float(rng.choice([1, 1, 1.6, 3, 5])), float(rng.uniform(0.4, 2.5))
        middle, spread, loud = rng.uniform(low, high), rng.uniform(4, 24), rng.uniform(45, 105)
        while at < seconds:
            count = int(np.clip(rng.poisson(together - 1) + 1, 1, 8))
            pitches = np.unique(rng.normal(middle, spread, count).round().clip(low, high))
            length = float(np.exp(rng.normal(np.log(legato / rate), 0.5)))
            for pitch in pitches:
                start = at + abs(rng.normal(0, 0.008)) * (rng.random() < 0.7)
                rows.append((start, start + max(0.06, length * rng.uniform(0.8, 1.2)), pitch, rng.normal(loud, 12)))
            at += float(rng.exponential(1 / rate)) if rng.random() < 0.5 else 1 / rate
            if rng.random() < 0.03:
                at, middle = at + rng.uniform(0, 2), rng.uniform(low, high)
        parts.append(Part(program, _clean(np.array(rows))))
    if rng.random() < 0.2:
        parts.append(beaten(seconds, rng))
    return Music(parts)


def singles(held: Shelf, seconds: float, rng: Random) -> Music:
    """Single notes of one instrument after another, with silence between them."""
    at, rows = 0.3, {}
    while at < seconds - 1:
        program = _program(rng) if rng.random() < 0.6 or not rows else int(rng.choice(list(rows)))
        if program not in rows and len(rows) > 13:
            continue
        low, high = _range(program)
        length = float(rng.uniform(0.1, 1.8))
        count = 1 if rng.random() < 0.8 else 2
        for pitch in rng.integers(low, high + 1, count):
            rows.setdefault(program, []).append((at, at + length, pitch, rng.uniform(25, 120)))
        at += length + float(rng.exponential(0.4))
    return Music([Part(program, _clean(np.array(held_rows))) for program, held_rows in rows.items()])


def pianist(held: Shelf, seconds: float, rng: Random) -> Music:
    """Two hands of a virtuoso: runs, broken chords, trills, octaves, chords; pedal, and velocities that swell."""
    rows: list[tuple[float, float, float, float]] = []
    root, scale = int(rng.integers(12)), SCALES[rng.integers(len(SCALES))]
    for low, high in ((28, 62), (56, 104)):
        at = float(rng.uniform(0, 0.4))
        while at < seconds:
            length = float(rng.uniform(0.8, 5))
            if rng.random() < 0.3:
                root = int((root + rng.choice([5, 7, 2, 9, 1])) % 12)
            rows += _passage(at, min(length, seconds - at), low, high, root, scale, rng)
            at += length + float(rng.exponential(0.15))
    table = _touched(np.array(rows), rng)
    pedal = _pedal(seconds, rng) if rng.random() < 0.7 else np.empty((0, 2))
    return Music([Part(int(rng.choice(PIANOS)), table)], pedal)


def _passage(
    at: float, length: float, low: int, high: int, root: int, scale: tuple[int, ...], rng: Random
) -> list[tuple[float, float, float, float]]:
    """Notes of one hand for some seconds in one texture."""
    tones = [p for p in range(low, high) if (p - root) % 12 in scale]
    chord = [p for p in range(low, high) if (p - root) % 12 in CHORDS[rng.integers(len(CHORDS))]]
    style = str(rng.choice(["run", "run", "broken", "broken", "trill", "chords", "octaves", "line", "line", "rest"]))
    fast = float(np.exp(rng.uniform(np.log(1.5), np.log(13 if style in ("run", "broken", "trill") else 5))))
    count, hold = max(1, int(length * fast)), float(rng.uniform(0.5, 1.4) if rng.random() < 0.8 else 3)
    times = at + np.arange(count) / fast
    place, way = int(rng.integers(max(len(tones), 1))), int(rng.choice([-1, 1]))
    made = []
    for i, time in enumerate(times.tolist()):
        pitches: list[int] = []
        if style == "run":
            place += way
            if not 0 <= place < len(tones) or rng.random() < 0.04:
                way = -way
                place = int(np.clip(place + 2 * way, 0, len(tones) - 1))
            pitches = [tones[place]]
        elif style == "broken" and chord:
            place = (
                place + way if 0 <= place + way < len(chord) and rng.random() < 0.9 else int(rng.integers(len(chord)))
            )
            pitches = [chord[min(place, len(chord) - 1)]]
        elif style == "trill":
            pitches = [tones[place], min(tones[place] + int(scale[1]) or 2, high)][i % 2 : i % 2 + 1]
        elif style == "chords" and chord:
            first = int(rng.integers(len(chord))) if i % 4 == 0 else place % len(chord)
            place = first
            pitches = chord[first : first + int(rng.integers(2, 6))]
        elif style == "octaves":
            place = int(np.clip(place + rng.integers(-2, 3), 0, len(tones) - 1))
            pitches = [tones[place], tones[place] + (12 if low > 40 else -12)]
        elif style == "line":
            place = int(np.clip(place + rng.integers(-3, 4), 0, len(tones) - 1))
            pitches = [tones[place]] if rng.random() < 0.85 else []
        made += [(time, time + hold / fast, float(p), 64.0) for p in pitches]
    return made


def _touched(rows: Floats, rng: Random) -> Floats:
    """Velocities that swell, and small deviations of time; chords are not struck quite together."""
    rows = rows.copy()
    knots = np.sort(rng.uniform(0, rows[:, 0].max() + 1, 14))
    loud = np.interp(rows[:, 0], knots, rng.uniform(30, 105, 14))
    rows[:, 3] = loud + (rows[:, 2] > 66) * rng.uniform(0, 14) + rng.normal(0, rng.uniform(2, 12), len(rows))
    late = rng.normal(0, rng.uniform(0.001, 0.014), len(rows))
    if rng.random() < 0.25:
        late += (rows[:, 2] - 50) * rng.uniform(0, 0.0015)
    rows[:, :2] += late[:, None]
    return _clean(rows)


def noises(held: Shelf, seconds: float, rng: Random) -> Music:
    """Drums, or nothing at all."""
    return Music([beaten(seconds, rng)] if rng.random() < 0.6 else [])


def beaten(seconds: float, rng: Random) -> Part:
    """Drums that repeat a random bar."""
    beat, hits = 60 / rng.uniform(60, 180), []
    kit = rng.choice(np.r_[35:58, 36, 38, 42, 36, 38, 42], 5)
    for drum in kit:
        pattern = rng.random(16) < rng.uniform(0.05, 0.5)
        steps = np.arange(0, seconds, beat / 4)
        chosen = steps[pattern[np.arange(len(steps)) % 16]]
        hits += [(t, t + 0.1, drum, rng.uniform(40, 120)) for t in chosen + rng.uniform(0, 0.01)]
    return Part(DRUMS, np.array(hits, float).reshape(-1, 4))


def _program(rng: Random) -> int:
    return int(rng.choice(PIANOS)) if rng.random() < 0.2 else int(rng.choice(BAND))


def _range(program: int) -> tuple[int, int]:
    """Pitches that a program is asked for."""
    if program < 8 or 16 <= program <= 20:
        return LOWEST, HIGHEST
    return (24, 62) if program in BASSES else (60, 108) if program in HIGH else (38, 98)


def _pedal(seconds: float, rng: Random) -> Floats:
    edges = np.cumsum(rng.uniform(0.4, 3.0, int(seconds)))
    down = rng.random(len(edges) - 1) < rng.uniform(0.4, 1)
    held = np.column_stack([edges[:-1] + rng.uniform(0.02, 0.15), edges[1:]])[down]
    return held[held[:, 0] < seconds]


def _clean(rows: Floats) -> Floats:
    """In range, at least 40 ms long, no two notes of one pitch at a time."""
    rows = rows[(rows[:, 2] >= LOWEST) & (rows[:, 2] <= HIGHEST)].copy()
    rows[:, 0] = np.maximum(rows[:, 0], 0.01)
    rows[:, 3] = rows[:, 3].clip(12, 127)
    rows = rows[np.lexsort((rows[:, 0], rows[:, 2]))]
    same = rows[1:, 2] == rows[:-1, 2]
    rows[:-1, 1] = np.where(same, np.minimum(rows[:-1, 1], rows[1:, 0] - 0.01), rows[:-1, 1])
    return rows[rows[:, 1] > rows[:, 0] + 0.04]


KINDS: dict[str, Callable[[Shelf, float, Random], Music]] = {
    "song": song,
    "exercise": exercise,
    "work": work,
    "tune": tune,
    "chorale": chorale,
    "chance": chance,
    "singles": singles,
    "pianist": pianist,
    "noises": noises,
}
