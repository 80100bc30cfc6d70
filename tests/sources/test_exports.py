"""Exports of ListenBrainz and Last.fm."""

from __future__ import annotations

import json
from typing import Any

from tests.sources.conftest import Write, ingest, reasons, triples


def listen(title: str | None, when: Any = 1_600_000_000, user: str | None = None, **extra: Any) -> str:
    about = {"track_name": title, "artist_name": "Ann", "release_name": "First", **extra}
    return json.dumps({"listened_at": when, "track_metadata": about} | ({"user_name": user} if user else {})) + "\n"


def test_listenbrainz_lines_bring_users_tracks_and_a_catalogue(write: Write) -> None:
    lines = [
        listen("A", user="bo", mbid_mapping={"recording_mbid": "m1"}, additional_info={"duration_ms": 200_000}),
        listen("B", user="bo", when=1_600_000_100),
        "{broken\n",
        listen(None, user="bo"),
        listen("A", user="cy", mbid_mapping={"recording_mbid": "m1"}),
    ]
    gathered = ingest(write("listens.jsonl", "".join(lines)))
    dataset = gathered.dataset
    assert triples(dataset.plays) == [("bo", "m1", 1.0), ("bo", "Ann – B", 1.0), ("cy", "m1", 1.0)]
    assert dataset.plays.time is not None
    assert dataset.plays.time.tolist() == [1_600_000_000, 1_600_000_100, 1_600_000_000]
    row = dataset.catalogue.frame.iloc[dataset.tracks.rows(["m1"])[0]]
    assert (row.title, row.artist, row.album, row.mbid, row.duration) == ("A", "Ann", "First", "m1", 200.0)
    assert [line for line, _ in reasons(gathered)] == [3, 4]
    assert "not valid JSON" in reasons(gathered)[0][1]


def test_listenbrainz_folders_name_their_user_once(write: Write) -> None:
    write("export/user.json", '{"user_id": 1, "username": "dee"}')
    file = write("export/listens/2020/9.jsonl", listen("A"))
    assert ingest(file).dataset.users.ids.tolist() == ["dee"]
    assert ingest(file.parent.parent).dataset.users.ids.tolist() == ["dee"]


def test_lastfm_without_a_header(write: Write) -> None:
    text = "Ann,First,A,13 Sep 2020 12:26\nAnn,,B,14 Sep 2020 12:26\nAnn,,,15 Sep 2020 12:26\n"
    gathered = ingest(write("eve.csv", text))
    assert triples(gathered.dataset.plays) == [("eve", "Ann – A", 1.0), ("eve", "Ann – B", 1.0)]
    assert gathered.dataset.catalogue.frame["album"].tolist() == ["First", None]
    assert reasons(gathered) == [(3, "track id is missing")]


def test_lastfm_with_headers(write: Write) -> None:
    ghan = '"uts","utc_time","artist","artist_mbid","album","album_mbid","track","track_mbid"\n'
    ghan += '"1600000000","13 Sep 2020, 12:26","Ann","","First","","A, B","m1"\n'
    dataset = ingest(write("recenttracks-fay-1600000000.csv", ghan)).dataset
    assert triples(dataset.plays) == [("fay", "Ann – A, B", 1.0)]
    assert dataset.plays.time is not None
    assert dataset.plays.time.tolist() == [1_600_000_000]
    stats = "Artist;Album;AlbumId;Track;Date#gus\nAnn;First;;A;1600000000123\n"
    named = ingest(write("x.csv", stats)).dataset
    assert triples(named.plays) == [("gus", "Ann – A", 1.0)]
