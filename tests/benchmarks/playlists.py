"""Playlists of 50 from a catalogue of 100 k tracks: one list from scores to order, and lists a second on two cores."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from recsys.playlists.facts import Facts
from recsys.playlists.goals import Goals
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.playlists.solve import solve
from recsys.tables import Catalogue
from tests.benchmarks import Row

TRACKS, DIMENSIONS, LISTS, WORKERS = 100_000, 64, 40, 2


def world(tracks: int, seed: int = 0) -> tuple[Facts, np.ndarray]:
    """A catalogue in which a few artists have many tracks, and unit vectors that follow the artist."""
    rng = np.random.default_rng(seed)
    artist = np.minimum(rng.zipf(1.3, tracks), tracks // 8)
    frame = pd.DataFrame({"title": [f"song {i}" for i in range(tracks)], "artist": [f"artist {a}" for a in artist]})
    frame["album"] = [f"album {a} {b}" for a, b in zip(artist, rng.integers(0, 8, tracks), strict=True)]
    frame = frame.assign(duration=rng.normal(220, 50, tracks).clip(60), tempo=rng.normal(120, 25, tracks).clip(50, 220))
    frame = frame.assign(key=rng.integers(0, 24, tracks), energy=rng.random(tracks))
    frame = frame.assign(loudness=rng.normal(-12, 4, tracks), year=rng.integers(1960, 2025, tracks))
    centres = rng.standard_normal((artist.max() + 1, DIMENSIONS), dtype=np.float32)
    vectors = centres[artist] + rng.standard_normal((tracks, DIMENSIONS), dtype=np.float32)
    return Facts(Catalogue(frame)), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def recipes(facts: Facts) -> dict[str, Rules]:
    """What people ask for."""
    usual = {"max_per_artist": 2, "artist_gap": 3}
    new = Quota("new", facts.number("year") >= 2015, at_least=0.3)
    decades = Spread("decades", (facts.number("year") // 10).astype(np.int32), 3)
    return {
        "50 tracks, caps and gaps": Rules(tracks=50, **usual),
        "the same, 30 % new, 3 decades": Rules(tracks=50, **usual, quotas=(new, decades)),
        "180 minutes within 2": Rules(minutes=180, **usual),
    }


def maker(facts: Facts, vectors: np.ndarray, rules: Rules) -> Callable[[int], int]:
    """A list near one track, from the scores of all."""

    def make(seed: int) -> int:
        pool = Pool.of(facts, None, vectors @ vectors[seed], likeness=lambda a, b: vectors[a] @ vectors[b].T)
        return len(solve(pool, rules, Goals(), seed=seed))

    return make


def many(first: int) -> float:
    """Seconds for ``LISTS`` lists in a row, in a process of its own."""
    facts, vectors = world(TRACKS)
    make = maker(facts, vectors, recipes(facts)["50 tracks, caps and gaps"])
    make(first)
    start = time.perf_counter()
    for seed in range(first, first + LISTS):
        make(seed)
    return time.perf_counter() - start


def measure() -> list[Row]:
    """Milliseconds of one list, wall clock and processor, and lists a second of two processes."""
    facts, vectors = world(TRACKS)
    rows = []
    for name, rules in recipes(facts).items():
        make = maker(facts, vectors, rules)
        make(0)
        wall, busy = np.empty(LISTS), time.process_time()
        for seed in range(LISTS):
            start = time.perf_counter()
            make(seed)
            wall[seed] = 1e3 * (time.perf_counter() - start)
        busy = 1e3 * (time.process_time() - busy) / LISTS
        note = f"{TRACKS:,} tracks scored; worst of {LISTS} {wall.max():.0f} ms; {busy:.0f} ms of processor each"
        rows.append(Row(f"playlist, {name}", float(np.median(wall)), "ms", note=note))
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        spent = list(pool.map(many, [1_000 * worker for worker in range(WORKERS)]))
    rate = sum(LISTS / seconds for seconds in spent)
    rows.append(Row("playlists, 50 tracks, caps and gaps", rate, "lists/s", note=f"{WORKERS} processes"))
    return rows
