"""Explicit, made by a machine, licence: from a table of tracks to lists, neighbours, files and filters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api
from recsys.engine import Engine
from recsys.marks import Marks
from recsys.playlists import write_playlist
from recsys.sources import gather
from recsys.tables import Catalogue


def test_every_track_keeps_its_marks(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(bundle)
    explicit = set(engine.tracks.ids[engine.catalogue.where("explicit")])
    found = engine.recommend(n=20)
    assert set(found.loc[found["marks"] == "explicit", "track_id"]) == explicit & set(found["track_id"])
    licence = dict(zip(engine.tracks.ids, engine.catalogue.values("licence"), strict=True))
    near = engine.similar([engine.tracks.ids[0]], n=20)
    assert [licence[track] for track in near["track_id"]] == near["licence"].astype(object).tolist()
    one = next(iter(explicit))
    for suffix in ("csv", "jspf", "xspf", "parquet"):
        write_playlist(tmp_path / f"a.{suffix}", [engine.entry(int(engine.tracks.rows([one])[0]))], title="A")
    assert pd.read_csv(tmp_path / "a.csv")["marks"].tolist() == ["explicit"]
    own = json.loads((tmp_path / "a.jspf").read_text())["playlist"]["track"][0]["extension"]["urn:recsys:track"][0]
    assert (own["marks"], own["licence"]) == ("explicit", licence[one])
    assert '<meta rel="urn:recsys:track:marks">explicit</meta>' in (tmp_path / "a.xspf").read_text()


def test_made_by_a_machine_is_read_and_filtered(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text("track_id,title,AI generated\na,A,yes\nb,B,no\nc,C,\n")
    catalogue = gather(tracks=[tmp_path / "tracks.csv"]).dataset.catalogue
    assert catalogue.where("generated").tolist() == [True, False, False]
    assert catalogue.where("generated = false").tolist() == [False, True, False]
    assert list(Marks(catalogue).columns(np.arange(3))["marks"]) == ["generated", "", ""]


def test_what_nothing_is_said_of_adds_no_column() -> None:
    assert Marks(Catalogue.empty(3)).columns(np.arange(3)) == {}
    assert Marks(Catalogue.empty(3)).text("licence", 0) is None


@pytest.mark.parametrize("where", ["licence = 'cc0-1.0'", "not explicit", "generated"])
def test_filters_know_them(bundle: Path, where: str) -> None:
    if where != "generated":
        assert len(api.similar([Engine.open(bundle).most_played(1)[0]], bundle=bundle, where=where, n=3))
    else:
        assert not Engine.open(bundle).catalogue.where(where).any()
