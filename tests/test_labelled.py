"""What was learned reaches the listener: labels of files, of tracks, and of tracks that come late."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys import api, cli, manifest
from recsys.audio.describe import lines
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError
from recsys.freshness import fingerprint
from recsys.producers.tagging.ask import ask
from recsys.producers.tagging.kept import KIND, save, told
from recsys.settings import Settings, parse
from recsys.tables.predicted import is_predicted
from recsys.verbs.labelled import LESSONS, MODEL, library_of, said_now
from recsys.verbs.raw import labels_of
from tests.producers.clips import KINDS, RATE, clip, write_clips

pytest.importorskip("soxr")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips, a model of their kinds, features of four of them, and labels that the model gave these."""
    from recsys.audio.store import open_features

    folder = tmp_path_factory.mktemp("labelled")
    write_clips(folder)
    given = {"labels": folder / "labels.csv", "target": "kind", "arms": "linear", "cache": folder / "heard"}
    api.learn_classification(folder, **given, out=folder / "model", workers=1)
    (folder / "music").mkdir()
    for number in range(4):
        shutil.copy(folder / "audio" / f"{number:02}.wav", folder / "music")
    features = folder / "features"
    api.analyze([folder / "music"], out=features, workers=1)
    heard = open_features(features)
    library = library_of(heard, (), Settings(), folder / "work", 1, None)
    from recsys.producers.labelling.kept import open_model

    said = ask(library, open_model(folder / "model"), None, fingerprint(folder / "model")[:8])
    with manifest.fresh_folder(labels_of(features)) as work:
        shutil.copytree(folder / "model", work / MODEL)
        np.save(work / LESSONS, np.zeros(0, np.uint64))
        save(work, list(library.digests), said)
        manifest.seal(work, KIND, {"targets": told(said), "made_from": {}, "tracks": 4})
    return folder


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A file that no library has."""
    path = tmp_path / "stranger.wav"
    soundfile.write(path, clip("tone", 77), RATE)
    return path


def test_a_file_of_no_library_is_told_with_chances(home: Path, stranger: Path) -> None:
    version = fingerprint(home / "model")[:8]
    by_library = api.describe(stranger, features=home / "features")["labels"]["kind"]
    by_model = api.describe(stranger, model=home / "model")["labels"]["kind"]
    assert by_library["predicted"] == by_model["predicted"]
    assert next(iter(by_model["predicted"])) == "tone"
    assert sum(by_model["predicted"].values()) == pytest.approx(1, abs=1e-3)
    assert (by_library["by"], by_model["by"]) == (f"library@{version}", f"model@{version}")
    assert "labels" not in api.describe(stranger)


def test_a_track_is_told_with_what_was_said_of_it(home: Path) -> None:
    from recsys.audio.store import open_features

    catalogue = open_features(home / "features").catalogue
    for track, path in catalogue["path"].items():
        labels = api.describe(str(track), features=home / "features")["labels"]["kind"]["predicted"]
        assert next(iter(labels)) == KINDS[int(Path(path).stem) % 3]


def test_the_command_prints_chances(
    home: Path, stranger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["recsys", "describe", str(stranger), "--model", str(home / "model")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    assert "% (predicted by model@" in capsys.readouterr().out


def test_the_genre_that_is_told_first_is_the_one_that_is_known(home: Path, stranger: Path) -> None:
    said = api.describe(stranger, model=home / "model")
    labels = {"given": ["House"]}, {"predicted": {"Jazz": 0.9}, "by": "library@1"}
    for label, text in zip(labels, ("House (given)", "Jazz 90 % (predicted by library@1)"), strict=True):
        assert f"  genre      {text}" in list(lines(said | {"labels": {"genre": label}}))
    assert "  genre      unknown" in list(lines(said))


def test_instruments_are_not_learned_beside_those_that_are_heard(home: Path, tmp_path: Path) -> None:
    settings = parse({"label": {"targets": ["instrument"]}})
    facts = api.label(home / "features", out=tmp_path / "labels", settings=settings, workers=1).facts
    assert "label.instruments = false" in facts["not learned"]["instrument"]
    assert facts["targets"]["instrument"]["by"].startswith("instruments@")


def test_what_no_model_can_say_is_one_line(home: Path, stranger: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError):
        api.describe(stranger, model=tmp_path)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(RATE, np.float32), RATE)
    with pytest.raises(DataError, match="it is silent"):
        api.describe(silent, model=home / "model")


def test_tracks_that_come_late_get_predictions_and_others_keep_theirs(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "library"
    for part in ("music", "features", "features-labels"):
        shutil.copytree(home / part, root / part)
    api.analyze([root / "music"], out=root / "features", workers=1)
    tracks = root / "tracks.csv"
    pd.DataFrame({"track_id": ["x"], "path": [str(root / "music" / "00.wav")], "kind": ["drum"]}).to_csv(tracks)
    api.ingest(tracks=[tracks], features=root / "features", out=root / "tables")
    kept = parse({"train": {"keep": ["tagger:kind"]}})
    base = api.train(root / "tables", out=root / "bundles", settings=kept).path
    for number in (4, 5):
        shutil.copy(home / "audio" / f"{number:02}.wav", root / "music")
    api.analyze([root / "music"], out=root / "features", workers=1)
    made = api.update(base, features=root / "features").path
    engine = Engine.open(made)
    before, after = (one.catalogue.frame.set_index("path") for one in (Engine.open(base), engine))
    assert engine.contents["tagger:kind"].known.all()
    assert "tagger:kind" not in Engine.open(api.train(root / "tables", out=root / "usual").path).contents
    assert len(after) == len(before) + 2
    late = after.loc[after.index.difference(before.index)].sort_index()
    assert [labels[0] for labels in late["kind_predicted"]] == list(KINDS[1:])
    assert late["kind"].isna().all(), "predicted is never given"
    assert after.loc[before.index, "kind"].notna().sum() == 1
    known = [name for name in before if is_predicted(str(name), before)]
    pd.testing.assert_frame_equal(after.loc[before.index, known], before[known], check_dtype=False)
    assert before["kind_by"].isna().tolist() == before["kind"].notna().tolist(), (
        "of what was given nothing is predicted"
    )
    asked = said_now(root / "features")
    assert asked is not None
    assert asked.said["kind"].known.all()
    assert manifest.problems(labels_of(root / "features")) == []
