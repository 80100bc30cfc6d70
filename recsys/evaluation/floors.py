"""What can be had without listening to anybody: rankings of new tracks at random, by artist, by how much is known.

Under a protocol with candidates these stand below the models. By artist alone nothing is won where whole artists
are new; how many tags a track has follows how many people know it, which a fair content model must not need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Histories, Rows
from recsys.evaluation.fitted import Ranker
from recsys.tables import Dataset, TopK

AT_ONCE = 1024
NAMES = ("random", "same artist", "tag count")
Scorer = Callable[[Histories, Rows], NDArray[np.float64]]  # every history on some track rows, (q, r)


def floors(train: Dataset, *, seed: int = 0) -> dict[str, Ranker]:
    """Rankers by name; those for which the catalogue has nothing are left out.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann"]), IdMap(["x", "y", "z"]), [0], [0], [1])
    >>> songs = Catalogue(pd.DataFrame({"artist": ["A", "B", "A"], "tags": [[], ["a", "b"], ["a"]]}))
    >>> found = floors(Dataset(plays, songs))
    >>> {name: rank(plays.matrix(), np.array([0]), None, 2).rows[0].tolist() for name, rank in found.items()}
    {'random': [2, 1], 'same artist': [2, 1], 'tag count': [1, 2]}
    """
    catalogue = train.catalogue
    scorers: dict[str, Scorer] = {"random": _nothing}
    if (catalogue.artists >= 0).any():
        scorers["same artist"] = _by_artist(catalogue.artists)
    counts = np.array([len(words) if isinstance(words, (list, tuple, np.ndarray)) else 0 for words in _tags(train)])
    if counts.any():
        scorers["tag count"] = _the_same(counts)
    return {name: _ranker(score, seed) for name, score in scorers.items()}


def ranked_by(values: NDArray[Any], *, seed: int = 0) -> Ranker:
    """The same order of tracks for everybody, the largest of ``values`` (tracks,) first, ties at random."""
    return _ranker(_the_same(values), seed)


def _tags(train: Dataset) -> NDArray[Any]:
    return train.catalogue.values("tags")


def _nothing(histories: Histories, rows: Rows) -> NDArray[np.float64]:
    return np.zeros((histories.shape[0], len(rows)))


def _the_same(values: NDArray[Any]) -> Scorer:
    return lambda histories, rows: np.tile(values[rows].astype(np.float64), (histories.shape[0], 1))


def _by_artist(artists: NDArray[np.int32]) -> Scorer:
    """Share of the history that is by the track's artist."""
    known = np.flatnonzero(artists >= 0)
    shape = len(artists), int(artists.max()) + 1
    belongs = sp.csr_array((np.ones(len(known)), (known, artists[known])), shape=shape)

    def score(histories: Histories, rows: Rows) -> NDArray[np.float64]:
        mine = (histories @ belongs).toarray()
        return np.where(artists[rows] >= 0, mine[:, artists[rows]], 0.0)

    return score


def _ranker(score: Scorer, seed: int) -> Ranker:
    def rank(histories: Histories, users: Rows, pool: Rows | None, k: int) -> TopK:
        rng = np.random.default_rng(seed)
        rows = np.arange(histories.shape[1], dtype=np.int32) if pool is None else pool
        starts = range(0, histories.shape[0], AT_ONCE)
        parts = [_best(score, histories[start : start + AT_ONCE], rows, k, rng) for start in starts]
        return TopK.concatenate(parts) if parts else TopK.empty(0, k)

    return rank


def _best(score: Scorer, histories: Histories, rows: Rows, k: int, rng: np.random.Generator) -> TopK:
    """Equal scores in random order, tracks of the history left out."""
    found = np.where(histories[:, rows].toarray() != 0, -np.inf, score(histories, rows))
    order = np.lexsort((rng.random(found.shape), -found), axis=1)[:, :k]
    best = np.take_along_axis(found, order, axis=1)
    return TopK(np.where(np.isfinite(best), rows[order], -1), best)
