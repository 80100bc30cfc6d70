"""An arm, examples and folds in, what it says of each file without having seen it out; finished folds are kept."""

from __future__ import annotations

import hashlib
import io
import time as clock
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.producers.labelling.arms import Arm, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.grading import score
from recsys.producers.labelling.targets import Target

Folds = NDArray[np.int32]
Enough = Callable[[float], bool]
LOOKED_AT = 200  # rows on which an arm is asked what it has seen


@dataclass(frozen=True, eq=False)
class Round:
    """An arm's predictions for all rows whose fold is not −1; 0 elsewhere.

    Attributes:
        prediction: (n, c).
        seconds: of one fit, on average.
        seen: ``grading.score`` on (some) rows that were learned from, on average: far above that of ``prediction``, the
            arm learns by heart; near it and both low, it learns too little.
    """

    prediction: Prediction
    seconds: float
    seen: float = float("nan")


@dataclass(frozen=True)
class Kept:
    """Where finished folds are kept, so that a killed run goes on; nowhere when ``folder`` is None."""

    folder: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def place(self, *parts: Any) -> Path | None:
        """The file of a fold: its name changes when anything does that the predictions depend on."""
        if self.folder is None:
            return None
        found = hashlib.sha256(code().encode())
        for part in parts:
            found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        return self.folder / f"{found.hexdigest()[:24]}.npz"


def out_of_fold(
    arm: Arm,
    examples: Examples,
    target: Target,
    fold: Folds,
    *,
    seed: int,
    kept: Kept | None = None,
    enough: Enough | None = None,
    share: float = 1.0,
    progress: Progress | None = None,
) -> Round | None:
    """Fit an arm on all folds but one, for each; None when ``enough`` says stop after one of them.

    Args:
        fold: (n,) of each row, −1 is left out altogether.
        kept: where finished folds are kept.
        enough: asked after each fold but the last, with the seconds that the remaining ones will take.
        share: of the other folds' groups that is learned from.
    """
    numbers = np.unique(fold[fold >= 0])
    mean = np.zeros(target.values.shape, np.float32)
    sigma: NDArray[np.float32] | None = None
    spent: list[float] = []
    seen: list[float] = []
    for done, number in enumerate(numbers, 1):
        rows = part_of(np.flatnonzero((fold >= 0) & (fold != number)), examples.groups, share, seed)
        inside = np.flatnonzero(fold == number)
        found, seconds, heart = _one(arm, examples, target, rows, inside, seed, kept or Kept(), progress)
        mean[inside] = found.mean
        if found.sigma is not None:
            sigma = np.zeros_like(mean) if sigma is None else sigma
            sigma[inside] = found.sigma
        spent.append(seconds)
        seen.append(heart)
        if enough and done < len(numbers) and enough(float(np.mean(spent)) * (len(numbers) - done)):
            return None
        if progress:
            progress(f"{target.name}: {arm.name}", done, len(numbers))
    return Round(Prediction(mean, sigma), float(np.mean(spent)), float(np.mean(seen)))


def part_of(rows: Rows, groups: NDArray[np.int32], share: float, seed: int) -> Rows:
    """The rows of a share of the groups, drawn; a larger share holds all of a smaller one."""
    if share >= 1:
        return rows
    names = np.unique(groups[rows])
    order = np.random.default_rng(seed).permutation(len(names))
    taken = names[order[: max(2, round(share * len(names)))]]
    return rows[np.isin(groups[rows], taken)]


def _one(
    arm: Arm,
    examples: Examples,
    target: Target,
    rows: Rows,
    inside: Rows,
    seed: int,
    kept: Kept,
    progress: Progress | None,
) -> tuple[Prediction, float, float]:
    """The predictions of one fold, the seconds that they took when they were made, and the score on rows seen."""
    place = kept.place(arm.name, seed, rows, inside, target.values, target.kind, *examples.digests, examples.names)
    if place is not None and place.is_file():
        return _open(place)
    before = clock.perf_counter()
    assert arm.fit is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns that are unknown in all rows: looked at below
        fitted = arm.fit(examples, target, rows, seed=seed, progress=progress)
        found = fitted.predict(examples, inside)
    if not np.isfinite(found.mean).all():
        raise ValueError("predictions are not finite")
    seconds = clock.perf_counter() - before
    some = rows[np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).astype(int)]
    seen = score(target.take(some), fitted.predict(examples, some).mean)
    if place is not None:
        _save(place, found, seconds, seen)
    return found, seconds, seen


def _save(place: Path, found: Prediction, seconds: float, seen: float) -> None:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"mean": found.mean, "seconds": np.array(seconds), "seen": np.array(seen)}
    np.savez(buffer, **(arrays if found.sigma is None else {**arrays, "sigma": found.sigma}))
    manifest.write_bytes(place, buffer.getvalue())


def _open(place: Path) -> tuple[Prediction, float, float]:
    with np.load(place, allow_pickle=False) as held:
        return Prediction(held["mean"], held.get("sigma")), float(held["seconds"]), float(held["seen"])


@lru_cache(maxsize=1)
def code() -> str:
    """A hash of the producers: predictions of other versions are not taken up again."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
