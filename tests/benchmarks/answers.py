"""Similar tracks by id from a whole bundle of a million: opening, the first answer, and answers with reasons."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from recsys import bundle
from recsys.engine import Engine
from recsys.index import Index
from recsys.models.popularity import Popularity
from recsys.opened import write_engine
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from tests.benchmarks import Row
from tests.benchmarks.similar import clustered

TRACKS, PLAYS, ASKED, N = 1_000_000, 50_000, 1_000, 10


def measure() -> list[Row]:
    """Make the bundle, open it in this process, and ask."""
    with TemporaryDirectory() as folder:
        path = _made(Path(folder))
        start = time.perf_counter()
        engine = Engine.open(path)
        first = engine.similar([_id(7)], n=N)
        opened = time.perf_counter() - start
        asked = np.random.default_rng(1).integers(0, TRACKS, ASKED)
        took = [_timed(engine, _id(i)) for i in asked]
    note = f"{TRACKS:,} tracks x 128, top {len(first)} with titles and reasons, one at a time"
    middle, late = np.percentile(took, [50, 99]) * 1e3
    return [
        Row("similar by id, opening and first answer", opened, "s", note=note),
        Row("similar by id, p50", float(middle), "ms", note=note),
        Row("similar by id, p99", float(late), "ms", note=note),
    ]


def _timed(engine: Engine, track: str) -> float:
    start = time.perf_counter()
    engine.similar([track], n=N)
    return time.perf_counter() - start


def _id(number: int) -> str:
    return f"track-{number:08d}"


def _made(folder: Path) -> Path:
    """A bundle of made-up titles around clustered vectors."""
    tracks = IdMap.sorted(np.array([_id(i) for i in range(TRACKS)], dtype=object), "track")
    names = {"title": [f"Title {i}" for i in range(TRACKS)], "artist": [f"Artist {i % 60_000}" for i in range(TRACKS)]}
    rng = np.random.default_rng(0)
    who, what = rng.integers(0, 1_000, PLAYS), rng.integers(0, TRACKS, PLAYS)
    plays = Interactions(IdMap(range(1_000), "user"), tracks, who, what, np.ones(PLAYS))
    dataset = Dataset(plays, Catalogue(pd.DataFrame(names)))
    index = Index.build({"collaborative": Embeddings.normalised(clustered(TRACKS), "collaborative")})
    model = Popularity().fit(dataset, rng=rng)

    def write(work: Path) -> Mapping[str, Any]:
        write_engine(work, dataset, model, index)
        return {"chosen": model.name}

    return bundle.create(folder, write, time=0)
