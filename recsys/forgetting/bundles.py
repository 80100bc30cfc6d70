"""Bundles and tables without one listener: their row taken out of every array that has a row for each listener."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp

from recsys import bundle, manifest
from recsys.forgetting.files import rewrite_table
from recsys.forgetting.who import Who
from recsys.listening import PLAYS, SKIPS
from recsys.tables import IdMap, card
from recsys.tables.dataset import LAYERS, LISTENERS
from recsys.tables.storage import read_ids, write_ids

OWN = {"kind", "schema", "packages", "kernels", "files"}  # what sealing writes itself
PER_LISTENER = ("users", "latest", "people.points")  # arrays of models that have a row for each trained listener
USERS, SEQUENCES = "users.parquet", "heard"
Counts = dict[str, int]


def rebuilt_bundle(folder: Path, who: Who) -> tuple[Path, Counts] | None:
    """A bundle's successor without the listener, in the place of the old one; None where they are not in it.

    The successor keeps the time in its name, and CURRENT follows it. The old one goes last, so that a killed run can
    be done again.
    """
    users = read_ids(folder / USERS, "user")
    row = who.row(users)
    if row < 0:
        return None
    with manifest.working_folder(folder.parent, "making") as work:
        shutil.copytree(folder, work, dirs_exist_ok=True)
        left, heard, counts = _fewer(work, users, row)
        counts |= _models(work / "model", row) | _sequences(work / "next", heard)
        facts = {name: fact for name, fact in manifest.read(work).items() if name not in OWN}
        sealed = manifest.seal(work, bundle.KIND, {**facts, **_about(left, facts)})
        made = folder.with_name(f"{folder.name.rpartition('-')[0]}-{bundle.content_hash(sealed['files'])}")
        shutil.rmtree(made, ignore_errors=True)
        os.replace(work, made)
    _point(folder, made)
    shutil.rmtree(folder)
    return made, counts


def _fewer(work: Path, users: IdMap, row: int) -> tuple[IdMap, np.ndarray[Any, Any], Counts]:
    """The listeners that are left, the tracks that the one had heard, and what was removed."""
    left = IdMap.sorted(np.delete(users.ids, row), "user")
    write_ids(work / USERS, left)
    plays, heard = _listening(work / PLAYS, row)
    skips, _ = _listening(work / SKIPS, row) if (work / SKIPS).is_dir() else (0, heard)
    _told(work)
    return left, heard, {"listeners": 1, "histories": plays, "skips": skips}


def _told(work: Path) -> None:
    """Say in the card, where there is one, that its counts are from before."""
    if (work / card.NAME).is_file():
        with open(work / card.NAME, "a", encoding="utf-8") as file:
            file.write(card.CHANGED)


def _listening(folder: Path, row: int) -> tuple[int, np.ndarray[Any, Any]]:
    """Take one row out of a stored CSR matrix; returns its entries and their columns."""
    arrays = {name: np.array(values) for name, values in bundle.open_arrays(folder).items()}
    start, end = arrays["indptr"][row : row + 2]
    heard = arrays["indices"][start:end].copy()
    for name in ("data", "indices", "time"):
        if name in arrays:
            arrays[name] = np.delete(arrays[name], slice(start, end))
    arrays["indptr"] = np.delete(arrays["indptr"], row + 1)
    arrays["indptr"][row + 1 :] -= end - start
    bundle.save_arrays(folder, arrays)
    return int(end - start), heard


def _models(folder: Path, row: int) -> Counts:
    """Take their row out of the arrays of a model, or of the members of a mix, that have one for each listener."""
    found = {}
    for path in sorted(folder.glob("*.npy")) if folder.is_dir() else []:
        values = np.load(path, allow_pickle=False)
        if per_listener(path.stem) and values.ndim and row < len(values):
            np.save(path, np.delete(values, row, axis=0), allow_pickle=False)
            found[f"model/{path.stem}"] = 1
    return found


def per_listener(name: str) -> bool:
    """Whether an array of a model has a row for each trained listener.

    >>> [per_listener(name) for name in ("users", "3.users", "0.people.points", "listeners", "points")]
    [True, True, True, False, False]
    """
    return re.sub(r"^(\d+\.)+", "", name) in PER_LISTENER


def _sequences(folder: Path, heard: np.ndarray[Any, Any]) -> Counts:
    """Take out kept sequences that may be theirs: all whose every track is among those they had heard."""
    if not (folder / f"{SEQUENCES}.indptr.npy").is_file():
        return {}
    parts = {name: np.load(folder / f"{SEQUENCES}.{name}.npy") for name in ("data", "indices", "indptr", "shape")}
    held = sp.csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=tuple(parts["shape"]))
    strange = np.bincount(
        np.repeat(np.arange(held.shape[0]), np.diff(held.indptr)),
        weights=~np.isin(held.indices, heard),
        minlength=held.shape[0],
    )
    left = held[np.flatnonzero(strange > 0)]
    for name in parts:
        np.save(folder / f"{SEQUENCES}.{name}.npy", np.asarray(getattr(left, name)), allow_pickle=False)
    return {"next/sequences": int((strange == 0).sum())}


def _about(left: IdMap, facts: dict[str, Any]) -> dict[str, Any]:
    prints = {**facts.get("fingerprints", {}), "users": left.fingerprint}
    return {"users": len(left), "fingerprints": prints, "forgotten": int(facts.get("forgotten", 0)) + 1}


def _point(old: Path, new: Path) -> None:
    """CURRENT follows a bundle that was rebuilt."""
    pointer = old.parent / bundle.CURRENT
    if pointer.is_file() and pointer.read_text(encoding="utf-8").strip() == old.name:
        manifest.write_bytes(pointer, (new.name + "\n").encode())


def rebuilt_tables(folder: Path, who: Who) -> Counts | None:
    """Tables without the listener, in the place of the old ones; None where they are not in them."""
    users = read_ids(folder / USERS, "user")
    row = who.row(users)
    if row < 0:
        return None
    facts = {name: fact for name, fact in manifest.read(folder).items() if name not in OWN}
    left = IdMap.sorted(np.delete(users.ids, row), "user")
    with manifest.fresh_folder(folder) as work:
        shutil.copytree(folder, work, dirs_exist_ok=True)
        write_ids(work / USERS, left)
        counts = {layer: _layer(work / f"{layer}.parquet", row) for layer in LAYERS[:3] if layer in facts["rows"]}
        if (work / LISTENERS).is_file():
            rewrite_table(work / LISTENERS, np.arange(len(users)) != row)
        counts["rejects"] = _rejects(work / "rejects.parquet", who)
        _told(work)
        kept = {layer: n - counts.get(layer, 0) for layer, n in facts["rows"].items()}
        manifest.seal(work, "tables", {**facts, **_about(left, facts), "rows": kept})
    return {"listeners": 1, **counts}


def _layer(path: Path, row: int) -> int:
    """Take one listener's events out of a layer, and move up those after them."""
    user = pq.read_table(path, columns=["user"])["user"].to_numpy()

    def moved(table: pa.Table) -> pa.Table:
        rows = table["user"].to_numpy()
        place = table.schema.get_field_index("user")
        return table.set_column(place, table.schema.field(place), pa.array((rows - (rows > row)).astype(rows.dtype)))

    rewrite_table(path, user != row, moved)
    return int((user == row).sum())


def _rejects(path: Path, who: Who) -> int:
    """Take out rejected rows whose reason quotes the listener."""
    if not path.is_file() or not who.searchable:
        return 0
    found: pd.DataFrame = pd.read_parquet(path)
    theirs = found.astype(str).agg(" ".join, axis=1).map(lambda text: bool(who.word.search(text.encode())))
    if len(found) and theirs.any():
        rewrite_table(path, ~theirs.to_numpy(bool))
    return int(theirs.sum()) if len(found) else 0
