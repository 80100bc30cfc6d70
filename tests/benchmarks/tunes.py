"""A tune looked for among the melodies of 100,000 tracks, one query at a time on one thread."""

from __future__ import annotations

import time

import numpy as np

from recsys.producers.melody.search import Tunes
from recsys.producers.notation import Notes
from tests.benchmarks import Row

TRACKS, NOTES, QUERY, QUERIES = 100_000, 300, 30, 20
STEPS = np.array([-7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7])
OFTEN = np.array([2, 4, 5, 9, 22, 12, 10, 20, 8, 4, 3, 1]) / 100  # of intervals in melodies, about


def melodies(count: int, seed: int = 0) -> list[Notes]:
    """Walks by usual intervals inside two octaves."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        pitch = 55 + np.abs((67 + np.cumsum(rng.choice(STEPS, NOTES, p=OFTEN)) - 55 + 24) % 48 - 24)
        onset = np.cumsum(rng.choice([0.25, 0.5, 0.5, 1.0], NOTES))
        made.append(Notes(onset, onset + 0.2, pitch.astype(np.int16), np.full(NOTES, 80), np.full(NOTES, np.nan)))
    return made


def measure() -> list[Row]:
    """Building, size, and milliseconds of a query with a wrong note in ten."""
    lines = melodies(TRACKS)
    start = time.perf_counter()
    tunes = Tunes.of(lines)
    built = time.perf_counter() - start
    size = sum(array.nbytes for array in tunes.arrays().values()) / TRACKS
    rng = np.random.default_rng(1)
    spent, first = [], 0
    for row in rng.choice(TRACKS, QUERIES, replace=False).tolist():
        part = lines[row].take(np.arange(100, 100 + QUERY))
        pitch = (part.pitch + 3 + (rng.random(QUERY) < 0.1)).astype(np.int16)
        start = time.perf_counter()
        found = tunes.search(Notes(part.onset, part.offset, pitch, part.velocity, part.confidence), 10)
        spent.append(1e3 * (time.perf_counter() - start))
        first += found[0].row == row
    note = f"built in {built:.0f} s, {size:.0f} bytes a track; the right track first in {first} of {QUERIES}"
    return [Row(f"tunes, {TRACKS:,} tracks, p50", float(np.median(spent[2:])), "ms", note=note)]
