"""Random catalogues, pools, rules and goals, and an account of a list that shares no code with the solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recsys.playlists.facts import Facts, normalised
from recsys.playlists.goals import Curve, Goals
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.tables import Catalogue


@dataclass
class Task:
    """One list to be made."""

    frame: pd.DataFrame
    pool: Pool
    rules: Rules
    goals: Goals


def task(seed: int, most: int) -> Task:
    """A catalogue of at most ``most`` tracks with few artists and many gaps, and a recipe that may be too much."""
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, most + 1))
    frame = catalogue(rng, m)
    facts = Facts(Catalogue(frame.copy()))
    vectors = rng.standard_normal((m, 4)).astype(np.float32)
    rows = np.arange(m) if rng.random() < 0.5 else rng.integers(-1, m, int(rng.integers(0, 2 * m + 1)))
    tied = rng.random() < 0.3
    scores = rng.choice([0.1, 0.3, 0.5, 0.9, -np.inf], len(rows)) if tied else rng.random(len(rows))
    pool = Pool.of(
        facts,
        rows,
        scores,
        likeness=(lambda a, b: np.tanh(vectors[a] @ vectors[b].T)) if rng.random() < 0.5 else None,
        familiarity=rng.random(len(rows)) if rng.random() < 0.5 else None,
    )
    return Task(frame, pool, rules(rng, frame), goals(rng))


def catalogue(rng: np.random.Generator, m: int) -> pd.DataFrame:
    """Titles that repeat, recordings, unknown artists, albums, lengths and tempi."""
    k = int(rng.integers(1, max(2, m)))

    def names(letter: str, kinds: int, known: float = 0.9) -> pd.Series:
        return pd.Series(
            [f"{letter}{rng.integers(0, kinds)}" if rng.random() < known else None for _ in range(m)], dtype=object
        )

    return pd.DataFrame(
        {
            "title": names("s", 3 * m, 1.0),
            "artist": names("a", k),
            "album": names("b", 2 * k),
            "recording": names("r", m, 0.3),
            "duration": np.where(rng.random(m) < 0.1, np.nan, rng.uniform(60, 500, m)),
            "tempo": np.where(rng.random(m) < 0.2, np.nan, rng.uniform(60, 180, m)),
            "energy": rng.random(m),
            "loudness": rng.normal(-12, 4, m),
            "key": rng.integers(0, 24, m),
            "year": rng.integers(1970, 2020, m),
        }
    )


def rules(rng: np.random.Generator, frame: pd.DataFrame) -> Rules:
    """Any of the rules, often more than can be kept together."""
    m = len(frame)
    exclude = rng.choice(m, int(rng.integers(0, m // 4 + 1)), replace=False)
    left = rng.permutation(np.setdiff1d(np.arange(m), exclude)).tolist()

    def maybe(value: int, chance: float) -> int | None:
        return value if rng.random() < chance else None

    def some(chance: float) -> tuple[int, ...]:
        wanted = int(rng.integers(1, 3)) if rng.random() < chance else 0
        return tuple(left.pop() for _ in range(min(wanted, len(left))))

    timed = rng.random() < 0.3
    return Rules(
        tracks=None if timed else int(rng.integers(1, max(2, m * 5 // 4))),
        minutes=float(rng.uniform(3, 60)) if timed else None,
        tolerance=float(rng.choice([0.5, 2, 5])),
        opening=some(0.2),
        closing=some(0.15),
        include=some(0.2),
        exclude=exclude,
        where=rng.random(m) < 0.8 if rng.random() < 0.3 else None,
        max_per_artist=maybe(int(rng.integers(1, 4)), 0.5),
        max_per_album=maybe(int(rng.integers(1, 3)), 0.3),
        artist_gap=int(rng.integers(0, 5)),
        album_gap=int(rng.integers(0, 5)) if rng.random() < 0.4 else 0,
        versions_once=bool(rng.random() < 0.8),
        quotas=tuple(quotas(rng, frame)),
    )


def quotas(rng: np.random.Generator, frame: pd.DataFrame) -> list[Quota | Spread]:
    """None to three of them, counts and shares."""
    m, found = len(frame), []

    def bound() -> int | float:
        return float(rng.random()) if rng.random() < 0.5 else int(rng.integers(0, 5))

    if rng.random() < 0.3:
        found.append(Quota("new", rng.random(m) < 0.3, at_least=bound()))
    if rng.random() < 0.2:
        found.append(Quota("old", rng.random(m) < 0.5, at_most=bound()))
    if rng.random() < 0.2:
        found.append(Spread("decades", (frame["year"] // 10).to_numpy(np.int32), int(rng.integers(0, 5))))
    return found


def goals(rng: np.random.Generator) -> Goals:
    """Any of the goals."""
    return Goals(
        transitions=float(rng.random() < 0.7),
        diversity=float(rng.random() < 0.3),
        familiarity=float(rng.random() < 0.3),
        familiar=float(rng.random()),
        curves=(Curve("energy", ((0, 0.2), (1, 0.9))),) if rng.random() < 0.3 else (),
    )


def account(rows: list[int], frame: pd.DataFrame, rules: Rules) -> dict[str, tuple[float, float]]:
    """Every rule that a list breaks: what was asked and what it has."""
    found: dict[str, tuple[float, float]] = {}

    def note(name: str, asked: float | None, got: float, bad: bool) -> None:
        if asked is not None and bad:
            found[name] = asked, got

    some = frame.iloc[rows]
    if rules.minutes is None:
        asked = rules.tracks or 50
        note("tracks", asked, len(rows), len(rows) != asked)
    else:
        known = frame["duration"][frame["duration"].notna()]
        seconds = some["duration"].fillna(known.median() if len(known) else 210.0).sum()
        note("minutes", rules.minutes, seconds / 60, abs(seconds / 60 - rules.minutes) > rules.tolerance + 1e-6)
    albums = [None if b is None else (a, b) for a, b in zip(some["artist"], some["album"], strict=True)]
    for name, values, cap, gap in (
        ("artist", some["artist"].tolist(), rules.max_per_artist, rules.artist_gap),
        ("album", albums, rules.max_per_album, rules.album_gap),
    ):
        pairs = [
            (j - i) for j in range(len(values)) for i in range(j) if values[i] == values[j] and values[i] is not None
        ]
        most = max((values.count(v) for v in values if v is not None), default=0)
        note(f"max_per_{name}", cap, most, most > (cap or 0))
        note(f"{name}_gap", gap, min(pairs, default=gap), min(pairs, default=gap) < gap)
    if rules.versions_once:
        note("versions_once", 1, 2, any(same(some.iloc[i], some.iloc[j]) for j in range(len(some)) for i in range(j)))
    for quota in rules.quotas:
        if isinstance(quota, Spread):
            got = len(set(quota.codes[rows].tolist()) - {-1})
            note(quota.name, quota.at_least, got, got < quota.at_least)
        else:
            low, high = quota.bounds(len(rows))
            got = int(quota.mask[rows].sum())
            note(quota.name, low if got < low else high, got, not low <= got <= high)
    return found


def same(one: pd.Series, other: pd.Series) -> bool:
    """Whether two tracks are one recording."""
    named = one["artist"] is not None and one["artist"] == other["artist"]
    titled = named and normalised(one["title"]) == normalised(other["title"])
    return titled or (one["recording"] is not None and one["recording"] == other["recording"])
