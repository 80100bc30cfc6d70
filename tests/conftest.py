"""A small sample world, its tables and a bundle, made once per run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("NUMBA_NUM_THREADS", "2")

from recsys import api
from recsys.settings import Settings, parse

hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("search")
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_runtest_setup() -> None:
    """Torch keeps to one thread: the networks of tests are so small that threads only wait for each other."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


SETTINGS = {"models": {"ials": {"factors": 16, "iterations": 4}}}


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Small models, so that tests are quick."""
    return parse(SETTINGS)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a small sample world, without sound."""
    from recsys.sources.sample import write_world

    folder = tmp_path_factory.mktemp("world") / "raw"
    write_world(folder, tracks=80, listeners=60, audio=False)
    return folder


@pytest.fixture(scope="session")
def tables(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tables."""
    out = tmp_path_factory.mktemp("tables") / "tables"
    given = {
        "tracks": [world / "tracks.csv"],
        "playlists": [world / "playlists"],
        "content": [world / "descriptors.csv"],
    }
    return api.ingest([world / "plays.csv"], out=out, **given).path


@pytest.fixture(scope="session")
def bundle(tables: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine with our iALS."""
    out = tmp_path_factory.mktemp("bundles") / "main"
    api.train(tables, out=out, model="ials", settings=settings)
    return out


@pytest.fixture(scope="session")
def blend_bundle(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine that blends."""
    out = tmp_path_factory.mktemp("bundles") / "blend"
    small = {"ials": {"factors": 16, "iterations": 4}, "itemknn": {"k": 20}, "rp3beta": {"k": 20}}
    for name in ("als", "bpr", "lightfm", "slim", "content"):
        small[name] = {}
    api.train(tables, out=out, model="blend", settings=parse({"models": small}))
    return out
