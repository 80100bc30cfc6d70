"""Playlists of 50 from a catalogue of 100 k tracks: one list, and lists in a row on one core."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from recsys.playlists.facts import Facts
from recsys.playlists.goals import Goals
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.playlists.solve import solve
from recsys.tables import Catalogue
from tests.benchmarks import Row

TRACKS, DIMENSIONS, LISTS = 100_000, 64, 40


def world(tracks: int, seed: int = 0) -> tuple[Facts, np.ndarray]:
    """A catalogue in which a few artists have many tracks, and unit vectors that follow the artist."""
    rng = np.random.default_rng(seed)
    artist = np.minimum(rng.zipf(1.3, tracks), tracks // 8)
    frame = pd.DataFrame({"title": [f"song {i}" for i in range(tracks)], "artist": [f"artist {a}" for a in artist]})
    frame["album"] = [f"album {a} {b}" for a, b in zip(artist, rng.integers(0, 8, tracks), strict=True)]
    frame = frame.assign(duration=rng.normal(220, 50, tracks).clip(60), tempo=rng.normal(120, 25, tracks).clip(50, 220))
    frame = frame.assign(
        key=rng.integers(0, 24, tracks), energy=rng.random(tracks), year=rng.integers(1960, 2025, tracks)
    )
    frame["loudness"] = rng.normal(-12, 4, tracks)
    centres = rng.standard_normal((artist.max() + 1, DIMENSIONS), dtype=np.float32)
    vectors = centres[artist] + rng.standard_normal((tracks, DIMENSIONS), dtype=np.float32)
    return Facts(Catalogue(frame)), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def measure() -> list[Row]:
    """Milliseconds from scores of all tracks to the finished list, median and worst, and lists a second."""
    facts, vectors = world(TRACKS)
    new = facts.number("year") >= 2015
    decades = (facts.number("year") // 10).astype(np.int32)
    recipes = {
        "50 tracks, caps and gaps": Rules(tracks=50, max_per_artist=2, artist_gap=3),
        "the same, 30 % new, 3 decades": Rules(
            tracks=50,
            max_per_artist=2,
            artist_gap=3,
            quotas=(Quota("new", new, at_least=0.3), Spread("decades", decades, 3)),
        ),
        "180 minutes within 2": Rules(minutes=180, max_per_artist=2, artist_gap=3),
    }

    def one(seed: int, rules: Rules) -> int:
        scores = vectors @ vectors[seed]
        pool = Pool.of(facts, np.arange(TRACKS), scores, likeness=lambda a, b: vectors[a] @ vectors[b].T)
        return len(solve(pool, rules, Goals(), seed=seed))

    rows = []
    for name, rules in recipes.items():
        one(0, rules)
        spent = []
        for seed in range(1, LISTS + 1):
            start = time.perf_counter()
            one(seed, rules)
            spent.append(1e3 * (time.perf_counter() - start))
        note = f"{TRACKS:,} tracks scored; worst of {LISTS}: {max(spent):.0f} ms; one core"
        rows.append(Row(f"playlist, {name}", float(np.median(spent)), "ms", note=note))
        rows.append(Row(f"playlist, {name}, in a row", 1e3 / float(np.mean(spent)), "lists/s", note="one core"))
    return rows
