"""Lists reach a Subsonic server under their name, replaced in place: a double with recorded answers, and a real one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from recsys import api
from recsys.errors import DataError
from recsys.listing.push import KEY, PASSWORD, USER, Server
from recsys.playlists import Entry
from recsys.sources.playlist_files import read_listing

SONGS = [("Song 0", "Artist & Co", 2), ("Song 1", "Artist & Co", 2), ("Song 1", "Other", 2), ("Lost", "Nobody", 9)]
ENVIRONMENT = {USER: "alice", PASSWORD: "secret"}


class Double(ThreadingHTTPServer):
    """A server with the answers that Supysonic 0.7.9 and Navidrome gave, as to their form."""

    def __init__(self, *, tokens: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tokens, self.asked = tokens, []
        self.lists: dict[str, dict[str, Any]] = {}
        self.songs = {f"id-{i}": song for i, song in enumerate(SONGS[:3])}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def refused(self, told: dict[str, list[str]]) -> dict[str, Any] | None:
        """The error that a request without good credentials gets."""
        if "apiKey" in told:
            return None if told["apiKey"] == ["k"] and "u" not in told else {"code": 44, "message": "Invalid API key"}
        if "t" in told and not self.tokens:
            return {"code": 10, "message": "A required parameter is missing."}
        token = hashlib.md5(("secret" + told.get("s", [""])[0]).encode()).hexdigest()
        good = told.get("t") == [token] or told.get("p") == ["enc:" + b"secret".hex()]
        return None if good and told["u"] == ["alice"] else {"code": 40, "message": "Wrong username or password."}

    def answer(self, method: str, told: dict[str, list[str]]) -> dict[str, Any]:
        if error := self.refused(told):
            return {"error": error, "status": "failed", "version": "1.12.0"}
        return {"status": "ok", "version": "1.12.0", **getattr(self, method, lambda _: {})(told)}

    def search3(self, told: dict[str, list[str]]) -> dict[str, Any]:
        found = [self.song(key) for key, song in self.songs.items() if told["query"][0] in song[0]]
        return {"searchResult3": {"song": found[: int(told["songCount"][0])]} if found else {}}

    def song(self, key: str) -> dict[str, Any]:
        title, artist, seconds = self.songs[key]
        return {
            "id": key,
            "title": title,
            "artist": artist,
            "duration": seconds,
            "path": f"a/{key}.ogg",
            "isDir": False,
        }

    def getPlaylists(self, told: dict[str, list[str]]) -> dict[str, Any]:
        lists = [{k: v for k, v in one.items() if k != "songs"} for one in self.lists.values()]
        return {"playlists": {"playlist": lists} if lists else {}}

    def createPlaylist(self, told: dict[str, list[str]]) -> dict[str, Any]:
        key = told.get("playlistId", [str(uuid.uuid4())])[0]
        name = told["name"][0] if "name" in told else self.lists[key]["name"]
        self.lists[key] = {"id": key, "name": name, "owner": "alice", "songs": told.get("songId", [])}
        return {}

    def updatePlaylist(self, told: dict[str, list[str]]) -> dict[str, Any]:
        self.lists[told["playlistId"][0]]["songs"] += told["songIdToAdd"]
        return {}


class Handler(BaseHTTPRequestHandler):
    server: Double

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        told, method = parse_qs(parts.query), parts.path.removeprefix("/rest/").removesuffix(".view")
        self.server.asked.append((method, told))
        body = json.dumps({"subsonic-response": self.server.answer(method, told)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def double() -> Iterator[Double]:
    yield from running(Double())


def running(server: Double) -> Iterator[Double]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def entries(*which: int) -> list[Entry]:
    return [Entry(str(i), SONGS[i][0], SONGS[i][1], duration=float(SONGS[i][2])) for i in which]


def test_a_list_is_created_and_then_replaced_by_name(double: Double) -> None:
    server = Server(double.url + "/rest/", ENVIRONMENT)
    first = server.push("mix", entries(1, 0))
    assert (first.songs, first.lost) == (2, [])
    again = server.push("mix", entries(2, 3, 1))
    assert (again.id, again.songs, again.lost) == (first.id, 2, ["Nobody – Lost"])
    assert [one["songs"] for one in double.lists.values()] == [["id-2", "id-1"]]
    server.push("other", entries(0))
    assert len(double.lists) == 2
    assert not any("secret" in json.dumps(told) or "p" in told for _, told in double.asked)


def test_somebody_elses_list_of_that_name_is_left_alone(double: Double) -> None:
    double.lists["x"] = {"id": "x", "name": "mix", "owner": "bob", "songs": ["id-0"]}
    assert Server(double.url, ENVIRONMENT).push("mix", entries(1)).id != "x"
    assert double.lists["x"]["songs"] == ["id-0"]


def test_long_lists_come_in_several_requests(double: Double) -> None:
    Server(double.url, ENVIRONMENT).push("long", entries(*[0, 1] * 120))
    (made,) = double.lists.values()
    assert made["songs"] == ["id-0", "id-1"] * 120


def test_the_password_goes_only_to_servers_that_take_no_tokens() -> None:
    for server in running(Double(tokens=False)):
        Server(server.url, ENVIRONMENT).push("mix", entries(0))
        assert ["t" in told for _, told in server.asked] == [True] + [False] * (len(server.asked) - 1)
        assert server.asked[-1][1]["p"] == ["enc:" + b"secret".hex()]


def test_an_api_key_stands_alone(double: Double) -> None:
    Server(double.url, {KEY: "k"}).push("mix", entries(0))
    assert len(double.lists) == 1
    with pytest.raises(DataError, match=r"refused search3: Invalid API key \(code 44\)"):
        Server(double.url, {KEY: "bad"}).push("mix", entries(0))


@pytest.mark.parametrize(
    ("url", "environment", "message"),
    [
        ("ftp://x", ENVIRONMENT, "no address of a server"),
        ("http://127.0.0.1:9", {}, "no credentials for http://127.0.0.1:9; set RECSYS_SUBSONIC_USER"),
        ("http://127.0.0.1:9", ENVIRONMENT, "no answer from http://127.0.0.1:9"),
    ],
)
def test_what_is_wrong_is_said(url: str, environment: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Server(url, environment).push("mix", entries(0))


def test_nothing_there_and_wrong_credentials(double: Double) -> None:
    with pytest.raises(DataError, match="none of the 1 tracks of 'mix' is on"):
        Server(double.url, ENVIRONMENT).push("mix", entries(3))
    with pytest.raises(DataError, match=r"Wrong username or password\. \(code 40\)"):
        Server(double.url, {USER: "alice", PASSWORD: "bad"}).push("mix", entries(0))
    assert double.lists == {}


def test_run_pushes_what_it_writes(
    double: Double, lively: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER, "alice")
    monkeypatch.setenv(PASSWORD, "secret")
    (tmp_path / "p.toml").write_text('version = 1\n[recipe.way]\nkind = "path"\nstart = "t001"\nend = "t100"\nn = 5\n')
    told: dict[str, Any] = {"recipes": tmp_path / "p.toml", "bundle": lively / "bundle", "out": tmp_path / "out"}
    api.playlist_run(**told, push=double.url, dry_run=True, workers=1)
    assert double.asked == []
    made = api.playlist_run(**told, push=double.url, workers=1)
    assert "none of the 5 tracks of 'way'" in made.facts["without"]["way for everybody"]
    there = read_listing(tmp_path / "out" / "way.m3u8").entries
    double.songs = {f"id-{i}": (str(e.title), str(e.artist), 9) for i, e in enumerate(there[1:])}
    made = api.playlist_run(**told, push=double.url, workers=1)
    pushed = made.facts["lists"][0]["pushed"]
    assert (pushed["name"], pushed["songs"], pushed["lost"]) == ("way", 4, [str(there[0])])


SUPYSONIC = os.environ.get("SUPYSONIC") or str(Path(shutil.which("supysonic-server") or "/none").parent)


@pytest.mark.slow
def test_a_real_server_takes_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (Path(SUPYSONIC) / "supysonic-server").exists():
        pytest.skip(
            "no server: python -m venv V && V/bin/pip install supysonic waitress && SUPYSONIC=V/bin pytest -m slow ..."
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _music(tmp_path / "music")
    (tmp_path / "supysonic.conf").write_text(
        f"[base]\ndatabase_uri = sqlite:///{tmp_path}/db.sqlite\n[webapp]\ncache_dir = {tmp_path}/cache\n"
        f"[daemon]\nrun_watcher = off\nsocket = {tmp_path}/sock\n"
    )
    monkeypatch.chdir(tmp_path)
    cli = f"{SUPYSONIC}/supysonic-cli"
    for words in (["user", "add", "alice", "-p", "secret"], ["folder", "add", "m", str(tmp_path / "music")]):
        subprocess.run([cli, *words], check=True, capture_output=True)
    subprocess.run([cli, "folder", "scan", "m"], check=True, capture_output=True)
    words = [f"{SUPYSONIC}/supysonic-server", "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = Server(f"http://127.0.0.1:{port}", ENVIRONMENT)
        _wait(server)
        first = server.push("mix", entries(1, 0, 3))
        again = server.push("mix", entries(0))
        held = server.ask("getPlaylist", {"id": again.id})["playlist"]
        assert (first.songs, first.lost, again.id) == (2, ["Nobody – Lost"], first.id)
        assert [song["title"] for song in held["entry"]] == ["Song 0"]
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(server: Server) -> None:
    for _ in range(100):
        try:
            server.ask("ping")
            return
        except DataError:
            time.sleep(0.2)


def _music(folder: Path) -> None:
    import soundfile

    folder.mkdir()
    for i, (title, artist, seconds) in enumerate(SONGS[:3]):
        with soundfile.SoundFile(folder / f"{i}.ogg", "w", 8000, 1, format="OGG", subtype="VORBIS") as file:
            file.title, file.artist, file.album = title, artist, "Road"
            file.write(0.1 * np.sin(np.arange(8000 * seconds) * (i + 1) / 9))
