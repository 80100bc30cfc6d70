"""Bundles made by code to ask a server under load: a million tracks to compare, a hundred thousand to recommend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from recsys import bundle
from recsys.index import Index
from recsys.models.popularity import Popularity
from recsys.opened import write_engine
from recsys.producers.text import index as index_of_words
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from tests.benchmarks.similar import clustered

PLAYS, GENRES = 50_000, 60


def track_id(number: int) -> str:
    """The id of a track by its row."""
    return f"track-{number:08d}"


def catalogue(tracks: int, rng: np.random.Generator) -> Catalogue:
    """Titles, artists, albums, genres, years, lengths and licences."""
    artist = rng.integers(0, max(1, tracks // 16), tracks)
    return Catalogue(
        pd.DataFrame(
            {
                "title": [f"Title {i}" for i in range(tracks)],
                "artist": [f"Artist {a}" for a in artist],
                "album": [f"Album {a * 3 + i % 3}" for i, a in enumerate(artist.tolist())],
                "genre": [[f"genre {g}"] for g in rng.integers(0, GENRES, tracks)],
                "licence": np.array(["CC-BY-4.0", "CC0-1.0", "all rights reserved"], object)[
                    rng.integers(0, 3, tracks)
                ],
                "year": rng.integers(1960, 2025, tracks).astype(float),
                "duration": np.round(rng.normal(220, 50, tracks).clip(40), 1),
            }
        )
    )


@contextmanager
def without_words() -> Iterator[None]:
    """Leave out what search by words would need: it takes minutes to make, and nobody asks for it here."""
    build = index_of_words.build
    with patch("recsys.opened.text.build", lambda frame: build(frame.head(10))):
        yield


def million(folder: Path, tracks: int = 1_000_000, *, name: float = 0.0) -> Path:
    """A bundle of ``tracks`` clustered vectors of 128 numbers with an approximate index; ``name`` dates it."""
    rng = np.random.default_rng(0)
    ids = IdMap.sorted(np.array([track_id(i) for i in range(tracks)], dtype=object), "track")
    who, what = rng.integers(0, 1_000, PLAYS), rng.integers(0, tracks, PLAYS)
    plays = Interactions(IdMap(range(1_000), "user"), ids, who, what, np.ones(PLAYS))
    dataset = Dataset(plays, catalogue(tracks, rng))
    index = Index.build({"collaborative": Embeddings.normalised(clustered(tracks), "collaborative")}, threads=1)
    model = Popularity().fit(dataset, rng=rng)

    def write(work: Path) -> Mapping[str, Any]:
        with without_words():
            write_engine(work, dataset, model, index)
        return {"chosen": model.name, "tracks": tracks, "index": index.facts()}

    return bundle.create(folder, write, time=name)


def hundred(folder: Path, users: int = 20_000, tracks: int = 100_000, draws: int = 2_000_000) -> Path:
    """A bundle with a learned ranker over five members that were fitted on a log with taste in it."""
    from recsys.models.ranked import Ranked
    from recsys.training import build_index
    from tests.benchmarks.ials import planted

    rng = np.random.default_rng(0)
    log = planted(0, users, tracks, draws, judges=1).train.tocoo()
    ids = IdMap.sorted(np.array([track_id(i) for i in range(tracks)], dtype=object), "track")
    who = IdMap.sorted(np.array([f"user-{i:06d}" for i in range(users)], dtype=object), "user")
    plays = Interactions(who, ids, log.row, log.col, log.data)
    sound = Embeddings.normalised(clustered(tracks), "sound")
    dataset = Dataset(plays, catalogue(tracks, rng), {"sound": sound})
    members: list[tuple[str, dict[str, Any]]] = [
        ("ials", {"factors": 128, "iterations": 6}),
        *((name, {}) for name in ("rp3beta", "itemknn", "ridge", "popularity")),
    ]
    model = Ranked(members=members).fit(dataset, rng=rng)
    index = build_index(dataset, model, 0)

    def write(work: Path) -> Mapping[str, Any]:
        with without_words():
            write_engine(work, dataset, model, index)
        return {"chosen": model.name, "tracks": tracks, "index": index.facts() if index else []}

    return bundle.create(folder, write, time=0)
