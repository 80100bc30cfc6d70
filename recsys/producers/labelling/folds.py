"""Groups and a target in, folds out: no group on both sides, and the classes spread evenly over all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.labelling.targets import Target

Codes = NDArray[np.int32]
Doubles = NDArray[np.float64]
BINS = 5  # into which numbers are sorted, so that high and low ones are spread as well


def folds(target: Target, groups: NDArray[np.integer[Any]], count: int = 5, *, seed: int = 0) -> Codes:
    """A fold for each file, int32 (n,): 0 to count − 1, and −1 where the target is unknown.

    Groups are dealt out by size, large ones first, each to the fold where it leaves the classes most evenly spread;
    chance decides between equals. Fewer groups than folds make fewer folds.

    Raises:
        DataError: fewer than two groups are known, or ``count`` is below 2.

    >>> genre = Target("genre", "single", ("a", "b"), np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 0, 1]])
    >>> [int(fold) for fold in np.bincount(folds(genre, np.arange(6), 3))]
    [2, 2, 2]
    """
    rows = np.flatnonzero(target.known)
    names, codes = np.unique(groups[rows], return_inverse=True)
    if count < 2:
        raise DataError(f"{count} folds; expected 2 or more")
    if len(names) < 2:
        raise DataError(f"{target.name} is known in {len(names)} group; expected two or more to learn and to check")
    marks = _marks(target.take(rows))
    counts = np.zeros((len(names), marks.shape[1]))
    np.add.at(counts, codes, marks)
    dealt = _deal(counts, min(count, len(names)), np.random.default_rng(seed))
    made = np.full(len(target), -1, np.int32)
    made[rows] = dealt[codes]
    return made


def same_sound(groups: NDArray[np.integer[Any]], digests: Sequence[str]) -> Codes:
    """Groups as they are, but those that share a sound made one.

    >>> same_sound(np.array([0, 1, 2, 2]), ["x", "y", "x", "z"]).tolist()
    [0, 1, 0, 0]
    """
    parent = {int(group): int(group) for group in groups}

    def root(group: int) -> int:
        while parent[group] != group:
            group = parent[group]
        return group

    first: dict[str, int] = {}
    for group, digest in zip(groups.tolist(), digests, strict=True):
        one, other = root(group), root(first.setdefault(digest, group))
        parent[max(one, other)] = min(one, other)
    return np.array([root(group) for group in groups.tolist()], np.int32)


def _marks(target: Target) -> Doubles:
    """What is to be spread evenly, (n, m): classes or tags, and of numbers fifths of their mean rank; and files."""
    if target.kind == "numeric":
        ranks = [_ranks(column) for column in target.values.T]
        place = np.nanmean(np.stack(ranks), axis=0)
        bins = np.minimum((place * BINS).astype(int), BINS - 1)
        marks = np.eye(BINS)[bins]
    else:
        marks = np.nan_to_num(target.values.astype(np.float64))
    return np.concatenate([marks, np.ones((len(marks), 1))], axis=1)


def _ranks(values: NDArray[np.float32]) -> Doubles:
    """Ranks of what is known, 0 to 1; NaN elsewhere."""
    known = np.flatnonzero(~np.isnan(values))
    ranks = np.full(len(values), np.nan)
    ranks[known[np.argsort(values[known], kind="stable")]] = np.arange(len(known)) / max(len(known), 1)
    return ranks


def _deal(counts: Doubles, folds: int, rng: np.random.Generator) -> Codes:
    """The fold of each group, from its counts (groups, m)."""
    share = counts / np.maximum(counts.sum(axis=0), 1)
    order = np.lexsort((rng.random(len(counts)), -counts[:, -1]))
    filled = np.zeros((folds, counts.shape[1]))
    dealt = np.zeros(len(counts), np.int32)
    for group in order:
        after = 2 * filled @ share[group]  # what the sum of squares grows by, but for what is the same in all folds
        best = np.flatnonzero(after <= after.min() + 1e-12)
        dealt[group] = rng.choice(best)
        filled[dealt[group]] += share[group]
    return dealt
