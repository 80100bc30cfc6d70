"""Whoever was forgotten stays out, whatever an old log says: rows go to the rejects and are no fault of the file."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pandas as pd
import pytest

from recsys import api
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError
from recsys.forgetting import Forgotten
from recsys.forgetting.listed import NAME
from recsys.settings import Settings, parse
from recsys.tables import Dataset

LOG = """user_id,track_id,timestamp
ann,x,1700000000
ann,y,never
bo,x,1700000001
bo,z,1700000002
ann + bo,x,1700000003
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project in which ann was forgotten, and the log that still has her."""
    (tmp_path / "old.csv").write_text(LOG)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/plays.csv").write_text(LOG)
    made = api.forget("ann", data=tmp_path / "data", time=1.8e9)
    assert "ann" not in (tmp_path / "data/forgotten" / NAME).read_text()
    assert made.facts["left"] == []
    return tmp_path


def test_an_old_log_brings_nobody_back(home: Path) -> None:
    made = api.ingest([home / "old.csv"], out=home / "data/tables")
    found = Dataset.open(made.path)
    assert found.users.ids.tolist() == ["bo"]
    assert found.tracks.ids.tolist() == ["x", "z"]
    rejects = pd.read_parquet(made.path / "rejects.parquet")
    assert rejects["line"].tolist() == [2, 3, 6]
    assert set(rejects["reason"]) == {"forgotten listener"}
    assert api.ingest([home / "old.csv"], out=home / "data/tables", only_stale=True).unchanged


def test_another_on_the_list_makes_the_tables_anew(home: Path) -> None:
    api.ingest([home / "old.csv"], out=home / "data/tables")
    Forgotten.read(home / "data/forgotten").add("bo", home / "data/forgotten")
    with pytest.raises(DataError, match="no plays in"):
        api.ingest([home / "old.csv"], out=home / "data/tables", only_stale=True)


def test_tables_elsewhere_are_told_where_the_list_is(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away")
    assert "ann" in Dataset.open(api.ingest([home / "old.csv"], out=away / "a", settings=_lenient()).path).users
    made = api.ingest([home / "old.csv"], out=away / "b", forgotten=home / "data/forgotten")
    assert "ann" not in Dataset.open(made.path).users
    with pytest.raises(ArtefactError, match=r"has no ids\.json; expected a folder that recsys forget wrote"):
        api.ingest([home / "old.csv"], out=away / "c", forgotten=away)


def _lenient() -> Settings:
    return parse({"ingest": {"max_reject_share": 1.0}})


def test_tables_of_listeners_lose_them_too(home: Path) -> None:
    (home / "people.csv").write_text("user_id,country\nann,NO\nbo,SE\n")
    made = api.ingest([home / "old.csv"], listeners=[home / "people.csv"], out=home / "data/tables")
    people = Dataset.open(made.path).listeners
    assert people is not None
    assert people["country"].tolist() == ["SE"]


def test_an_update_leaves_them_out(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(bundle)
    track, data = str(engine.tracks.ids[0]), tmp_path / "data"
    data.mkdir()
    (data / "plays.csv").write_text(f"user_id,track_id\nzoe,{track}\n")
    api.forget("zoe", data=data)
    later = tmp_path / "later.csv"
    later.write_text(f"user_id,track_id\nzoe,{track}\nyan,{track}\n")
    made = api.update(bundle, [later], out=data / "bundles", forgotten=data / "forgotten", time=1.9e9)
    users = Engine.open(made.path).users
    assert ("zoe" in users, "yan" in users) == (False, True)


def test_the_list_is_for_its_owner_alone_and_grows(tmp_path: Path) -> None:
    first = Forgotten.read(tmp_path)
    first.add("ann", tmp_path)
    first.add("bo", tmp_path)
    read = Forgotten.read(tmp_path)
    assert ("ann" in read, "bo" in read, "bob" in read, len(read)) == (True, True, False, 2)
    assert read.fingerprint == first.fingerprint != Forgotten.read(tmp_path / "none").fingerprint
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    (tmp_path / NAME).write_text("{}")
    with pytest.raises(ArtefactError, match="is no list of forgotten ids"):
        Forgotten.read(tmp_path)


def test_a_listener_costs_microseconds() -> None:
    some = Forgotten(bytes(16), map(str, range(1000)))
    start = time.process_time()
    found = sum(f"user-{i}" in some for i in range(20_000))
    assert found == 0
    assert time.process_time() - start < 1.0


def test_lists_given_away_under_names_lose_them_too(bundle: Path, tmp_path: Path) -> None:
    from recsys.pseudonyms import pseudonyms

    key, data = tmp_path / "names.key", tmp_path / "data"
    who = str(Engine.open(bundle).users.ids[3])
    made = api.recommend(bundle, out=data / "recs", n=3, pseudonyms=key).path
    name = pseudonyms(key).one(who)
    assert name in pd.read_parquet(made)["user_id"].tolist()
    api.forget(who, data=data, pseudonyms=key)
    assert name not in pd.read_parquet(made)["user_id"].tolist()
    with pytest.raises(DataError, match="no key"):
        api.forget(who, data=data, pseudonyms=tmp_path / "other.key")
    assert not (tmp_path / "other.key").exists()
