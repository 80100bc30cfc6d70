"""Lists load in a real player from a music folder, and hold what the XSPF and JSPF documents ask of them."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote
from xml.etree import ElementTree

import pytest

from recsys import api
from recsys.engine import Engine

NS = "{http://xspf.org/ns/0/}"
ONCE = {"title", "creator", "annotation", "info", "location", "identifier", "image", "date", "license", "trackList"}
TRACK_ONCE = {"title", "creator", "annotation", "info", "image", "album", "trackNum", "duration"}
TRACK_MANY = {"location", "identifier", "link", "meta", "extension"}
URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")


def valid_xspf(text: str) -> list[dict[str, list[str]]]:
    """The tracks of an XSPF 1 document that keeps the rules of its schema."""
    playlist = ElementTree.fromstring(text)
    assert (playlist.tag, playlist.attrib) == (f"{NS}playlist", {"version": "1"})
    names = [child.tag.removeprefix(NS) for child in playlist]
    assert names.count("trackList") == 1
    assert {name for name in names if names.count(name) > 1} <= {"link", "meta", "attribution", "extension"}
    assert set(names) <= ONCE | {"link", "meta", "attribution", "extension"}
    tracks = []
    for track in playlist.find(f"{NS}trackList"):  # type: ignore[union-attr]
        assert track.tag == f"{NS}track"
        fields: dict[str, list[str]] = {}
        for child in track:
            fields.setdefault(child.tag.removeprefix(NS), []).append(child.text or "")
        assert set(fields) <= TRACK_ONCE | TRACK_MANY
        assert all(len(values) == 1 for name, values in fields.items() if name in TRACK_ONCE)
        assert all(URI.fullmatch(value) for name in ("location", "identifier") for value in fields.get(name, []))
        assert all(value.isdigit() for name in ("duration", "trackNum") for value in fields.get(name, []))
        tracks.append(fields)
    return tracks


def valid_jspf(text: str) -> list[dict[str, object]]:
    """The tracks of a JSPF document of the form that its description shows."""
    whole = json.loads(text)
    assert set(whole) == {"playlist"}
    playlist = whole["playlist"]
    assert set(playlist) <= (ONCE - {"trackList"}) | {"attribution", "link", "meta", "extension", "track"}
    assert all(isinstance(playlist[name], str) for name in playlist if name in ONCE)
    for track in playlist["track"]:
        assert set(track) <= TRACK_ONCE | TRACK_MANY
        assert all(isinstance(track[name], str) for name in track if name in TRACK_ONCE - {"trackNum", "duration"})
        assert all(
            isinstance(track[name], int) and track[name] >= 0 for name in track if name in ("trackNum", "duration")
        )
        for name in ("location", "identifier"):
            assert all(URI.fullmatch(value) for value in track.get(name, []))
            assert isinstance(track.get(name, []), list)
        assert all(URI.fullmatch(name) and isinstance(body, list) for name, body in track["extension"].items())
    return playlist["track"]


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    """A bundle of files with names that players stumble over, and the folder with them."""
    import numpy as np
    import soundfile

    music = tmp_path / "music"
    names = ["plain.ogg", "with space.ogg", "Björk – Jóga.ogg", "100% (live) [x].ogg", "#hash.ogg", "a:b;c,d'e.ogg"]
    tracks = []
    for i, name in enumerate([*names, "日本語/歌.ogg"]):
        path = music / f"album-{i}" / name
        path.parent.mkdir(parents=True)
        soundfile.write(path, 0.1 * np.sin(np.arange(4000) * (i + 1) / 9), 8000, format="OGG", subtype="VORBIS")
        tracks.append(f'{i},"Song {i}","Artist {i}",0.5,"{path.relative_to(music)}"')
    (tmp_path / "tracks.csv").write_text("track_id,title,artist,duration,path\n" + "\n".join(tracks))
    plays = [f"u{u},{t},{1 + (u * t) % 4}" for u in range(9) for t in range(7) if (u + t) % 4]
    (tmp_path / "plays.csv").write_text("user_id,track_id,plays\n" + "\n".join(plays))
    api.ingest([tmp_path / "plays.csv"], out=tmp_path / "t", tracks=[tmp_path / "tracks.csv"])
    api.train(tmp_path / "t", out=tmp_path / "b", model="itemknn")
    return tmp_path


def lists(folder: Path, suffix: str) -> Path:
    """A list of all seven tracks, written into the music folder's playlists."""
    text = (
        f'version = 1\nlibrary = "music"\n[recipe.all]\nkind = "continue"\ntracks = [0]\nn = 6\nformat = "{suffix}"\n'
    )
    (folder / "playlists.toml").write_text(text)
    api.playlist_run(
        recipes=folder / "playlists.toml", bundle=folder / "b", out=folder / "music" / "lists", workers=1, time=0
    )
    return folder / "music" / "lists" / f"all.{suffix}"


