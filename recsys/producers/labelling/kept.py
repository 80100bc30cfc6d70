"""A model on disk: a folder with a manifest, what was learned as plain arrays, and what describes the examples."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import ArtefactError
from recsys.producers.labelling.hearing import front
from recsys.producers.labelling.learned import Learned
from recsys.producers.labelling.starting import Start

KIND = "model"
FACTS = "model.json"
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Model:
    """What a folder holds.

    Attributes:
        learned: one for each target.
        names: of the descriptors that examples must have, in order.
        facts: of the manifest.
        start: what examples are made ready with.
    """

    learned: tuple[Learned, ...]
    names: tuple[str, ...]
    facts: Mapping[str, Any]
    start: Start = field(default_factory=Start)


def write_model(folder: Path, learned: Sequence[Learned], names: Sequence[str]) -> None:
    """Write into an empty folder, which the caller seals with the kind ``KIND``."""
    targets = [one.facts() for one in learned]
    told = {"model_schema": SCHEMA, "front": front(), "targets": targets, "descriptors": list(names)}
    manifest.write_json(folder / FACTS, told)
    for place, one in enumerate(learned):
        for part, arrays in one.arrays().items():
            _save(folder / _file(place, part), arrays)


def open_model(folder: str | Path) -> Model:
    """Read what ``write_model`` wrote, after checking it against its manifest.

    Raises:
        ArtefactError: no model, altered, of another schema, or of another version of the analysis.
    """
    folder = Path(folder)
    facts = manifest.read(folder, KIND)
    wrong = manifest.problems(folder)
    if wrong:
        raise ArtefactError(f"{folder} is not as its manifest says: {wrong[0]}; learn again, or copy it again")
    told = _told(folder)
    learned = []
    for place, target in enumerate(told["targets"]):
        parts = sorted(path for path in folder.glob(f"{place}-*.npz"))
        arrays = {path.stem.partition("-")[2]: _open(path) for path in parts}
        learned.append(_learned(folder, target, arrays))
    return Model(tuple(learned), tuple(told["descriptors"]), facts, Start.kept(folder))


def _told(folder: Path) -> dict[str, Any]:
    """The facts beside the arrays, if this version can use them."""
    try:
        told: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        schema = int(told["model_schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{folder} holds no model ({error}); learn again") from error
    if schema != SCHEMA:
        hint = "upgrade recsys" if schema > SCHEMA else "learn again"
        raise ArtefactError(f"{folder} is a model of schema {schema}; expected {SCHEMA}: {hint}")
    if told["front"] != front():
        raise ArtefactError(
            f"{folder} was learned from another version of the analysis ({told['front']}, here {front()}); learn again"
        )
    return told


def _learned(folder: Path, target: Mapping[str, Any], arrays: Mapping[str, Any]) -> Learned:
    try:
        return Learned.from_arrays(target, arrays)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ArtefactError(
            f"{folder} does not fit this version ({type(error).__name__}: {error}); learn again"
        ) from error


def _file(place: int, part: str) -> str:
    return f"{place}-{part}.npz"


def _save(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    made: dict[str, Any] = {name: np.asarray(values) for name, values in arrays.items()}
    objects = [name for name, values in made.items() if values.dtype.hasobject]
    if objects:
        raise ArtefactError(f"{path.name}: {objects[0]!r} holds objects; expected numbers or texts of fixed width")
    np.savez(path, **made)


def _open(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as held:
            return dict(held)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{path} holds no plain arrays ({error}); learn again") from error
