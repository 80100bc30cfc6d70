"""A trained engine on disk: ``<bundles>/<UTC>-<hash>/`` folders and a CURRENT file that names the live one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import ArtefactError, DataError

KIND = "bundle"
CURRENT = "CURRENT"
Arrays = Mapping[str, NDArray[Any]]


def create(bundles: Path, write: Callable[[Path], Mapping[str, Any]], *, time: float) -> Path:
    """Make a new bundle and point CURRENT at it; what was there stays until someone removes it.

    Args:
        bundles: the folder that holds all versions of this engine.
        write: fills an empty folder and returns facts for the manifest.
        time: when this was made, Unix seconds UTC; part of the name.

    Raises:
        ArtefactError: ``bundles`` is a file.
    """
    if bundles.is_file():
        raise ArtefactError(f"{bundles} is a file; expected a folder for bundles")
    with manifest.working_folder(bundles, "making") as work:
        sealed = manifest.seal(work, KIND, write(work))
        target = bundles / f"{_stamp(time)}-{content_hash(sealed['files'])}"
        if target.exists():
            shutil.rmtree(target)
        os.replace(work, target)
    manifest.write_bytes(bundles / CURRENT, (target.name + "\n").encode())
    return target


def resolve(path: Path) -> Path:
    """The bundle that ``path`` means: itself, or the one its CURRENT file names.

    Raises:
        ArtefactError: neither; or CURRENT names something outside the folder or not there.
    """
    if manifest.find(path):
        return path
    pointer = path / CURRENT
    if not pointer.is_file():
        raise ArtefactError(f"{path} holds no bundle; make one with: recsys train --tables TABLES --out {path}")
    name = pointer.read_text(encoding="utf-8").strip()
    target = path / name
    if not name or Path(name).name != name or not target.is_dir():
        raise ArtefactError(f"{pointer} names {name!r}, which is not a bundle in {path}; train again")
    return target


def save_arrays(folder: Path, arrays: Arrays) -> None:
    """One .npy file per array, so that opening maps it instead of reading it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in arrays.items():
        if Path(name).name != name:
            raise DataError(f"array name {name!r} is not a plain file name")
        np.save(folder / f"{name}.npy", np.asarray(values, order="C"), allow_pickle=False)


def open_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a folder, memory-mapped and read-only."""
    paths = sorted(folder.glob("*.npy"))
    return {path.stem: _map(path) for path in paths}


def _map(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:  # what can't be mapped: an empty array, or not an array at all
        try:
            return np.load(path, allow_pickle=False)
        except ValueError:
            raise ArtefactError(f"{path} is not a plain array ({error}); train again") from error


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y%m%dT%H%M%SZ")


def content_hash(files: Mapping[str, Any]) -> str:
    """Eight letters that stand for the files of a manifest; the end of a bundle's name."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:8]
