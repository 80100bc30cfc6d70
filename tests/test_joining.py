"""Tracks of a log and files of a library: which belong together, and what the one gives the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("soxr")

from recsys.audio.store import Features
from recsys.joining import join, match, nothing
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions

MBID = "11111111-2222-3333-4444-555555555555"


def library(*files: dict[str, Any]) -> Features:
    """Features of files of which this is known; the nth has tempo 100 + n."""
    texts = dict.fromkeys(("title", "artist", "album", "genre", "isrc", "mbid"))
    rows = [{**texts, "year": np.nan, "duration": 200.0, "flags": [], "digest": str(i)} for i in range(len(files))]
    table = pd.DataFrame([{**row, **file} for row, file in zip(rows, files, strict=True)])
    table["paths"] = [[path] for path in table["path"]]
    ids = IdMap([f"sound:{i}" for i in range(len(files))], "track")
    traits = pd.DataFrame({"tempo_bpm": 100.0 + np.arange(len(files)), "key": [np.nan, *[9.0] * (len(files) - 1)]})
    vectors = np.random.default_rng(0).normal(size=(len(files), 6))
    block = Embeddings(vectors, np.ones(len(files), bool), "timbre")
    made = {"made_from": {"analyser": "a", "windows": 3, "seconds": 30.0}}
    failures = pd.DataFrame(columns=["path", "cause", "tries"])
    return Features(Path("F"), ids, table, traits, {"timbre": block}, {}, failures, made, {})


def log(**columns: list[Any]) -> Dataset:
    """Tracks 10, 20, … of which this is known, each played once by its own listener."""
    n = len(next(iter(columns.values())))
    tracks, users = IdMap([10 * (i + 1) for i in range(n)], "track"), IdMap([f"u{i}" for i in range(n)], "user")
    rows = np.arange(n)
    plays = Interactions(users, tracks, rows, rows, 1 + rows, rows)
    return Dataset(plays, Catalogue(pd.DataFrame(columns)))


@pytest.mark.parametrize(
    ("track", "file", "way"),
    [
        ({"mbid": [MBID.upper()]}, {"mbid": MBID}, "code"),
        ({"isrc": ["GBAYE0601498"]}, {"isrc": "GBAYE0601498"}, "code"),
        ({"path": ["/m/a/1.mp3"]}, {"path": "/m/a/1.mp3"}, "path"),
        ({"path": ["old/place/1.mp3"]}, {"path": "/m/a/1.mp3"}, "name"),
        ({"path": ["C:\\music\\1.MP3"]}, {"path": "/m/a/1.mp3"}, "name"),
        ({"artist": ["BJORK"], "title": ["Joga!"]}, {"artist": "Björk", "title": "Jóga"}, "title"),
        ({"artist": ["A"], "title": ["B"], "duration": [196.0]}, {"artist": "a", "title": "b"}, "title"),
        ({"artist": ["A"], "title": ["B"], "duration": [190.0]}, {"artist": "a", "title": "b"}, None),
        ({"artist": ["A"], "title": ["C"]}, {"artist": "a", "title": "b"}, None),
        ({"title": ["B"]}, {"title": "B"}, None),
    ],
)
def test_ways_to_fit(track: dict[str, list[Any]], file: dict[str, Any], way: str | None) -> None:
    dataset = log(**track)
    found, how = match(dataset.tracks, dataset.catalogue, library({"path": "/x/y.ogg", **file}))
    assert found.tolist() == [-1 if way is None else 0]
    assert dict(how) == ({} if way is None else {way: 1})


def test_a_file_name_that_could_be_two_is_none() -> None:
    two_files = library({"path": "/a/01.mp3"}, {"path": "/b/01.mp3"})
    dataset = log(path=["x/01.mp3"])
    assert match(dataset.tracks, dataset.catalogue, two_files)[0].tolist() == [-1]
    two_tracks = log(path=["x/01.mp3", "y/01.mp3"])
    assert match(two_tracks.tracks, two_tracks.catalogue, library({"path": "/a/01.mp3"}))[0].tolist() == [-1, -1]


def test_the_file_of_the_nearest_length_fits() -> None:
    same = {"artist": "A", "title": "B"}
    files = library({"path": "/1", **same, "duration": 203.0}, {"path": "/2", **same, "duration": 201.0})
    dataset = log(artist=["A"], title=["B"], duration=[200.0])
    assert match(dataset.tracks, dataset.catalogue, files)[0].tolist() == [1]


def test_a_log_of_ids_that_the_library_knows() -> None:
    plays = Interactions(IdMap(["u"]), IdMap(["sound:1", MBID], "track"), [0, 0], [0, 1], [1, 1])
    found, how = match(plays.tracks, Catalogue.empty(2), library({"path": "/1", "mbid": MBID}, {"path": "/2"}))
    assert found.tolist() == [0, 1]
    assert dict(how) == {"code": 1, "id": 1}


def test_plays_follow_their_tracks_when_ids_become_text() -> None:
    """10, 20, …, 100 sort differently as text, and files without a track come between."""
    dataset = log(path=[f"/m/{i}.mp3" for i in range(10)])
    files = library(*({"path": f"/m/{i}.mp3"} for i in (3, 7, 99)))
    joined = join(dataset, files).dataset
    assert len(joined.tracks) == 11
    for user, track, weight in zip(joined.plays.user, joined.plays.track, joined.plays.weight, strict=True):
        assert joined.users.at(user) == f"u{int(weight) - 1}"
        assert joined.tracks.at(track) == str(10 * int(weight))
    tempo = dict(zip(joined.tracks.ids, joined.catalogue.frame["tempo"], strict=True))
    assert (tempo["40"], tempo["80"], tempo["sound:2"]) == (100, 101, 102)
    assert np.isnan(tempo["10"])
    assert joined.contents["sound"].known.sum() == 3
    assert joined.catalogue.frame["path"][joined.tracks.rows(["100"])[0]] == "/m/9.mp3"


def test_gaps_are_filled_and_nothing_is_replaced() -> None:
    dataset = log(path=["/1", "/2"], title=["Given", None], year=[1990, np.nan], tempo=[60.0, np.nan], key=[1, 2])
    files = library(
        {"path": "/1", "title": "Tag", "year": 2001, "artist": "Ann", "genre": ["Pop"], "flags": ["clipped"]},
        {"path": "/2", "title": "Other", "year": 2002},
    )
    table = join(dataset, files).dataset.catalogue.frame
    assert table["title"].tolist() == ["Given", "Other"]
    assert table["year"].tolist() == [1990, 2002]
    assert table["tempo"].tolist() == [60, 101]
    assert table["artist"].tolist() == ["Ann", None]
    assert table["genre"].tolist() == [["Pop"], None]
    assert table["key"].tolist() == [1, 2]
    assert table["camelot"].tolist() == [None, "11B"]
    assert [list(flags) for flags in table["flags"]] == [["clipped"], []]


def test_excerpts_do_not_say_how_long_a_track_is() -> None:
    dataset = log(path=["/1", "/2", "/3"], title=["A", "B", "C"], duration=[200.0, 240.0, np.nan])
    paths = "/1", "/2", "/3", "/4"
    whole = library(
        *({"path": path, "duration": seconds} for path, seconds in zip(paths, (201, 238, 90, 80), strict=True))
    )
    parts = library(*({"path": path, "duration": 6.0} for path in paths))
    frames = [join(dataset, files).dataset.catalogue.frame["duration"] for files in (whole, parts)]
    assert frames[0].tolist() == [200, 240, 90, 80]
    assert frames[1][:2].tolist() == [200, 240]
    assert np.isnan(frames[1][2])
    assert frames[1][3] == 6


def test_a_library_alone_is_a_dataset(tmp_path: Path) -> None:
    files = library({"path": "/m/a song.mp3"}, {"path": "/m/b.mp3", "title": "B"})
    joined = join(nothing().dataset, files)
    joined.dataset.save(tmp_path, inputs={}, facts={})
    again = Dataset.open(tmp_path)
    assert again.tracks.ids.tolist() == ["sound:0", "sound:1"]
    assert again.catalogue.frame["title"].tolist() == ["a song", "B"]
    assert again.catalogue.where("tempo > 100").tolist() == [False, True]
    assert again.catalogue.where("key = 'a major'").tolist() == [False, True]
    assert len(again.plays) == 0
    assert joined.counts == {"library_tracks": 2, "library_own": 2}


def test_all_layers_and_spaces_move_along() -> None:
    dataset = log(path=["/z", "/b"])
    lists = Interactions(IdMap(["p"], "playlist"), dataset.tracks, [0, 0], [1, 0], [1, 1], [1, 2])
    own = Embeddings(np.eye(2), np.array([True, False]), "mine")
    dataset = Dataset(dataset.plays, dataset.catalogue, {"mine": own}, playlists=lists, skips=dataset.plays)
    joined = join(dataset, library({"path": "/b"}, {"path": "/new"})).dataset
    assert joined.playlists is not None
    assert joined.tracks.at(joined.playlists.track).tolist() == ["20", "10"]
    assert joined.skips is not None
    assert joined.tracks.at(joined.skips.track).tolist() == ["10", "20"]
    assert joined.contents["mine"].known.tolist() == [True, False, False]
