"""A small world whose catalogue knows tempo, key, energy and mood, with an engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api
from recsys.engine import Engine
from recsys.listing import Desk, Listener
from recsys.settings import parse

SMALL = parse({"models": {"ials": {"factors": 16, "iterations": 4}}})


@pytest.fixture(scope="session")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle and of the raw files it was made from."""
    from recsys.sources.sample import write_world

    folder = tmp_path_factory.mktemp("lively")
    raw = folder / "raw"
    write_world(raw, tracks=260, listeners=60, audio=False)
    told = [json.loads(line) for line in (raw / "truth.jsonl").read_text().splitlines()]
    keys = pd.DataFrame({"track_id": [t["track_id"] for t in told], "key": [f"{t['key']} {t['mode']}" for t in told]})
    heard = pd.read_csv(raw / "descriptors.csv")[["track_id", "tempo", "energy", "acousticness", "happiness"]]
    songs = pd.read_csv(raw / "tracks.csv").merge(heard, how="left").merge(keys, how="left")
    songs.to_csv(folder / "tracks.csv", index=False)
    given = {"tracks": [folder / "tracks.csv"], "content": [raw / "descriptors.csv"]}
    tables = api.ingest([raw / "plays.csv"], out=folder / "tables", **given).path
    api.train(tables, out=folder / "bundle", model="ials", settings=SMALL)
    return folder


@pytest.fixture(scope="session")
def engine(lively: Path) -> Engine:
    return Engine.open(lively / "bundle")


@pytest.fixture
def desk(engine: Engine, lively: Path) -> Desk:
    newest = engine.listening.newest
    assert newest is not None
    return Desk(engine, now=newest, folder=lively)


@pytest.fixture
def who(desk: Desk) -> Listener:
    """The listener who has played most."""
    return desk.listener(desk.engine.users.ids[int(np.argmax(np.diff(desk.engine.histories.indptr)))])
