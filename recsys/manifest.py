"""A folder with a manifest: written whole or not at all, and verified before it is believed.

Tables, bundles and outputs are all such folders. The manifest lists every file with its size and
sha256; a folder without one was never finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from recsys.errors import ArtefactError
from recsys.machine import kernels

SCHEMA = 1
NAME = "manifest.json"
OUTPUT_NAME = "_manifest.json"  # readers of a folder of Parquet parts skip names that begin with "_"
PACKAGES = (
    *("recsys", "numpy", "scipy", "pandas", "pyarrow", "polars", "numba", "implicit", "faiss-cpu"),
    *("torch", "scikit-learn"),
)


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex; constant memory."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Installed versions of the packages that can move a number."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically, keys in the order given."""
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def find(folder: Path) -> Path | None:
    """The manifest of a folder, under either of its two names."""
    return next((folder / name for name in (NAME, OUTPUT_NAME) if (folder / name).is_file()), None)


def seal(folder: Path, kind: str, facts: Mapping[str, Any], *, name: str = NAME) -> dict[str, Any]:
    """List every file of ``folder`` with size and hash; the manifest comes last: now the folder is finished."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in (NAME, OUTPUT_NAME))
    files = {str(p.relative_to(folder)): {"bytes": p.stat().st_size, "sha256": sha256(p)} for p in paths}
    content = {"kind": kind, "schema": SCHEMA, **facts, "packages": versions(), "kernels": kernels(), "files": files}
    write_json(folder / name, content)
    return content


def read(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """The manifest of a finished folder.

    Raises:
        ArtefactError: no folder, no manifest, another kind, or a schema newer than this version knows.
    """
    if not folder.is_dir():
        raise ArtefactError(f"{folder} is not a folder; expected {_a(kind)}")
    path = find(folder)
    if path is None:
        raise ArtefactError(f"{folder} has no {NAME}, so it is not {_a(kind)} or was never finished; make it again")
    content = _parse(path)
    if kind is not None and content.get("kind") != kind:
        raise ArtefactError(f"{folder} holds {_a(content.get('kind'))}; expected {_a(kind)}")
    if int(content["schema"]) > SCHEMA:
        raise ArtefactError(
            f"{folder} has schema {content['schema']}, newer than the {SCHEMA} known here; upgrade recsys"
        )
    return content


def problems(folder: Path) -> list[str]:
    """Everything that differs from what the manifest promises; empty when the folder is sound."""
    found = []
    for name, promised in read(folder)["files"].items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            found.append(f"{name}: points outside the folder")
        elif not path.is_file():
            found.append(f"{name}: missing")
        elif path.stat().st_size != promised["bytes"]:
            found.append(f"{name}: {path.stat().st_size} bytes, expected {promised['bytes']}")
        elif sha256(path) != promised["sha256"]:
            found.append(f"{name}: content differs from its sha256")
    return found


def replaceable(target: Path) -> None:
    """Refuse a folder that must not be replaced, before work is spent on what is to replace it.

    Raises:
        ArtefactError: ``target`` holds something that this package did not make.
    """
    if target.exists() and not (target.is_dir() and (find(target) or not any(target.iterdir()))):
        raise ArtefactError(f"{target} exists and was not made by recsys; name another folder or move it away")


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """A working folder that takes the place of ``target`` when the block ends well, and else vanishes.

    Raises:
        ArtefactError: ``target`` holds something that this package did not make.
    """
    recover(target)
    replaceable(target)
    with working_folder(target.parent, target.name) as work:
        yield work
        _swap(work, target)


@contextmanager
def working_folder(parent: Path, name: str) -> Iterator[Path]:
    """An empty hidden folder of this process in ``parent``; gone at the end, and so are those of killed processes."""
    parent.mkdir(parents=True, exist_ok=True)
    for path in parent.glob(f".{name}.*.tmp"):
        if not alive(path.name.split(".")[-2]):
            shutil.rmtree(path, ignore_errors=True)
    work = parent / f".{name}.{os.getpid()}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def recover(target: Path) -> None:
    """Put back what an earlier run had moved aside when it was killed between its two renames."""
    aside = _aside(target)
    if aside.exists() and not target.exists():
        os.replace(aside, target)
    shutil.rmtree(aside, ignore_errors=True)


def alive(pid: str) -> bool:
    """Whether a process of this number runs (or may run: it is somebody else's)."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _swap(work: Path, target: Path) -> None:
    aside = _aside(target)
    if target.exists():
        os.replace(target, aside)
    os.replace(work, target)
    shutil.rmtree(aside, ignore_errors=True)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{path} is not readable JSON ({error}); make the folder again") from error
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict) or "schema" not in content:
        raise ArtefactError(f"{path} is not a recsys manifest; make the folder again")
    return content


def _a(kind: str | None) -> str:
    return f"a recsys {kind} folder" if kind else "a recsys artefact"
