"""Copies of a recording in a library: related by ingest, shown once on request; and vectors of one's own encoder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys import api, cli
from recsys.audio.sound import RATE
from recsys.settings import parse
from recsys.tables import Dataset
from tests.audio.tones import MAJOR_SONG, MINOR_SONG, song


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four songs, the first of them also as a quieter Ogg file."""
    folder = tmp_path_factory.mktemp("copies") / "audio"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcd":
        chords = [(MAJOR_SONG + MINOR_SONG)[i] for i in rng.integers(8, size=20)]
        soundfile.write(folder / f"{name}.flac", song(int(rng.integers(12)), tuple(chords)), RATE)
    samples, _ = soundfile.read(folder / "a.flac")
    soundfile.write(folder / "z.ogg", 0.5 * samples, RATE)
    return folder


@pytest.fixture(scope="module")
def bundle(library: Path) -> Path:
    features = api.analyze([library], out=library.parent / "features", workers=2).path
    tables = api.ingest(features=features, out=library.parent / "tables").path
    return api.train(tables, out=library.parent / "bundles").path


def ids(bundle: Path) -> dict[str, Any]:
    """Track ids by file name."""
    engine = api.open_engine(bundle)
    return {Path(p).stem: t for p, t in zip(engine.catalogue.frame["path"], engine.tracks.ids, strict=True)}


def test_ingest_relates_the_copies(library: Path, bundle: Path) -> None:
    related = pd.read_parquet(library.parent / "tables" / "relations.parquet")
    track = ids(bundle)
    same = related[related["relation"] == "same recording"]
    assert {frozenset(pair) for pair in same[["track_a", "track_b"]].itertuples(index=False)} == {
        frozenset((track["a"], track["z"]))
    }
    named = Dataset.open(library.parent / "tables").catalogue.frame["recording"]
    assert named.notna().sum() == 2
    assert named.nunique() == 1


def test_a_copy_is_shown_once_and_never_for_itself(bundle: Path) -> None:
    track = ids(bundle)
    plain = api.similar([track["b"]], bundle=bundle, by="sound", n=4)
    assert {track["a"], track["z"]} < set(plain["track_id"])
    once = api.similar([track["b"]], bundle=bundle, by="sound", n=4, collapse=True)
    assert len({track["a"], track["z"]} & set(once["track_id"])) == 1
    assert once["rank"].tolist() == [1, 2, 3]
    own = api.similar([track["a"]], bundle=bundle, by="sound", n=4)
    assert track["z"] in set(own["track_id"])
    assert track["z"] not in set(api.similar([track["a"]], bundle=bundle, by="sound", n=4, collapse=True)["track_id"])


def test_collapse_on_the_command_line(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["recsys", "similar", ids(bundle)["a"], "--bundle", str(bundle), "--by", "sound", "-n", "3", "--collapse"]
    monkeypatch.setattr(sys, "argv", [*words, "--json"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    assert ids(bundle)["z"] not in capsys.readouterr().out


def test_an_encoder_in_the_settings_makes_a_content_space(library: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from tests.producers.encoders.test_onnx import tiny

    settings = parse({"producers": {"onnx": {"path": str(tiny(tmp_path / "tiny.onnx"))}}})
    features = library.parent / "features"
    made = api.analyze([library], out=features, settings=settings)
    assert (made.facts["encoder"], made.facts["encoded"], made.unchanged) == ("tiny@1", 5, False)
    assert api.analyze([library], out=features, settings=settings).unchanged
    tables = api.ingest(features=features, out=tmp_path / "tables", settings=settings).path
    space = Dataset.open(tables).contents["tiny-1"]
    assert space.known.all()
    assert space.dimensions == 8
