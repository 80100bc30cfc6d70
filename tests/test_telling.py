"""Everything known about one track, from its file, the features and a bundle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys import api, cli
from recsys.audio.sound import RATE
from recsys.errors import DataError, UnknownId
from recsys.settings import parse
from tests.audio.tones import song


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs, their features, and a bundle whose log knows one of them by path and one that has no file."""
    folder = tmp_path_factory.mktemp("telling")
    (folder / "audio").mkdir()
    for name, tonic in (("c", 0), ("g", 7)):
        soundfile.write(folder / "audio" / f"{name}.flac", np.tile(song(tonic), 2), RATE)
    api.analyze([folder / "audio"], out=folder / "data" / "features", workers=1)
    tracks = pd.DataFrame({"track_id": ["x1", "x2"], "title": ["Dawn", "Dusk"], "artist": ["Ann", "Bo"]})
    tracks["path"] = [str(folder / "audio" / "c.flac"), None]
    tracks.to_csv(folder / "tracks.csv", index=False)
    plays = [f"u{i},x{1 + (i + j) % 2}\n" for i in range(12) for j in range(2)]
    (folder / "plays.csv").write_text("user_id,track_id\n" + "".join(plays))
    given = {"tracks": [folder / "tracks.csv"], "features": folder / "data" / "features"}
    api.ingest([folder / "plays.csv"], **given, out=folder / "data" / "tables")
    api.train(folder / "data" / "tables", out=folder / "data" / "bundles" / "main", model="popularity")
    (folder / "recsys.toml").write_text("")
    return folder


def own_id(home: Path, name: str) -> str:
    return str(api.describe(home / "audio" / f"{name}.flac")["track"])


def test_a_file_an_id_and_a_path_of_the_bundle_tell_the_same_sound(home: Path) -> None:
    features, bundle = home / "data/features", home / "data/bundles/main"
    heard = api.describe(home / "audio" / "c.flac")
    stored = api.describe(own_id(home, "c"), features=features)
    listed = api.describe("x1", bundle=bundle, features=features)
    assert heard["key"]["name"] == stored["key"]["name"] == listed["key"]["name"] == "C major"
    assert listed["traits"] == stored["traits"]
    assert (listed["track"], listed["listeners"]) == ("x1", 12)
    assert listed["catalogue"]["title"] == "Dawn"
    assert "catalogue" not in stored
    assert not set(listed["catalogue"]) & {*listed["traits"], "tempo", "camelot"}, "told once"
    assert api.describe("x1", bundle=bundle)["traits"].keys() == stored["traits"].keys(), "heard from its path"


def test_the_file_of_a_track_is_told_with_its_catalogue(home: Path, tmp_path: Path) -> None:
    (tmp_path / "moved.flac").write_bytes((home / "audio" / "c.flac").read_bytes())
    told = api.describe(tmp_path / "moved.flac", bundle=home / "data/bundles/main")
    assert (told["track"], told["listeners"], told["catalogue"]["title"]) == ("x1", 12, "Dawn")
    assert told["paths"] == [str(tmp_path / "moved.flac")]
    soundfile.write(tmp_path / "other.flac", song(3), RATE)
    told = api.describe(tmp_path / "other.flac", bundle=home / "data/bundles/main")
    assert told["track"].startswith("sound:")
    assert "catalogue" not in told


def test_a_track_without_sound_is_told_by_its_catalogue(home: Path) -> None:
    told = api.describe("x2", bundle=home / "data/bundles/main", features=home / "data/features")
    assert told == {"track": "x2", "catalogue": {"title": "Dusk", "artist": "Bo"}, "listeners": 12}
    with pytest.raises(DataError, match="no sound file of x2"):
        api.describe("x2", bundle=home / "data/bundles/main", plot=home / "x.png")


def test_what_is_unknown_is_an_error_with_near_ids(home: Path) -> None:
    with pytest.raises(UnknownId, match="x1"):
        api.describe("x11", bundle=home / "data/bundles/main", features=home / "data/features")
    with pytest.raises(DataError, match="no features or bundle"):
        api.describe("gone.mp3")


def run(home: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "argv", ["recsys", "describe", *words])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_in_a_project_folders_need_not_be_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, monkeypatch, "x1") == 0
    text = capsys.readouterr().out
    assert text.startswith("Dawn – Ann\n")
    assert "C major (8B)" in text
    assert "Beats per minute" in text
    assert run(home, monkeypatch, "x2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["listeners"] == 12
    assert run(home, monkeypatch, "x2") == 0
    assert "its sound is not known" in capsys.readouterr().out
    assert run(home, monkeypatch, "x3") == 2


def test_a_picture_on_request(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    assert run(home, monkeypatch, own_id(home, "g"), "--plot", "g.png") == 0
    assert (home / "g.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_is_heard_as_the_settings_say_and_within_limits(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def alone(function: str, path: str, options: object = None) -> dict[str, object]:
        asked.append((function, path, options))
        return {"track": "x", "traits": {}}

    monkeypatch.setattr("recsys.telling.alone", alone)
    file = str(home / "audio" / "c.flac")
    wanted = parse({"analyze": {"trim": True, "loudness": -20.0, "windows": 2}})
    api.describe(file, settings=wanted)
    assert asked == [("recsys.audio.describe:describe_file", file, {"windows": 2, "trim": True, "loudness": -20.0})]


def test_a_broken_file_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "broken.mp3").write_bytes(b"\xff\xfb" + bytes(range(256)) * 20)
    assert run(home, monkeypatch, "broken.mp3") == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "broken.mp3" in told
    assert told.count("\n") == 1
