"""Vectors and titles in, pairs of tracks worth a closer look out: a bounded number for each track."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

BLOCK = 256  # rows of likeness in memory


class Pairs(NamedTuple):
    """Rows a < b (n,), each pair once, and whether each is among the other's nearest (n,)."""

    a: Rows
    b: Rows
    mutual: NDArray[np.bool_]


def nearest(vectors: Floats, count: int, floor: float) -> Pairs:
    """Each row's ``count`` nearest others by dot product, none below ``floor``; one block of rows in memory at a time.

    >>> nearest(np.eye(3, dtype=np.float32)[[0, 1, 0]], 5, 0.5)
    Pairs(a=array([0]), b=array([2]), mutual=array([ True]))
    """
    found = [_block(vectors, start, count, floor) for start in range(0, len(vectors), BLOCK)]
    empty = np.empty(0, np.int64)
    rows = np.concatenate([empty, *(row for row, _ in found)])
    others = np.concatenate([empty, *(other for _, other in found)])
    key = np.minimum(rows, others) * len(vectors) + np.maximum(rows, others)
    pairs, times = np.unique(key, return_counts=True)
    size = max(len(vectors), 1)
    return Pairs(pairs // size, pairs % size, times == 2)


def alike(codes: Rows, order: Rows, count: int) -> Pairs:
    """Rows of one code (−1 is none), each with the next ``count`` by ``order``: all pairs where a code is not common.

    >>> alike(np.array([7, -1, 7, -1]), np.zeros(4, np.int64), 5)
    Pairs(a=array([0]), b=array([2]), mutual=array([False]))
    """
    rows = np.lexsort((order, codes))
    rows = rows[codes[rows] >= 0]
    steps = range(1, min(count, len(rows) - 1) + 1)
    found = [(rows[:-step], rows[step:]) for step in steps]
    first, second = (np.concatenate([np.empty(0, np.int64), *(pair[i] for pair in found)]) for i in range(2))
    same = codes[first] == codes[second]
    a, b = np.minimum(first, second)[same], np.maximum(first, second)[same]
    return Pairs(a, b, np.zeros(len(a), bool))


def likeness(vectors: Floats, pairs: Pairs, step: int = 8192) -> NDArray[np.float64]:
    """Dot product of each pair, (n,), some pairs at a time.

    >>> likeness(np.ones((2, 3), np.float32), Pairs(np.array([0]), np.array([1]), np.array([True])))
    array([3.])
    """
    parts = [slice(start, start + step) for start in range(0, len(pairs.a), step)]
    found = [np.einsum("nd,nd->n", vectors[pairs.a[part]], vectors[pairs.b[part]]) for part in parts]
    return np.concatenate([np.empty(0), *found])


def crowd(vectors: Floats, rows: Rows, count: int, below: float = np.inf) -> NDArray[np.float64]:
    """How near each of these rows is to others in general, (rows,): the mean likeness of its second to next nearest.

    What is near to many is near to each by chance (Conneau et al., Word Translation Without Parallel Data, ICLR 2018,
    take it off as we do). What is ``below`` or more alike is the same thing again and not counted. Too few rows to
    tell leave 0.

    >>> crowd(np.array([[1, 0], [1, 0], [0, 1], [1, 0]], np.float32), np.array([0]), 2)
    array([0.5])
    """
    found = np.zeros(len(rows))
    count = min(count, len(vectors) - 2)
    for start in range(0, len(rows) if count > 0 else 0, BLOCK):
        mine = rows[start : start + BLOCK]
        table = vectors[mine] @ vectors.T
        table[np.arange(len(mine)), mine] = -np.inf
        table[table >= below] = 0
        nearest_first = -np.partition(-table, count, axis=1)[:, : count + 1]
        found[start : start + BLOCK] = (nearest_first.sum(axis=1) - nearest_first.max(axis=1)) / count
    return found


def together(one: Pairs, other: Pairs) -> Pairs:
    """The pairs of both, each once."""
    a, b, mutual = (np.concatenate(both) for both in zip(one, other, strict=True))
    order = np.lexsort((~mutual, b, a))
    a, b, mutual = a[order], b[order], mutual[order]
    new = np.ones(len(a), bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return Pairs(a[new], b[new], mutual[new])


def _block(vectors: Floats, start: int, count: int, floor: float) -> tuple[Rows, Rows]:
    """(row, other) for the rows of one block."""
    table = vectors[start : start + BLOCK] @ vectors.T
    size = len(table)
    table[np.arange(size), start + np.arange(size)] = -np.inf
    for row in np.flatnonzero((table >= floor).sum(axis=1) > count):
        table[row, np.argpartition(table[row], -count)[:-count]] = -np.inf
    rows, others = np.nonzero(table >= floor)
    return (rows + start).astype(np.int64), others.astype(np.int64)
