"""The command and the verb that find tracks by words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api, cli
from recsys.engine import Engine
from recsys.errors import DataError
from recsys.tables.predicted import columns


def test_a_title_is_found_first_even_when_misspelt(bundle: Path) -> None:
    engine = Engine.open(bundle)
    title = str(engine.catalogue.values("title")[7])
    assert api.search(title, bundle=bundle)["title"].iloc[0] == title
    wrong = title[:2] + title[3:]
    assert title in api.search(wrong, bundle=bundle, n=5)["title"].tolist()


def test_a_genre_finds_its_tracks_and_says_so(bundle: Path) -> None:
    engine = Engine.open(bundle)
    genre = str(engine.catalogue.values("genre")[0][0])
    found = api.search(genre, bundle=bundle, n=5)
    has = engine.catalogue.where(f"genre = {genre!r}")
    assert has[engine.tracks.rows(found["track_id"])].all()
    assert found["reason"].str.contains(genre, case=False).all()


def test_a_filter_holds(bundle: Path) -> None:
    engine = Engine.open(bundle)
    genre = str(engine.catalogue.values("genre")[0][0])
    found = api.search(genre, bundle=bundle, n=50, where="year >= 2000")
    assert engine.catalogue.where("year >= 2000")[engine.tracks.rows(found["track_id"])].all()


@pytest.mark.parametrize("query", ["", "  ", "xyzzyq", "?"])
def test_what_finds_nothing_is_one_line(query: str, bundle: Path) -> None:
    with pytest.raises(DataError, match=r"nothing to search for|has anything like"):
        api.search(query, bundle=bundle)


def test_the_command_prints_json_and_names_unknown_words(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    genre = str(Engine.open(bundle).catalogue.values("genre")[0][0])
    words = ["recsys", "search", f"{genre} xyzzyq", "--bundle", str(bundle), "-n", "3", "--json"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told = capsys.readouterr()
    assert not stop.value.code
    assert len(json.loads(told.out)) == 3
    assert "xyzzyq" in told.err


def test_a_mood_narrows_every_answer(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(bundle)
    calm = engine.catalogue.where("mood = 'calm'")
    assert 0 < calm.sum() < len(calm)
    seed = engine.tracks.at(int(np.flatnonzero(~calm)[0]))
    near = api.similar([seed], bundle=bundle, n=5, mood="calm")
    assert calm[engine.tracks.rows(near["track_id"])].all()
    genre = str(engine.catalogue.values("genre")[int(np.flatnonzero(calm)[0])][0])
    found = api.search(genre, bundle=bundle, mood="calm")
    assert calm[engine.tracks.rows(found["track_id"])].all()
    api.recommend(bundle, out=tmp_path / "recs", n=5, like=[seed], mood="calm")
    assert calm[engine.tracks.rows(pd.read_parquet(tmp_path / "recs")["track_id"])].all()
    api.playlist([seed], bundle=bundle, out=tmp_path / "calm.csv", n=5, mood="calm")
    listed = pd.read_csv(tmp_path / "calm.csv")["track_id"].tolist()
    assert listed[0] == seed
    assert calm[engine.tracks.rows(listed[1:])].all()
    api.playlist_new("radio", {"seeds": [seed], "mood": "calm"}, bundle=bundle, out=tmp_path / "radio.csv", n=5)
    assert calm[engine.tracks.rows(pd.read_csv(tmp_path / "radio.csv")["track_id"][1:])].all()
    with pytest.raises(DataError, match="loosen it"):
        api.playlist([seed], bundle=bundle, out=tmp_path / "none.csv", where="year > 9999")


def test_a_list_of_a_mood_goes_by_tags_where_nothing_tells_valence(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(bundle)
    assert "valence_rank" not in columns(engine.catalogue.frame)
    api.playlist_new("mood", ["words=calm"], bundle=bundle, out=tmp_path / "calm.csv", n=8)
    listed = engine.tracks.rows(pd.read_csv(tmp_path / "calm.csv")["track_id"].tolist())
    assert engine.catalogue.where("mood = 'calm'")[listed].all()
    with pytest.raises(DataError, match="no track has valence or happiness"):
        api.playlist_new("mood", ["valence=.7"], bundle=bundle, out=tmp_path / "none.csv")
    with pytest.raises(DataError, match="moods here"):
        api.playlist_new("mood", ["words=tense"], bundle=bundle, out=tmp_path / "none.csv")
