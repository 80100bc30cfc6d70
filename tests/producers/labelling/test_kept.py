"""Models on disk: the same after opening, and refused when they are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recsys import manifest
from recsys.errors import ArtefactError
from recsys.producers.labelling.choosing import Chooser
from recsys.producers.labelling.kept import FACTS, KIND, open_model, write_model
from tests.producers.clips import made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    examples, target = made()
    folder = tmp_path_factory.mktemp("model")
    write_model(folder, [Chooser(examples, ["linear"]).choose(target).learned], examples.names)
    manifest.seal(folder, KIND, {})
    return folder


def copy(model: Path, to: Path) -> Path:
    for path in model.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def changed(folder: Path, **facts: object) -> Path:
    told = json.loads((folder / FACTS).read_text()) | facts
    (folder / FACTS).write_text(json.dumps(told))
    manifest.seal(folder, KIND, {})
    return folder


def test_an_opened_model_predicts_as_before(model: Path) -> None:
    examples, target = made()
    learned = Chooser(examples, ["linear"]).choose(target).learned
    opened = open_model(model)
    assert opened.names == examples.names
    others = made(seed=9)[0]
    assert (opened.learned[0].predict(others).mean == learned.predict(others).mean).all()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"model_schema": 0}, "schema 0; expected 1: learn again"),
        ({"model_schema": 99}, "upgrade recsys"),
        ({"front": "0" * 12}, "another version of the analysis"),
        ({"targets": [{"name": "x"}]}, "learn again"),
    ],
)
def test_other_versions_are_refused(model: Path, tmp_path: Path, facts: dict[str, object], message: str) -> None:
    with pytest.raises(ArtefactError, match=message):
        open_model(changed(copy(model, tmp_path), **facts))


def test_altered_models_are_refused(model: Path, tmp_path: Path) -> None:
    path = copy(model, tmp_path) / "0-linear.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtefactError, match="content differs"):
        open_model(tmp_path)


def test_objects_are_neither_written_nor_read(model: Path, tmp_path: Path) -> None:
    copy(model, tmp_path)
    np.savez(tmp_path / "0-linear.npz", middle=np.array([{"a": 1}], object))
    manifest.seal(tmp_path, KIND, {})
    with pytest.raises(ArtefactError, match="plain arrays"):
        open_model(tmp_path)


def test_another_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="never finished"):
        open_model(tmp_path)
