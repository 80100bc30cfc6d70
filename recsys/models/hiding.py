"""A part of every history taken away, to learn from what is left how to find it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Histories

if TYPE_CHECKING:
    from recsys.tables import Dataset, Interactions

LEAST = 3  # tracks a history must have to lose one
LONGEST_SHORT = 20  # tracks left of a shortened history, at most


def hide(dataset: Dataset, share: float, rng: np.random.Generator) -> tuple[Dataset, Histories]:
    """The dataset without a share of each listener's tracks, and these, CSR (users, tracks).

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann"]), IdMap(range(4)), [0] * 4, range(4), [1] * 4)
    >>> shown, held = hide(Dataset(plays, Catalogue.empty(4)), 0.5, np.random.default_rng(0))
    >>> len(shown.plays), held.nnz
    (2, 2)
    """
    matrix = dataset.matrix()
    length = np.diff(matrix.indptr)
    owner = np.repeat(np.arange(matrix.shape[0]), length)
    place = _places(owner, matrix.indptr, rng)
    gone = (place < np.maximum(1, share * length[owner])) & (length[owner] >= LEAST)
    keys = owner * matrix.shape[1] + matrix.indices
    held = sp.csr_array((np.ones(gone.sum(), np.float32), (owner[gone], matrix.indices[gone])), shape=matrix.shape)

    def left(part: Interactions | None) -> Interactions | None:
        if part is None:
            return None
        return part.take(~np.isin(part.user.astype(np.int64) * matrix.shape[1] + part.track, keys[gone]))

    plays = left(dataset.plays)
    assert plays is not None
    return replace(dataset, plays=plays, skips=left(dataset.skips), ratings=left(dataset.ratings)), held


def shortened(histories: Histories, rng: np.random.Generator) -> Histories:
    """1 to 20 random entries of each row, short ones as likely as long ones on a log scale, CSR of the same shape."""
    length = np.diff(histories.indptr)
    owner = np.repeat(np.arange(histories.shape[0]), length)
    most = np.maximum(np.minimum(length - 1, LONGEST_SHORT), 1)
    kept = np.floor(np.exp(rng.uniform(0, np.log(most + 1)))).astype(int)
    some = _places(owner, histories.indptr, rng) < kept[owner]
    return sp.csr_array((histories.data[some], (owner[some], histories.indices[some])), shape=histories.shape)


def _places(owner: np.ndarray, starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place of each entry in a random order of its row."""
    place = np.empty(len(owner), np.int64)
    place[np.lexsort((rng.random(len(owner)), owner))] = np.arange(len(owner)) - starts[owner]
    return place
