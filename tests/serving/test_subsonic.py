"""The shapes of OpenSubsonic, as JSON and as XML."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from recsys.engine import Engine

SPACE = "{http://subsonic.org/restapi}"


@pytest.fixture(scope="module")
def engine(bundle: Path) -> Engine:
    return Engine.open(bundle)


def rest(client: httpx.Client, name: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/rest/{name}", params={"f": "json", "v": "1.16.1", "c": "test", **query})
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()["subsonic-response"]
    assert told["version"] == "1.16.1"
    assert told["openSubsonic"] is True
    return told


def test_similar_songs_of_a_song_and_of_an_artist(ask: httpx.Client, engine: Engine) -> None:
    track = str(engine.most_played(1)[0])
    songs = rest(ask, "getSimilarSongs2.view", id=track, count=5)["similarSongs2"]["song"]
    assert [song["id"] for song in songs] == engine.similar([track], 5)["track_id"].tolist()
    assert {"id", "title", "artist", "artistId", "isDir", "duration", "type"} <= set(songs[0])
    artist = songs[0]["artistId"]
    others = rest(ask, "getSimilarSongs", id=artist, count=8)["similarSongs"]["song"]
    assert others
    assert artist not in {song["artistId"] for song in others}


def test_songs_that_sound_alike(hear: httpx.Client) -> None:
    track = hear.get("/tracks?n=1").json()["items"][0]["id"]
    found = rest(hear, "getSonicSimilarTracks", id=track, count=4)["sonicMatch"]
    assert len(found) == 4
    likeness = [match["similarity"] for match in found]
    assert likeness == sorted(likeness, reverse=True)
    assert all(0 <= one <= 1 for one in likeness)


def test_a_path_begins_and_ends_where_it_should(ask: httpx.Client, engine: Engine) -> None:
    start, end = (str(one) for one in engine.most_played(9)[::8])
    found = rest(ask, "findSonicPath", startSongId=start, endSongId=end, count=6)["sonicMatch"]
    assert (found[0]["entry"]["id"], found[-1]["entry"]["id"]) == (start, end)
    assert found[0]["similarity"] == pytest.approx(1)
    assert [one["entry"]["id"] for one in rest(ask, "findSonicPath", startSongId=start, endSongId=start)["sonicMatch"]]


def test_xml_is_the_default(ask: httpx.Client, engine: Engine) -> None:
    track = str(engine.most_played(1)[0])
    answer = ask.get("/rest/getSonicSimilarTracks.view", params={"id": track, "count": 2})
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)
    assert (root.tag, root.get("status")) == (f"{SPACE}subsonic-response", "ok")
    matches = root.findall(f"{SPACE}sonicMatch")
    assert len(matches) == 2
    assert matches[0].get("similarity")
    entry = matches[0].find(f"{SPACE}entry")
    assert entry is not None
    assert entry.get("isDir") == "false"


@pytest.mark.parametrize(
    ("name", "query", "code"),
    [
        ("getSimilarSongs2", {}, 10),
        ("getSimilarSongs2", {"id": "nobody"}, 70),
        ("getSimilarSongs2", {"id": "artist:nobody"}, 70),
        ("findSonicPath", {"startSongId": "x"}, 10),
        ("findSonicPath", {"startSongId": "x", "endSongId": "y\x01"}, 70),
    ],
)
def test_failures_have_a_code(ask: httpx.Client, name: str, query: dict[str, str], code: int) -> None:
    told = rest(ask, name, **query)
    assert (told["status"], told["error"]["code"]) == ("failed", code)
    xml = ask.get(f"/rest/{name}", params=query)
    assert ElementTree.fromstring(xml.text).get("status") == "failed"


def test_keys(served: Any, bundle: Path) -> None:
    client = served(bundle, key="sesame")
    assert rest(client, "ping")["error"]["code"] == 44
    assert rest(client, "getOpenSubsonicExtensions")["openSubsonicExtensions"][0]["name"] == "sonicSimilarity"
    token = hashlib.md5(b"sesamesalt", usedforsecurity=False).hexdigest()
    for query in ({"apiKey": "sesame"}, {"u": "x", "p": "sesame"}, {"u": "x", "p": "enc:736573616d65"}):
        assert rest(client, "ping", **query)["status"] == "ok"
    assert rest(client, "ping", u="x", t=token, s="salt")["status"] == "ok"
    assert rest(client, "ping", u="x", t=token, s="pepper")["status"] == "failed"
