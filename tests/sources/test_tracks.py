"""Tables of tracks to the catalogue."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys.errors import DataError
from recsys.tables import Dataset
from tests.sources.conftest import Write, ingest, reasons

TABLE = (
    "track_id,name,artist_name,album,release_date,duration_ms,genres,tags,explicit,license,isrc,mbid,audio_file,bpm,note\n"
    'a,Song A,Ann,First,1999-05-01,215000,Rock|Pop,"x, y",true,CC-BY,US1,m1,a.ogg,120.5,hi\n'
    "b,,Bo,,,,,,no,,,,,90,\n"
    'c,"Song, ""C""",,,bad,-1,,,maybe,,,,,,\n'
)


def test_every_field_reads_and_missing_is_never_empty(write: Write) -> None:
    gathered = ingest(tracks=[write("tracks.csv", TABLE)])
    frame = gathered.dataset.catalogue.frame
    first, second, third = (frame.iloc[i].to_dict() for i in range(3))
    assert {k: first[k] for k in ("title", "artist", "album", "licence", "isrc", "mbid", "path", "explicit")} == {
        **{"title": "Song A", "artist": "Ann", "album": "First", "licence": "CC-BY", "isrc": "US1", "mbid": "m1"},
        **{"path": "a.ogg", "explicit": True},
    }
    assert (first["year"], first["duration"], first["bpm"], first["note"]) == (1999, 215.0, 120.5, "hi")
    assert (first["genre"], first["tags"]) == (["Rock", "Pop"], ["x", "y"])
    assert second["explicit"] is False
    assert all(second[k] is None for k in ("title", "album", "genre", "tags", "licence", "note"))
    assert math.isnan(second["year"])
    assert math.isnan(second["duration"])
    assert third["title"] == 'Song, "C"'
    assert third["explicit"] is None
    assert math.isnan(third["duration"])
    assert gathered.dataset.users.ids.tolist() == []
    assert gathered.dataset.catalogue.where("bpm > 100").tolist() == [True, False, False]


def test_the_catalogue_survives_the_disk(write: Write, tmp_path: Path) -> None:
    dataset = ingest(tracks=[write("tracks.csv", TABLE)]).dataset
    (tmp_path / "out").mkdir()
    dataset.save(tmp_path / "out", inputs={}, facts={})
    opened = Dataset.open(tmp_path / "out")
    titles = opened.catalogue.frame["title"]
    assert titles.astype(object).where(titles.notna(), None).tolist() == ["Song A", None, 'Song, "C"']
    assert opened.tracks == dataset.tracks


def test_items_with_lists_and_artists_only(tmp_path: Path, write: Write) -> None:
    table = {
        "item_id": [2, 1],
        "artist": ["Bo", "Ann"],
        "tags": [["x", "y"], []],
        "tag_counts": [[5, 3], [1]],
        "title": pa.array([None, None], pa.string()),
    }
    pq.write_table(pa.table(table), tmp_path / "items.parquet")
    log = write("log.csv", "user,item\nu,1\nu,2\nu,3\n")
    dataset = ingest(log, tracks=[tmp_path / "items.parquet"]).dataset
    frame = dataset.catalogue.frame
    assert dataset.tracks.ids.tolist() == [1, 2, 3]
    assert frame["artist"].tolist() == ["Ann", "Bo", None]
    assert frame["title"].tolist() == [None, None, None]
    assert frame["tags"].tolist() == [None, ["x", "y"], None]
    assert [None if v is None else list(v) for v in frame["tag_counts"]] == [[1], [5, 3], None]
    assert dataset.catalogue.name(1) == "Bo"


def test_the_first_row_of_an_id_counts_and_bad_ids_are_rejected(write: Write) -> None:
    gathered = ingest(tracks=[write("t.csv", "id,title\n1,one\n1,uno\n,none\n")])
    assert gathered.dataset.catalogue.frame["title"].tolist() == ["one"]
    assert gathered.counts["duplicate_tracks"] == 1
    assert reasons(gathered) == [(4, "track id is missing")]


def test_durations_in_other_units(write: Write) -> None:
    clock = ingest(tracks=[write("a.csv", "track_id,duration\na,3:45\nb,1:00:01\nc,12.5\nd,x\n")])
    assert clock.dataset.catalogue.frame["duration"].tolist()[:3] == [225.0, 3601.0, 12.5]
    fine = ingest(tracks=[write("b.csv", "track_id,duration\na,200000\nb,180000\n")])
    assert fine.dataset.catalogue.frame["duration"].tolist() == [200.0, 180.0]


def test_tracks_without_an_id_column_are_an_error(write: Write) -> None:
    with pytest.raises(DataError, match=r"found columns title, year; expected tracks with track_id"):
        ingest(tracks=[write("t.csv", "title,year\nA,1999\n")])


def test_typed_columns_are_kept_as_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"track_id": ["a", "b"], "code": ["01", "2"], "live": [True, False], "n": [1, 2], "year": ["1999-05-01", None]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    made = ingest(tracks=[tmp_path / "t.parquet"]).dataset.catalogue.frame
    assert made["code"].tolist() == ["01", "2"]
    assert made["live"].tolist() == [True, False]
    assert made["n"].tolist() == [1, 2]
    assert made["year"].tolist()[0] == 1999


def test_paths_beside_the_table_become_absolute(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.mp3").write_bytes(b"")
    (tmp_path / "tracks.csv").write_text("track_id,path\na,audio/a.mp3\nb,elsewhere/b.mp3\nc,\n")
    frame = ingest(tracks=[tmp_path / "tracks.csv"]).dataset.catalogue.frame
    assert frame["path"].tolist() == [str(tmp_path / "audio" / "a.mp3"), "elsewhere/b.mp3", None]
