"""The newcomer's first command, on a very small world that is there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys import demo
from recsys.manifest import find
from recsys.sources.sample import write_world


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_world(tmp_path / demo.WORLD, tracks=24, listeners=24)
    return tmp_path


@pytest.mark.slow
def test_everything_is_made_and_told(home: Path) -> None:
    told = demo.play(home)
    for place in ("features/sample", "tables/sample", "out/sample/recs"):
        assert find(home / "data" / place) is not None
        assert str(home / "data" / place) in told
    assert "24 tracks heard" in told
    assert told.count("alike in sound") >= 3
    assert "heard by the same listeners" in told
    assert (home / "data/out/sample/first-playlist.m3u8").read_text().startswith("#EXTM3U")
    assert demo.play(home) == told, "nothing is made twice"


def test_what_is_heard_is_the_worlds_own_clips(home: Path) -> None:
    settings = demo.settings(home)
    assert list(map(Path, settings.paths.audio)) == [home / demo.WORLD / "audio"]
    assert len(list((home / demo.WORLD / "audio").iterdir())) == 24
    assert settings.paths.content == []


def test_without_packages_for_sound_a_table_stands_for_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert not demo.can_hear()
    settings = demo.settings(home, sound=demo.can_hear())
    assert settings.paths.audio == []
    assert Path(settings.paths.content[0]).is_file()
