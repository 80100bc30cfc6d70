"""Groups in, what each file weighs, which ones are taken of many, and inner folds out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.labelling.folds import folds
from recsys.producers.labelling.targets import Target

Doubles = NDArray[np.float64]
INNER = 5  # folds


def shares(target: Target, groups: NDArray[np.int32]) -> Doubles:
    """What each file weighs, (n,), 1 on average: where files of a group have the same class, a group counts as one.

    A file of a group of n weighs 1 / (1 + r (n − 1)), where r is how much of the classes the group foretells beyond
    chance. Numbers weigh the same everywhere.

    >>> genre = Target("genre", "single", ("a", "b"), np.eye(2, dtype=np.float32)[[0, 0, 0, 1]])
    >>> [round(float(share), 2) for share in shares(genre, np.array([7, 7, 7, 8], np.int32))]
    [0.67, 0.67, 0.67, 2.0]
    """
    if target.kind != "single":
        return np.ones(len(target))
    _, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), len(target.classes)))
    np.add.at(means, codes, target.values)
    pairs = np.maximum(counts * (counts - 1.0), 0).sum()
    same = (means**2).sum() - len(target)  # ordered pairs within groups that agree
    chance = float((target.values.mean(axis=0) ** 2).sum())
    bound = np.clip((same / pairs - chance) / max(1 - chance, 1e-9), 0, 1) if pairs else 0.0
    weight = 1 / (1 + bound * (counts[codes] - 1.0))
    return np.asarray(weight / weight.mean())


def some(count: int, groups: NDArray[np.int32], most: int, seed: int) -> NDArray[np.int64]:
    """At most so many of the rows, drawn, a group's rows not before others had their turn; in order."""
    if count <= most:
        return np.arange(count)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(count)
    order = shuffled[np.argsort(groups[shuffled], kind="stable")]
    starts = np.r_[0, np.flatnonzero(np.diff(groups[order])) + 1]
    turn = np.arange(count) - np.repeat(starts, np.diff(np.r_[starts, count]))
    first = np.lexsort((rng.random(count), turn))[:most]
    return np.sort(order[first])


def inner_folds(target: Target, groups: NDArray[np.int32], seed: int) -> NDArray[np.int32]:
    """A fold for each file, (n,); all 0 where there are too few groups to leave any out."""
    try:
        return np.maximum(folds(target, groups, INNER, seed=seed), 0)
    except DataError:
        return np.zeros(len(target), np.int32)
