"""Predictions and truth in, numbers out: how good they are, how sure that is, and how honest the probabilities are.

Conventions: rows are files; only those whose target is known count. Intervals are percentiles over resampled groups
(files of one artist are no independent witnesses).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.targets import Target

Floats = NDArray[np.floating[Any]]
Groups = NDArray[np.integer[Any]]
RESAMPLES = 500
LEVEL = 0.95
BINS = 10


class Interval(NamedTuple):
    """A mean and where 95 of 100 resamplings of the groups put it."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def measures(target: Target, mean: Floats) -> dict[str, float]:
    """All measures of predictions (n, c) for n files.

    Of a single target ``accuracy``, ``macro_f1``, ``log_loss``; of tags ``average_precision`` and ``f1`` (each a mean
    over tags); of numbers ``spearman``, ``r2`` and ``mae`` (each a mean over columns).

    >>> genre = Target("genre", "single", ("a", "b"), np.eye(2, dtype=np.float32)[[0, 1, 1]])
    >>> found = measures(genre, np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    >>> round(found["accuracy"], 3), round(found["macro_f1"], 3)
    (0.667, 0.667)
    """
    known = target.known
    target, mean = target.take(known), mean[known]
    if target.kind == "single":
        codes, chosen = target.codes, mean.argmax(axis=1)
        loss = -np.log(np.maximum(mean[np.arange(len(codes)), codes], 1e-9)).mean()
        facts = {"accuracy": float((codes == chosen).mean()), "macro_f1": macro_f1(codes, chosen)}
        return {**facts, "log_loss": float(loss)}
    names = ("average_precision", "f1") if target.kind == "multi" else ("spearman", "r2", "mae")
    each = {name: columns(target, mean, name) for name in names}
    return {name: float(np.nanmean(found)) if np.isfinite(found).any() else 0.0 for name, found in each.items()}


def columns(target: Target, mean: Floats, name: str) -> NDArray[np.float64]:
    """One measure of each tag or column, (c,); NaN where nothing can be said."""
    made = []
    for values, found in zip(target.values.T, mean.T, strict=True):
        known = np.isfinite(values)
        made.append(OF_COLUMN[name](values[known].astype(np.float64), found[known].astype(np.float64)))
    return np.array(made)


def score(target: Target, mean: Floats) -> float:
    """The number by which arms are compared, larger is better.

    Of a single target the mean of accuracy and macro-F1, of tags average precision, of numbers the mean of Spearman's
    rank correlation and R².
    """
    return _score(target, measures(target, mean))


def _score(target: Target, found: Mapping[str, float]) -> float:
    parts = {"single": ("accuracy", "macro_f1"), "multi": ("average_precision",), "numeric": ("spearman", "r2")}
    return float(np.mean([found[name] for name in parts[target.kind]]))


def macro_f1(codes: Groups, chosen: Groups) -> float:
    """Mean F1 over the classes that are there or were chosen."""
    classes = np.union1d(codes, chosen)
    hits = np.array([((codes == c) & (chosen == c)).sum() for c in classes])
    total = np.array([(codes == c).sum() + (chosen == c).sum() for c in classes])
    return float((2 * hits / total).mean())


def spearman(values: Floats, found: Floats) -> float:
    """Correlation of ranks; 0 where one of the two stands still, NaN of fewer than 3."""
    if len(values) < 3:
        return float("nan")
    one, other = rankdata(values), rankdata(found)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def r2(values: Floats, found: Floats) -> float:
    """Share of the variance that is explained; negative where the mean of the truth would do better."""
    spread = ((values - values.mean()) ** 2).sum() if len(values) else 0.0
    return float(1 - ((values - found) ** 2).sum() / spread) if spread > 0 else float("nan")


def average_precision(values: Floats, found: Floats) -> float:
    """Mean precision at the places of the files that have a tag, most probable first."""
    if values.sum() == 0:
        return float("nan")
    order = np.argsort(-found, kind="stable")
    hits = np.cumsum(values[order]) / np.arange(1, len(order) + 1)
    return float((hits * values[order]).sum() / values.sum())


def f1(values: Floats, found: Floats) -> float:
    """F1 of the files whose probability is .5 or more."""
    chosen = found >= 0.5
    total = chosen.sum() + values.sum()
    return float(2 * (chosen * values).sum() / total) if total else float("nan")


def mae(values: Floats, found: Floats) -> float:
    """Mean absolute error."""
    return float(np.abs(values - found).mean()) if len(values) else float("nan")


OF_COLUMN: Mapping[str, Callable[[Floats, Floats], float]] = {
    "spearman": spearman,
    "r2": r2,
    "mae": mae,
    "average_precision": average_precision,
    "f1": f1,
}


def interval(statistic: Callable[[NDArray[np.intp]], float], groups: Groups, *, seed: int = 0) -> Interval:
    """A statistic of rows, with an interval over resampled groups.

    Args:
        statistic: of rows (m,) of what it knows, rows of a group that was drawn twice come twice.
        groups: (n,) of all rows.

    >>> values = np.arange(10.0)
    >>> found = interval(lambda rows: float(values[rows].mean()), np.arange(10))
    >>> found.mean, found.low < 4.5 < found.high
    (4.5, True)
    """
    return intervals(lambda rows: {"": statistic(rows)}, groups, seed=seed)[""]


