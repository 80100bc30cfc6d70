"""Examples and targets in, a small network that predicts them out: the arm ``cnn``.

Importing this imports no torch; learning and predicting do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.labelling.arms import EVERY, Arm, Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.folds import folds
from recsys.producers.networks.held import Heads, Learned, Trunk
from recsys.producers.networks.recipes import Plan

if TYPE_CHECKING:
    from recsys.producers.labelling.examples import Examples
    from recsys.producers.labelling.targets import Target

Floats = NDArray[np.float32]
ABOUT = "about"
CHUNK = 2048  # files that are heard at a time


class Net(Learned):
    """A network that has learned, at work."""

    def predict(self, examples: Examples, rows: Rows, target: str | None = None) -> Prediction:
        """Probabilities, or numbers with sigma, of these rows: the mean over all windows of a file.

        Args:
            target: its name; the first by default.
        """
        name = target or next(iter(self.heads.kinds))
        said, places = self._said(examples, rows)
        middle, scale = self.heads.middle[name], self.heads.scale[name]
        if self.heads.kinds[name] != "numeric":
            return Prediction(over_files(said[name], places, len(rows)))
        mean, sigma = np.split(said[name], 2, axis=1)
        whole = over_files(mean, places, len(rows))
        spread = over_files(sigma**2 + (mean - whole[places]) ** 2, places, len(rows))
        return Prediction(whole * scale + middle, np.sqrt(spread) * scale)

    def embed(self, examples: Examples, rows: Rows) -> Floats:
        """The vector of each row, float32 (m, 128): the mean over its windows."""
        inside = {name.partition(".")[2]: value for name, value in self.weights.items() if name.startswith("trunk.")}
        return embed(Trunk(inside, self.sidecar), examples, rows)[:, : self.size]

    def _said(self, examples: Examples, rows: Rows) -> tuple[dict[str, Floats], Rows]:
        from recsys.producers.networks import running

        return running.said(self, examples, rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        about = {"kinds": dict(self.heads.kinds), "best": self.best, "sidecar": self.sidecar}
        numbers = {f"middle.{name}": value for name, value in self.heads.middle.items()}
        numbers |= {f"scale.{name}": value for name, value in self.heads.scale.items()}
        weights = {f"weights.{name}": value for name, value in self.weights.items()}
        return {ABOUT: np.array(json.dumps(about)), "curve": self.curve, **numbers, **weights}


def from_arrays(arrays: Arrays) -> Net:
    """The inverse of ``Net.arrays``."""
    about = json.loads(str(arrays[ABOUT]))
    parts = {
        part: {name.removeprefix(f"{part}."): value for name, value in arrays.items() if name.startswith(f"{part}.")}
        for part in ("middle", "scale", "weights")
    }
    heads = Heads(about["kinds"], parts["middle"], parts["scale"])
    return Net(heads, parts["weights"], np.asarray(arrays["curve"]), int(about["best"]), about["sidecar"])


def embed(trunk: Trunk, examples: Examples, rows: Rows) -> Floats:
    """The vector of each row and how it varies, float32 (m, 2 d): mean and deviation over its windows."""
    from recsys.producers.networks import running

    parts = [_embedded(*running.vectors(trunk, examples, rows[at : at + CHUNK])) for at in range(0, len(rows), CHUNK)]
    return np.concatenate(parts)


def _embedded(vectors: Floats, places: Rows) -> Floats:
    """Mean and deviation over the windows of each file."""
    count = int(places[-1]) + 1
    mean = over_files(vectors, places, count)
    spread = np.sqrt(over_files((vectors - mean[places]) ** 2, places, count))
    return np.concatenate([mean, spread], axis=1)


def fit(
    examples: Examples,
    target: Target,
    rows: Rows,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    plan: Plan | None = None,
    trunk: Trunk | None = None,
    checkpoint: Path | None = None,
) -> Net:
    """Learn one target; see ``fit_all``."""
    told: dict[str, Any] = {"progress": progress, "plan": plan, "trunk": trunk, "checkpoint": checkpoint}
    return fit_all(examples, [target], rows, seed=seed, **told)


def fit_all(
    examples: Examples,
    targets: Sequence[Target],
    rows: Rows,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    plan: Plan | None = None,
    trunk: Trunk | None = None,
    checkpoint: Path | None = None,
) -> Net:
    """Learn several targets with one trunk; unknown values count nothing.

    Args:
        examples: with log-mel windows.
        plan: how; ``Plan()`` by default.
        trunk: to begin with; that of the examples (``tuned.Prepared``) by default, or a new one.
        checkpoint: a file to go on from when a run was killed.

    Raises:
        DataError: the examples have no windows.
    """
    from recsys.producers.networks import running

    if examples.mel.ndim != 4 or not examples.mel.size:
        raise DataError(
            f"the examples' log-mel windows are {examples.mel.shape}; expected (files, windows, frames, bands)"
        )
    plan, trunk = plan or Plan(), trunk or getattr(examples, "start", None)
    heads, values = _heads(targets, rows)
    rows = np.asarray(rows)
    parts = held_back(targets, examples.groups, rows, plan.valid if len(rows) >= plan.enough else 0.0, seed)
    identity = _identity(examples, values, rows, plan, seed, trunk)
    found = running.learned(examples, heads, values, parts, plan, trunk, seed, checkpoint, identity, progress)
    return Net(found.heads, found.weights, found.curve, found.best, found.sidecar)


def held_back(targets: Sequence[Target], groups: Rows, rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Rows to learn from and rows to watch: whole groups, about ``share`` of the files, with the first target known."""
    some = targets[0].take(rows)
    if share <= 0 or len(np.unique(groups[rows][some.known])) < 2:
        return rows, rows[:0]
    fold = folds(some, groups[rows], max(2, round(1 / share)), seed=seed)
    return rows[fold != 0], rows[fold == 0]


def over_files(values: Floats, places: Rows, count: int) -> Floats:
    """Means over the windows of each file, (count, c)."""
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, places, values)
    return (total / np.maximum(np.bincount(places, minlength=count), 1)[:, None]).astype(np.float32)


def _heads(targets: Sequence[Target], rows: Rows) -> tuple[Heads, dict[str, Floats]]:
    """Heads for the targets, and their values for learning: numbers in deviations of the rows."""
    kinds, middle, scale, values = {}, {}, {}, {}
    for target in targets:
        name, held = target.name, target.values[rows]
        kinds[name] = target.kind
        middle[name], scale[name] = np.zeros(held.shape[1], np.float32), np.ones(held.shape[1], np.float32)
        if target.kind == "numeric":
            known = np.maximum(np.isfinite(held).sum(axis=0), 1)
            middle[name] = (np.nansum(held, axis=0) / known).astype(np.float32)
            scale[name] = np.sqrt(np.nansum((held - middle[name]) ** 2, axis=0) / known).astype(np.float32)
            scale[name][scale[name] <= 0] = 1.0
        values[name] = ((target.values - middle[name]) / scale[name]).astype(np.float32)
    return Heads(kinds, middle, scale), values


def _identity(
    examples: Examples, values: Mapping[str, Floats], rows: Rows, plan: Plan, seed: int, trunk: Trunk | None
) -> str:
    """What tells this training from others."""
    made = hashlib.sha256(json.dumps([asdict(plan), seed, list(examples.digests)], sort_keys=True).encode())
    for array in (rows, examples.mask, *values.values(), *(trunk.weights if trunk else {}).values()):
        made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()


ARMS = (Arm("cnn", fit, from_arrays, EVERY, cost=6, mel=True),)
