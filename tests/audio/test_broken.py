"""Every kind of broken file in one folder, through the command line: each is flagged or fails with its cause."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from recsys import cli
from recsys.audio.store import Features, open_features
from tests.audio.sounds import noise, save
from tests.audio.test_decode import FLAWED, HOPELESS

RATES = {"4 kHz": (4000, 1), "192 kHz": (192_000, 1), "6 channels": (22050, 6)}


def command(*words: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["recsys", *map(str, words)])
        try:
            cli.main()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


def good(folder: Path) -> Path:
    """Two whole files."""
    folder.mkdir()
    for seed in range(2):
        save(folder / f"good {seed}.flac", noise(8, seed=seed))
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good files among all kinds of broken ones, each kind in a folder of its name."""
    folder = tmp_path_factory.mktemp("broken")
    music = good(folder / "music")
    for name, (make, _) in (FLAWED | HOPELESS).items():
        (music / name).mkdir()
        make(music / name)
    for name, (rate, channels) in RATES.items():
        (music / name).mkdir()
        save(music / name / "a.wav", noise(5, rate, channels), rate)
    (music / "loop").symlink_to(music)
    (music / "dangling.mp3").symlink_to(music / "nothing")
    closed = save(music / "closed.wav", noise(5, seed=7))
    closed.chmod(0)
    return folder


@pytest.fixture(scope="module")
def features(library: Path) -> Features:
    assert command("-q", "analyze", library / "music", "--out", library / "F", "--workers", 1) == 0
    return open_features(library / "F")


def kind(path: str) -> str:
    return Path(path).parent.name


def test_hopeless_files_fail_with_their_causes(library: Path, features: Features) -> None:
    failed = {kind(row.path): row.cause for row in features.failures.itertuples() if kind(row.path) != "music"}
    assert failed.keys() == HOPELESS.keys()
    for name, cause in failed.items():
        assert HOPELESS[name][1].split(";")[0] in cause
    others = {
        os.path.basename(row.path): row.cause for row in features.failures.itertuples() if kind(row.path) == "music"
    }
    closed = {} if os.access(library / "music" / "closed.wav", os.R_OK) else {"closed.wav": "the file cannot be read: "}
    expected = {"dangling.mp3": "a link that leads nowhere", **closed}
    assert others.keys() == expected.keys()
    assert all(others[name].startswith(cause) for name, cause in expected.items())
    assert features.manifest["failed"] == len(features.failures)


def test_flawed_files_are_flagged(features: Features) -> None:
    flags = {kind(path): set(row["flags"]) for _, row in features.catalogue.iterrows() for path in row["paths"]}
    for name, (_, expected) in FLAWED.items():
        assert expected <= flags[name], name
    assert "low_rate" in flags["4 kHz"]
    assert flags["192 kHz"] == set()
    assert "many_channels" in flags["6 channels"]


def test_the_others_are_unharmed(features: Features, tmp_path: Path) -> None:
    assert command("-q", "analyze", good(tmp_path / "music"), "--out", tmp_path / "F", "--workers", 1) == 0
    alone = open_features(tmp_path / "F")
    assert len(alone) == 2
    assert not alone.catalogue["flags"].map(len).any()
    for track in alone.tracks.ids:
        assert features.traits.loc[track].equals(alone.traits.loc[track])
        assert features.catalogue.loc[track, "flags"] == []


def test_inspect_names_every_failure(library: Path, features: Features, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("inspect", library / "F") == 0
    told = capsys.readouterr().out
    assert told.count("FAILED") == len(features.failures)
    assert "random bytes/a.mp3: not a sound file of a known format" in told
    assert command("-q", "analyze", library / "music", "--out", library / "F", "--json") == 0
    assert '"unchanged": true' in capsys.readouterr().out
