"""Which track follows which: rules counted over sequences."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats, Rows
from recsys.models.base import divided
from recsys.models.sequences import NextModel, Sequences, faded

KEPT = 500  # followers stored of each track


class Transitions(NextModel):
    """How often one track came within a few places after another, of all that came after it.

    Args:
        window: places after a track that count, each 1 / distance.
        back: what coming before counts against coming after; 1 = order does not matter.
        decay: what the track before the newest counts against the newest, and so on.
        shrink: added to what came after a track, so that rare ones count less.

    Ludewig and Jannach, Evaluation of session-based recommendation algorithms, UMUAI 2018 (sequential rules).

    >>> heard = Sequences.of([[0, 1], [0, 1, 2], [2, 0, 1]], tracks=4)
    >>> model = Transitions().fit(heard, np.zeros((4, 0), np.float32), rng=np.random.default_rng(0))
    >>> int(model.scores(np.array([[0]], np.int32))[0].argmax())
    1
    """

    name: ClassVar[str] = "transitions"
    state = ("follows",)
    axes: ClassVar = {"follows": "tt"}
    grid: ClassVar = [{"window": 1}, {"back": 1.0, "decay": 0.95}]
    follows_: sp.csr_array

    def __init__(self, window: int = 5, back: float = 0.3, decay: float = 0.8, shrink: float = 5.0) -> None:
        self.window, self.back, self.decay, self.shrink = window, back, decay, shrink

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Count; ``vectors`` and ``rng`` are not used."""
        shape = (sequences.tracks, sequences.tracks)
        counts = sp.csr_array(shape, dtype=np.float32)
        track, owner = sequences.track, sequences.owner
        for step in range(1, self.window + 1):
            same = owner[step:] == owner[:-step]
            before, after = track[:-step][same], track[step:][same]
            found = np.full(len(before), 1 / step, np.float32)
            counts = counts + sp.csr_array((found, (before, after)), shape=shape)
        counts = sp.csr_array(counts + self.back * counts.T)
        total = np.asarray(counts.sum(axis=1)).ravel() + self.shrink
        counts.data = (counts.data / np.repeat(total, np.diff(counts.indptr))).astype(np.float32)
        self.follows_ = largest(counts, KEPT)
        return self

    def scores(self, recent: Rows) -> Floats:
        """float32 (q, tracks)."""
        seeds = faded(recent, self.follows_.shape[0], self.decay)
        return np.asarray((seeds @ self.follows_).toarray(), np.float32)


class Often(NextModel):
    """How many sequences hold each track, logarithm, whatever came before: what the others must beat."""

    name: ClassVar[str] = "often"
    state = ("count",)
    axes: ClassVar = {"count": "t"}
    count_: Floats

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Count; ``vectors`` and ``rng`` are not used."""
        self.count_ = np.log1p(np.bincount(sequences.track, minlength=sequences.tracks)).astype(np.float32)
        return self

    def scores(self, recent: Rows) -> Floats:
        """float32 (q, tracks), every row the same."""
        return np.tile(self.count_, (len(recent), 1))


def largest(matrix: sp.csr_array, k: int) -> sp.csr_array:
    """The ``k`` largest entries of each row.

    >>> largest(sp.csr_array([[1.0, 3.0, 2.0], [0, 0, 5.0]]), 2).toarray().tolist()
    [[0.0, 3.0, 2.0], [0.0, 0.0, 5.0]]
    """
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((-matrix.data, row))
    place = np.arange(len(order)) - matrix.indptr[row]
    kept = np.sort(order[place < k])
    return sp.csr_array((matrix.data[kept], (row[kept], matrix.indices[kept])), shape=matrix.shape)


def rarity(matrix: sp.csr_array) -> Floats:
    """log(1 + rows / rows that hold a column), 0 for columns in no row, float32 (columns,)."""
    inside = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.log1p(divided(float(matrix.shape[0]), inside)).astype(np.float32)
