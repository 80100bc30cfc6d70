"""Listeners with taste, and a year of their plays.

A listener likes a few genres, certain directions of style and certain sounds; well-known tracks are met more
often. Plays come in sessions with a mood; some are repeats of what was played before; what fits badly is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from recsys.sources.sample.genres import GENRES
from recsys.sources.sample.world import STYLES, Track

START = 1_704_067_200  # 2024-01-01 00:00 UTC
DAYS = 366
DAY = 86_400
Floats = NDArray[np.float64]


def simulate_plays(tracks: Sequence[Track], count: int, rng: Generator) -> pd.DataFrame:
    """A log with columns user, track (both indices), timestamp, ms_played and skipped, in order of time.

    ``count`` is the number of listeners; about one in ten plays no more than three tracks.
    """
    fit = taste(tracks, count, rng)
    traits = _traits(tracks)
    parts = [_sessions(fit[user], traits, rng) for user in range(count)]
    user = np.repeat(np.arange(count), [len(part["track"]) for part in parts])
    log = pd.DataFrame({"user": user} | {name: np.concatenate([p[name] for p in parts]) for name in parts[0]})
    return log.sort_values(["timestamp", "user"], kind="stable", ignore_index=True)


def taste(tracks: Sequence[Track], count: int, rng: Generator) -> Floats:
    """How well each track fits each listener, shape (count, tracks); larger is better, popularity left out."""
    genres = _genre_shares(tracks)
    mixes = rng.dirichlet(np.full(len(GENRES), 0.25), size=count)
    fit = 0.9 * np.log(mixes @ genres.T + 0.01)
    fit += 0.7 * rng.normal(size=(count, STYLES)) @ np.array([t.style for t in tracks]).T
    sounds = _sounds(tracks)
    own = mixes @ (genres.T @ sounds / np.maximum(genres.sum(0)[:, None], 1e-9)) + 0.5 * rng.normal(size=(count, 3))
    return fit - 0.25 * ((own[:, None, :] - sounds[None]) ** 2).sum(-1)


def _genre_shares(tracks: Sequence[Track]) -> Floats:
    shares = np.zeros((len(tracks), len(GENRES)))
    for i, track in enumerate(tracks):
        for genre, share in zip(track.genres, (0.75, 0.25), strict=False):
            shares[i, genre] += share
    return shares / shares.sum(1, keepdims=True)


def _sounds(tracks: Sequence[Track]) -> Floats:
    """Tempo, brightness and acousticness in standard deviations from the mean."""
    raw = np.array([(t.tempo, t.brightness, t.acoustic) for t in tracks])
    return (raw - raw.mean(0)) / (raw.std(0) + 1e-9)


def _traits(tracks: Sequence[Track]) -> dict[str, NDArray[Any]]:
    names = ("popularity", "release_day", "duration")
    return {name: np.array([getattr(t, name) for t in tracks]) for name in names} | {
        "genre": np.array([t.genres[0] for t in tracks])
    }


def _sessions(fit: Floats, traits: dict[str, NDArray[Any]], rng: Generator) -> dict[str, NDArray[Any]]:
    """All plays of one listener, as columns."""
    with np.errstate(divide="ignore"):
        pull = fit + 1.0 * np.log(traits["popularity"])
    few = rng.random() < 0.1
    count = 1 if few else int(np.clip(rng.lognormal(2.4, 0.7), 2, 80))
    rank = np.argsort(np.argsort(fit)) / len(fit)
    played: list[int] = []
    heard = []
    free = START
    joined = rng.integers(0, 200) if rng.random() < 0.5 else 0
    for day in np.sort(rng.integers(joined, DAYS, size=count)):
        open_pull = np.where(traits["release_day"] <= day, pull, -np.inf)
        mood = traits["genre"][_draw(open_pull, 1, rng)[0]]
        length = int(rng.integers(1, 4)) if few else 2 + int(rng.geometric(0.12))
        chosen = _draw(open_pull + 1.0 * (traits["genre"] == mood), length, rng)
        again = rng.random(len(chosen)) < (0.3 if played else 0)
        chosen[again] = rng.choice(played or [0], again.sum())
        played.extend(chosen.tolist())
        start = max(START + int(day) * DAY + int(rng.normal(17, 4) % 24 * 3600), free)
        heard.append({"track": chosen} | _times(start, traits["duration"][chosen], rank[chosen], rng))
        free = int(heard[-1]["timestamp"][-1]) + 1800
    return {name: np.concatenate([part[name] for part in heard]) for name in heard[0]}


def _draw(pull: Floats, count: int, rng: Generator) -> NDArray[np.intp]:
    """Up to ``count`` different tracks with odds exp(pull), in random order (Gumbel's trick); never one at −inf."""
    return np.argsort(-(pull + rng.gumbel(size=len(pull))))[: min(count, int(np.isfinite(pull).sum()))]


def _times(start: int, durations: Floats, rank: Floats, rng: Generator) -> dict[str, NDArray[Any]]:
    """When each track of a session started, and how long it was heard; ``rank`` 1 is what the listener likes best."""
    count = len(durations)
    skipped = rng.random(count) < np.minimum(0.1 + 1.5 * (1 - rank) ** 2, 0.9)
    part = np.where(rng.random(count) < 0.1, rng.uniform(0.5, 1, count), 1.0)
    seconds = np.where(skipped, rng.uniform(2, 29, count), durations * part)
    starts = start + np.concatenate([[0], np.cumsum(seconds + 2)[:-1]])
    return {
        "timestamp": starts.astype(np.int64),
        "ms_played": (seconds * 1000).astype(np.int64),
        "skipped": skipped,
    }


def make_playlists(tracks: Sequence[Track], count: int, rng: Generator) -> dict[str, list[int]]:
    """Named lists of track indices: a genre, slow or fast, well-known tracks first of all."""
    lists: dict[str, list[int]] = {}
    popularity = np.array([t.popularity for t in tracks])
    tempo = _sounds(tracks)[:, 0]
    shares = _genre_shares(tracks)
    for i in range(count):
        genre, pace = i % len(GENRES), ("fast", "slow")[i // len(GENRES) % 2]
        with np.errstate(divide="ignore"):
            pull = np.log(popularity) + 3 * shares[:, genre] + (0.8 if pace == "fast" else -0.8) * tempo
        size = min(int(rng.integers(12, 25)), int((popularity > 0).sum()))
        lists[f"{pace}-{GENRES[genre].name.lower()}"] = _draw(pull, size, rng).tolist()
    return lists
