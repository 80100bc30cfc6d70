"""Pieces in, batches out: stretches of equal length or so, moved by some semitones, in an order that a seed gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from recsys.producers.generation.rolls import KEYS, Roll, moved
from recsys.producers.generation.teaching import Lesson


class Batch(NamedTuple):
    """Stretches side by side.

    Attributes:
        before, now: the step before each step and the step itself, float32 0/1 (b, t, keys).
        at: the number of each step in its piece, (b, t).
        real: which steps are there, bool (b, t); the others fill up.
    """

    before: Tensor
    now: Tensor
    at: Tensor
    real: Tensor


def batches(pieces: Sequence[Roll], low: int, high: int, lesson: Lesson, rng: Generator) -> Iterator[Batch]:
    """All pieces once, cut into stretches, moved, in random order."""
    cut = []
    for piece in pieces:
        piece = _moved(piece, low, high, lesson.shift, rng)[:, low:high]
        first = int(rng.integers(1, lesson.stretch + 1)) if len(piece) > lesson.stretch else len(piece)
        edges = [0, *range(first, len(piece), lesson.stretch), len(piece)]
        cut += [(piece, a, b) for a, b in pairwise(edges)]
    lengths = np.array([b - a for _, a, b in cut]) + rng.random(len(cut)) * lesson.stretch / 8
    order = np.argsort(lengths, kind="stable")
    groups = [order[place : place + lesson.batch] for place in range(0, len(order), lesson.batch)]
    for place in rng.permutation(len(groups)):
        yield side_by_side([cut[row] for row in groups[place]])


def side_by_side(cut: Sequence[tuple[Roll, int, int]]) -> Batch:
    """Stretches (piece, start, end) as one batch."""
    longest, keys = max(b - a for _, a, b in cut), cut[0][0].shape[1]
    both = np.zeros((2, len(cut), longest, keys), np.float32)
    at, real = np.zeros((len(cut), longest), np.int64), np.zeros((len(cut), longest), np.bool_)
    for row, (piece, a, b) in enumerate(cut):
        both[1, row, : b - a] = piece[a:b]
        both[0, row, max(1 - a, 0) : b - a] = piece[max(a - 1, 0) : b - 1]
        at[row] = a + np.arange(longest)
        real[row, : b - a] = True
    return Batch(torch.from_numpy(both[0]), torch.from_numpy(both[1]), torch.from_numpy(at), torch.from_numpy(real))


def _moved(piece: Roll, low: int, high: int, most: int, rng: Generator) -> Roll:
    """By as many semitones as the keys from ``low`` to ``high`` allow, at most ``most``."""
    sounding = np.flatnonzero(piece.any(axis=0))
    if not most or not len(sounding):
        return piece
    down, up = min(most, max(int(sounding[0]) - low, 0)), min(most, max(high - 1 - int(sounding[-1]), 0))
    return moved(piece, int(rng.integers(-down, up + 1)))


def sounding(pieces: Sequence[Roll]) -> tuple[int, int]:
    """The first key that sounds anywhere, and the one after the last.

    >>> sounding([np.eye(88, dtype=np.bool_)[20:30]])
    (20, 30)
    """
    keys = np.flatnonzero(np.any([piece.any(axis=0) for piece in pieces], axis=0))
    return (int(keys[0]), int(keys[-1]) + 1) if len(keys) else (0, KEYS)