def test_xspf_and_jspf_are_valid_and_every_place_is_a_file(awkward: Path) -> None:
    xspf = lists(awkward, "xspf")
    tracks = valid_xspf(xspf.read_text())
    assert len(tracks) == 7
    assert all((xspf.parent / unquote(track["location"][0])).is_file() for track in tracks)
    jspf = lists(awkward, "jspf")
    more = valid_jspf(jspf.read_text())
    assert all((jspf.parent / unquote(track["location"][0])).is_file() for track in more)  # type: ignore[index]
    assert [track["location"] for track in more] == [track["location"] for track in tracks]


def test_what_other_programs_wrote_is_not_valid_by_chance() -> None:
    with pytest.raises(AssertionError):
        valid_xspf('<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>a</title><title>b</title></playlist>')
    with pytest.raises(AssertionError):
        valid_jspf('{"playlist": {"track": [{"location": ["a b.ogg"], "extension": {}}]}}')


@pytest.fixture
def player(awkward: Path) -> Iterator[list[str]]:
    """A running mpd over the music folder; the words that begin a call of mpc."""
    if not (shutil.which("mpd") and shutil.which("mpc")):
        pytest.skip("mpd is not installed: apt-get install mpd mpc")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = awkward / "mpd"
    home.mkdir()
    config = (
        f'music_directory "{awkward / "music"}"\nplaylist_directory "{awkward / "music" / "lists"}"\n'
        f'db_file "{home / "db"}"\nlog_file "{home / "log"}"\nbind_to_address "127.0.0.1"\nport "{port}"\n'
        'zeroconf_enabled "no"\naudio_output {\n type "null"\n name "none"\n}\n'
    )
    (home / "conf").write_text(config)
    (awkward / "music" / "lists").mkdir(exist_ok=True)
    running = subprocess.Popen(["mpd", "--no-daemon", str(home / "conf")], stderr=subprocess.DEVNULL)
    words = ["mpc", "-h", "127.0.0.1", "-p", str(port)]
    try:
        for _ in range(100):
            if subprocess.run([*words, "status"], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        subprocess.run([*words, "--wait", "update"], capture_output=True, check=True)
        yield words
    finally:
        running.terminate()
        running.wait(timeout=20)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["m3u8", "m3u", "xspf"])
def test_every_entry_resolves_in_mpd(awkward: Path, player: list[str], suffix: str) -> None:
    path = lists(awkward, suffix)
    subprocess.run([*player, "--wait", "update"], capture_output=True, check=True)
    engine = Engine.open(awkward / "b")
    wanted = set(engine.catalogue.values("path"))
    subprocess.run([*player, "clear"], capture_output=True, check=True)
    name = "all" if suffix == "m3u" else str(path.relative_to(awkward / "music"))
    loaded = subprocess.run([*player, "load", name], capture_output=True, text=True, check=False)
    queue = subprocess.run([*player, "-f", "%file%", "playlist"], capture_output=True, text=True, check=True)
    assert loaded.returncode == 0, loaded.stderr
    if suffix == "xspf":  # mpd takes the locations of XSPF, which are URIs, for paths as they stand
        wanted = {name for name in wanted if quote(name) == name}
    assert set(queue.stdout.splitlines()) == wanted
