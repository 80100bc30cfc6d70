"""Music made by code, to be played and then heard by a network: the nouns of it, and pieces without any model.

Every piece is a list of parts: a program of General MIDI (``DRUMS`` for drums), and rows of onset and offset in
seconds, pitch and velocity; and when a pedal is held.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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


def chance(held: object, seconds: float, rng: Random) -> Music:
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


def singles(held: object, seconds: float, rng: Random) -> Music:
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


def pianist(held: object, seconds: float, rng: Random) -> Music:
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


def noises(held: object, seconds: float, rng: Random) -> Music:
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
