"""Text as a content space: what is alike lies together, later tracks have their places, models take it up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recsys import api
from recsys.engine import Engine
from recsys.producers.text.space import TextSpace
from recsys.settings import parse
from recsys.tables import Dataset

TAGS = [
    ["progressive rock", "70s"],
    ["prog rock"],
    ["ambient"],
    ["ambient", "calm"],
    ["calm piano"],
    ["piano"],
    ["hip-hop"],
]
SONGS = pd.DataFrame({"tags": [*TAGS, *TAGS, None], "title": [f"Song {i}" for i in range(15)]})


def test_labels_that_share_words_or_pieces_are_near() -> None:
    places = TextSpace.fit(SONGS.drop(columns="title"), dimensions=6).vectors(SONGS.drop(columns="title"))
    near = places.vectors @ places.vectors.T
    assert near[0, 1] > 0.4 > near[0, 2]
    assert near[2, 3] > near[2, 5]
    assert places.known.tolist() == [True] * 14 + [False]
    np.testing.assert_allclose(np.linalg.norm(places.vectors[:14], axis=1), 1, atol=1e-5)


def test_a_later_track_is_where_it_would_have_been() -> None:
    space = TextSpace.fit(SONGS)
    again = TextSpace.from_arrays(space.arrays())
    later = pd.DataFrame({"tags": [["prog rock"], ["something else"]], "genre": [None, ["zouk"]]})
    placed = again.vectors(later)
    alone = space.vectors(SONGS.drop(columns="title"))
    np.testing.assert_allclose(placed.vectors[0], alone.vectors[1], atol=1e-6)
    assert space.axes.shape[1] <= len(space.terms)


def test_a_catalogue_without_text_has_no_places() -> None:
    bare = pd.DataFrame({"title": [None, None]})
    assert not TextSpace.fit(bare).vectors(bare).known.any()


def test_from_tables_to_a_late_track(world: Path, tmp_path: Path) -> None:
    settings = parse({"ingest": {"text": True}, "train": {"model": "ridge"}})
    tracks = pd.read_csv(world / "tracks.csv")
    tracks.iloc[:-1].to_csv(tmp_path / "tracks.csv", index=False)
    tracks.iloc[-1:].assign(track_id="late").to_csv(tmp_path / "late.csv", index=False)
    plays = pd.read_csv(world / "plays.csv")
    plays[plays["track_id"] != tracks["track_id"].iloc[-1]].to_csv(tmp_path / "plays.csv", index=False)
    made = api.ingest([tmp_path / "plays.csv"], tracks=[tmp_path / "tracks.csv"], out=tmp_path / "T", settings=settings)
    assert Dataset.open(made.path).contents["text"].known.all()
    api.train(made.path, out=tmp_path / "B", settings=settings)
    api.update(tmp_path / "B", tracks=[tmp_path / "late.csv"], settings=settings)
    engine = Engine.open(tmp_path / "B")
    row = engine.tracks.rows(["late"])[0]
    assert engine.contents["text"].known[row]
    assert api.search(str(tracks["title"].iloc[-1]), bundle=tmp_path / "B")["track_id"].iloc[0] == "late"