def intervals(
    statistics: Callable[[NDArray[np.intp]], Mapping[str, float]], groups: Groups, *, seed: int = 0
) -> dict[str, Interval]:
    """Several statistics of the same resamplings."""
    rng = np.random.default_rng(seed)
    names, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    drawn = (rng.integers(0, len(names), len(names)) for _ in range(RESAMPLES))
    found = [statistics(np.concatenate([members[group] for group in several])) for several in drawn]
    made = {}
    for name, mean in statistics(np.arange(len(groups))).items():
        low, high = np.nanquantile([one[name] for one in found], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        made[name] = Interval(mean, float(low), float(high))
    return made


def graded(target: Target, mean: Floats, groups: Groups, *, seed: int = 0) -> dict[str, Interval]:
    """Each measure with its interval, ``score`` first."""

    def statistics(rows: NDArray[np.intp]) -> dict[str, float]:
        found = measures(target.take(rows), mean[rows])
        return {"score": _score(target, found), **found}

    return intervals(statistics, groups, seed=seed)


def difference(
    target: Target,
    one: Floats,
    other: Floats,
    groups: Groups,
    *,
    measure: str = "score",
    seed: int = 0,
) -> Interval:
    """By how much the first predictions are better than the second, on the same resampled groups."""

    def of(part: Target, mean: Floats) -> float:
        return score(part, mean) if measure == "score" else measures(part, mean)[measure]

    def statistic(rows: NDArray[np.intp]) -> float:
        part = target.take(rows)
        return of(part, one[rows]) - of(part, other[rows])

    return interval(statistic, groups, seed=seed)


class Reliability(NamedTuple):
    """Of probabilities in ten bins: how sure they are, how often that is right and how many, (bins,) each."""

    sure: NDArray[np.float64]
    right: NDArray[np.float64]
    files: NDArray[np.int64]

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean distance of the two, weighed by how many there are."""
        total = max(int(self.files.sum()), 1)
        return float((np.abs(self.sure - self.right) * self.files).sum() / total)

    @property
    def by_chance(self) -> float:
        """The calibration error that probabilities which mean what they say would show with as many files.

        In each bin the mean distance of a share of n draws from its chance, √(2 p (1 − p) / (π n)).

        >>> few = Reliability(np.array([0.5]), np.array([0.5]), np.array([25]))
        >>> round(few.by_chance, 3)
        0.08
        """
        total = max(int(self.files.sum()), 1)
        return float(np.sqrt(2 / np.pi * self.sure * (1 - self.sure) * self.files).sum() / total)


def reliability(target: Target, mean: Floats) -> Reliability:
    """Of a single target of the chosen class (Guo et al., ICML 2017), of tags of all probabilities.

    >>> genre = Target("genre", "single", ("a", "b"), np.eye(2, dtype=np.float32)[[0, 0, 0, 1]])
    >>> round(reliability(genre, np.tile([[0.75, 0.25]], (4, 1))).ece, 6)
    0.0
    """
    known = target.known
    target, mean = target.take(known), mean[known]
    if target.kind == "single":
        sure, right = mean.max(axis=1), (mean.argmax(axis=1) == target.codes).astype(np.float64)
    else:
        there = np.isfinite(target.values)
        sure, right = mean[there], target.values[there].astype(np.float64)
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    total = np.maximum(count, 1)
    return Reliability(
        np.bincount(place, sure, BINS) / total, np.bincount(place, right, BINS) / total, count.astype(np.int64)
    )


def chance_of_groups(mean: Floats, groups: Groups) -> float:
    """The calibration error of fair probabilities (n, c) of one class each, where groups are of one class throughout.

    Above ``Reliability.by_chance``: in each bin the error goes by groups instead of files, √(2 Σ m² p (1 − p) / π) over
    groups of m files.

    >>> said = np.tile([[0.5, 0.5]], (100, 1))
    >>> [round(chance_of_groups(said, groups), 3) for groups in (np.arange(100), np.arange(100) // 4)]
    [0.04, 0.08]
    """
    sure = mean.max(axis=1).astype(np.float64)
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    parts, codes, counts = np.unique(np.stack([place, groups], axis=1), axis=0, return_inverse=True, return_counts=True)
    chance = np.bincount(codes, sure) / counts
    spread = np.bincount(parts[:, 0], counts**2 * chance * (1 - chance), BINS)
    return float(np.sqrt(2 / np.pi * spread).sum() / max(len(sure), 1))


def confusion(target: Target, mean: Floats) -> NDArray[np.int64]:
    """Counts (classes, classes): the true class in rows, the chosen one in columns."""
    known = target.known
    made = np.zeros((len(target.classes), len(target.classes)), np.int64)
    np.add.at(made, (target.codes[known], mean[known].argmax(axis=1)), 1)
    return made


def covered(target: Target, prediction: Prediction, deviations: float = 1.0) -> float:
    """Share of numbers that lie within so many sigmas; of a bell curve .683 within one."""
    if prediction.sigma is None:
        return float("nan")
    known = np.isfinite(target.values)
    off = np.abs(target.values - prediction.mean)[known] <= deviations * prediction.sigma[known]
    return float(off.mean())
