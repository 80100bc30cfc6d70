"""A server in this process over the sample world, and a client that asks it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
import httpx

from recsys import api, bundle
from recsys.serving.options import Options
from recsys.settings import parse
from tests.serving.server import running

Serve = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def sounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample world with sound, analysed and trained: ``raw`` and ``bundles``."""
    pytest.importorskip("soxr")
    from recsys.sources.sample import write_world

    folder = tmp_path_factory.mktemp("sounding")
    write_world(folder / "raw", tracks=24, listeners=30)
    features = api.analyze([folder / "raw" / "audio"], out=folder / "features").path
    plays, tracks = [folder / "raw" / "plays.csv"], [folder / "raw" / "tracks.csv"]
    api.ingest(plays, tracks=tracks, features=features, out=folder / "tables")
    small = parse({"models": {"ials": {"factors": 8, "iterations": 3}}})
    api.train(folder / "tables", out=folder / "bundles", model="ials", settings=small)
    return folder


@pytest.fixture
def served() -> Iterator[Serve]:
    """A function that starts a server over a bundle with options."""
    with ExitStack() as stack:

        def start(path: Path, *, limits: dict[str, Any] | None = None, **options: Any) -> httpx.Client:
            return stack.enter_context(running(path, Options(**options, settings=parse({"serve": limits or {}}))))

        yield start


@pytest.fixture(scope="session")
def ask(bundle: Path) -> Iterator[httpx.Client]:
    """A client of a server over the small bundle without sound."""
    with running(bundle, Options()) as client:
        yield client


@pytest.fixture(scope="session")
def hear(sounding: Path) -> Iterator[httpx.Client]:
    """A client of a server over the bundle with sound."""
    with running(sounding / "bundles", Options(library=(sounding / "raw" / "audio",))) as client:
        yield client


@pytest.fixture
def bundles(bundle: Path, tmp_path: Path) -> Path:
    """A folder of two bundles, the same but for their names; CURRENT names the first."""
    from recsys.bundle import resolve

    first = resolve(bundle)
    for name in ("20260101T000000Z-00000001", "20260102T000000Z-00000002"):
        shutil.copytree(first, tmp_path / "two" / name)
    point(tmp_path / "two", "20260101T000000Z-00000001")
    return tmp_path / "two"


def point(bundles: Path, name: str) -> None:
    """Make a bundle the newest."""
    from recsys.manifest import write_bytes

    write_bytes(bundles / bundle.CURRENT, f"{name}\n".encode())
