"""An index on disk: vectors as plain arrays, and FAISS files that are only a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import ArtefactError
from recsys.index.group import Group

NAME = "index.json"


def save(folder: Path, blocks: Mapping[str, int], tracks: int, groups: list[Group]) -> None:
    """Write all groups into an existing folder."""
    content = {"blocks": dict(blocks), "tracks": tracks, "groups": [group.facts() for group in groups]}
    (folder / NAME).write_text(json.dumps(content, indent=1), encoding="utf-8")
    for number, group in enumerate(groups):
        np.save(folder / f"vectors-{number}.npy", group.vectors)
        if group.rows is not None:
            np.save(folder / f"rows-{number}.npy", group.rows)
        if group.near is not None:
            group.near.dumps().tofile(folder / f"index-{number}.faiss")


def open(folder: Path, sha256: Mapping[str, str], threads: int) -> tuple[dict[str, int], int, list[Group]]:
    """Blocks, number of tracks and groups of a saved index.

    Raises:
        ArtefactError: missing or damaged files.
    """
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        groups = [_group(folder, i, facts, content["tracks"]) for i, facts in enumerate(content["groups"])]
        for number, (group, facts) in enumerate(zip(groups, content["groups"], strict=True)):
            if facts["kind"] != "exact":
                file = folder / f"index-{number}.faiss"
                _attach(group, facts["kind"], file, sha256.get(file.name), threads)
        return content["blocks"], content["tracks"], groups
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ArtefactError):
            raise
        raise ArtefactError(f"{folder} holds no sound index ({error}); train again") from error


def _group(folder: Path, number: int, facts: Mapping[str, Any], tracks: int) -> Group:
    vectors = _array(folder / f"vectors-{number}.npy", np.float32, (facts["tracks"], sum(facts["dimensions"].values())))
    rows = None
    if facts["tracks"] != tracks:
        rows = _array(folder / f"rows-{number}.npy", np.int32, (facts["tracks"],))
        if len(rows) and not (rows[0] >= 0 and rows[-1] < tracks and (np.diff(rows) > 0).all()):
            raise ArtefactError(f"{folder}/rows-{number}.npy: rows must ascend within 0..{tracks - 1}; train again")
    return Group(rows, facts["dimensions"], vectors, None, facts["efforts"], facts["recall@10"])


def _array(path: Path, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """A mapped array, seen as a plain one."""
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    if found.dtype != dtype or found.shape != shape:
        raise ArtefactError(f"{path} is {found.dtype} {found.shape}; expected {np.dtype(dtype)} {shape}; train again")
    return np.asarray(found)


def _attach(group: Group, kind: str, file: Path, promised: str | None, threads: int) -> None:
    """Read the FAISS file if it is what was promised, else build it again."""
    from recsys.index.approximate import Approximate

    if promised is not None and file.is_file():
        data = np.fromfile(file, np.uint8)  # hashed and read from one copy, so that it can't change in between
        if hashlib.sha256(data.data).hexdigest() == promised:
            group.near = Approximate.loads(data, kind, group.vectors)  # type: ignore[arg-type]
    if group.near is None:
        group.index(kind, 0, threads)
    elif group.near.vectors is not group.vectors:
        group.vectors = group.near.vectors  # in memory once, not also mapped
