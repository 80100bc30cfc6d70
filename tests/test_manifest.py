"""Folders that are whole or absent, and checked before they are believed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from recsys import bundle, manifest
from recsys.errors import ArtefactError


def make(target: Path, text: str = "one") -> None:
    with manifest.fresh_folder(target) as work:
        (work / "a.txt").write_text(text)
        manifest.seal(work, "thing", {"seed": 1})


def test_what_was_sealed_is_sound(tmp_path: Path) -> None:
    make(tmp_path / "x")
    assert manifest.read(tmp_path / "x", "thing")["seed"] == 1
    assert manifest.problems(tmp_path / "x") == []


def test_a_failed_block_leaves_the_old_folder(tmp_path: Path) -> None:
    make(tmp_path / "x")

    def fail() -> None:
        with manifest.fresh_folder(tmp_path / "x") as work:
            (work / "a.txt").write_text("two")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert (tmp_path / "x" / "a.txt").read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_second_one_replaces_the_first(tmp_path: Path) -> None:
    make(tmp_path / "x")
    make(tmp_path / "x", "two")
    assert (tmp_path / "x" / "a.txt").read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_killed_between_the_renames_is_recovered(tmp_path: Path) -> None:
    make(tmp_path / "x")
    (tmp_path / "x").rename(tmp_path / ".x.old")
    manifest.recover(tmp_path / "x")
    assert manifest.problems(tmp_path / "x") == []


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".x.999999999.tmp").mkdir()
    (tmp_path / f".x.{os.getppid()}.tmp").mkdir()
    make(tmp_path / "x")
    assert {p.name for p in tmp_path.iterdir()} == {"x", f".x.{os.getppid()}.tmp"}


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.txt").write_text("mine")
    with pytest.raises(ArtefactError, match="not made by recsys"):
        make(tmp_path / "x")
    assert (tmp_path / "x" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("change", ["edit", "grow", "remove"])
def test_every_change_is_found(tmp_path: Path, change: str) -> None:
    make(tmp_path / "x")
    path = tmp_path / "x" / "a.txt"
    path.unlink() if change == "remove" else path.write_text("two" if change == "edit" else "longer")
    assert len(manifest.problems(tmp_path / "x")) == 1


def test_a_manifest_may_not_point_outside(tmp_path: Path) -> None:
    make(tmp_path / "x")
    (tmp_path / "secret").write_text("s")
    path = tmp_path / "x" / manifest.NAME
    content = json.loads(path.read_text())
    content["files"]["../secret"] = {"bytes": 1, "sha256": manifest.sha256(tmp_path / "secret")}
    path.write_text(json.dumps(content))
    assert manifest.problems(tmp_path / "x") == ["../secret: points outside the folder"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"files": 3, "schema": 1}'])
def test_a_broken_manifest_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / manifest.NAME).write_text(content)
    with pytest.raises(ArtefactError, match="make the folder again"):
        manifest.read(tmp_path)


def test_a_newer_schema_says_upgrade(tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_text('{"files": {}, "schema": 99, "kind": "thing"}')
    with pytest.raises(ArtefactError, match="schema 99, newer than"):
        manifest.read(tmp_path)


def test_current_names_the_newest_bundle_and_old_ones_stay(tmp_path: Path) -> None:
    def write(text: str):  # type: ignore[no-untyped-def]
        def fill(folder: Path) -> dict[str, int]:
            (folder / "a").write_text(text)
            return {}

        return fill

    first = bundle.create(tmp_path, write("one"), time=0)
    second = bundle.create(tmp_path, write("two"), time=0)
    assert bundle.resolve(tmp_path) == second
    assert bundle.resolve(first) == first
    assert first.name.startswith("19700101T000000Z-")


@pytest.mark.parametrize("name", ["../elsewhere", "/", "gone", ""])
def test_current_must_name_a_bundle_inside(tmp_path: Path, name: str) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path.parent / "elsewhere").mkdir(exist_ok=True)
    (tmp_path / bundle.CURRENT).write_text(name)
    with pytest.raises(ArtefactError, match="train again"):
        bundle.resolve(tmp_path)
