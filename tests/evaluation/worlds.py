"""Small random worlds, and models simple enough to be known by heart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsys.contracts import Histories, Rows
from recsys.evaluation import Ranker
from recsys.tables import Catalogue, Dataset, IdMap, Interactions, TopK


def world(seed: int = 0, users: int = 60, tracks: int = 40, plays: int = 1500, timed: bool = True) -> Dataset:
    """Repeated plays, skips, ratings and playlists; popular tracks have low rows; artists have four tracks each."""
    rng = np.random.default_rng(seed)
    people, songs = IdMap(range(users), "user"), IdMap(range(tracks), "track")

    def draw(owners: IdMap, n: int, time: np.ndarray | None) -> Interactions:
        track = np.minimum(rng.exponential(tracks / 3, n), tracks - 1).astype(int)
        return Interactions(owners, songs, rng.integers(0, len(owners), n), track, rng.integers(1, 6, n), time)

    artists = pd.DataFrame({"artist": [None if t == 0 else f"artist {t // 4}" for t in range(tracks)]})
    lists = IdMap([f"list {i}" for i in range(30)], "playlist")
    return Dataset(
        draw(people, plays, rng.integers(0, 10_000, plays) if timed else None),
        Catalogue(artists),
        skips=draw(people, plays // 3, rng.integers(0, 10_000, plays // 3) if timed else None),
        ratings=draw(people, plays // 2, rng.integers(0, 10_000, plays // 2) if timed else None),
        playlists=draw(lists, 900, np.arange(900)),
    )


def ranked(scores: np.ndarray, histories: Histories, pool: Rows | None, k: int) -> TopK:
    """The k best of dense scores, seen tracks and those outside the pool left out."""
    scores = scores.astype(float)
    scores[histories.toarray() > 0] = -np.inf
    if pool is not None:
        scores[:, np.setdiff1d(np.arange(scores.shape[1]), pool)] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    return TopK(np.where(np.isfinite(best), order, -1), best)


def fit(train: Dataset) -> dict[str, Ranker]:
    """Popularity, and co-occurrence under the name of the neighbours model."""
    matrix = (train.histories() > 0).astype(float)
    popularity = np.asarray(matrix.sum(axis=0)).ravel()
    together = (matrix.T @ matrix).toarray()

    def popular(histories: Histories, users: Rows, pool: Rows | None, k: int) -> TopK:
        return ranked(np.tile(popularity, (histories.shape[0], 1)), histories, pool, k)

    def neighbours(histories: Histories, users: Rows, pool: Rows | None, k: int) -> TopK:
        return ranked((histories > 0).astype(float) @ together, histories, pool, k)

    return {"popularity": popular, "itemknn": neighbours}
