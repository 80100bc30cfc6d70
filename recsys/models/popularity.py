"""The same list for everyone: tracks by how many listeners they have, over all time or lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import DataError
from recsys.models.base import Model

if TYPE_CHECKING:
    from recsys.tables import Dataset

DAY = 86_400.0


class _SameForAll(Model):
    """One score per track, the same for every history; a vector model of one dimension."""

    state = ("listeners",)
    axes: ClassVar = {"listeners": "t"}
    listeners_: Floats

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """Ones, float32 (q, 1)."""
        return np.ones((histories.shape[0], 1), np.float32)

    def item_vectors(self) -> Floats:
        """The scores, float32 (tracks, 1)."""
        return self.listeners_[:, None]

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks), every row the same."""
        return np.tile(self.listeners_, (histories.shape[0], 1))

    def track_vectors(self) -> Floats | None:
        """None: popularity says nothing about likeness."""
        return None


class Popularity(_SameForAll):
    """How many listeners and playlists have a track.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann", "bo"]), IdMap(["x", "y"]), [0, 0, 1], [0, 1, 1], [1, 1, 9])
    >>> model = Popularity().fit(Dataset(plays, Catalogue.empty(2)), rng=np.random.default_rng(0))
    >>> model.scores(plays.matrix()[:1])
    array([[1., 2.]], dtype=float32)
    """

    name: ClassVar[str] = "popularity"

    def __init__(self) -> None:
        pass

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Count; ``rng`` is not used."""
        histories = dataset.histories()
        self.listeners_ = np.bincount(histories.indices, minlength=histories.shape[1]).astype(np.float32)
        return self

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """Count again, which costs nothing."""
        return np.flatnonzero(self.fit(dataset, rng=np.random.default_rng(0)).listeners_).astype(np.int32)


class Recent(_SameForAll):
    """How many listeners have a track, each counting less the longer ago their last play of it.

    Args:
        half_life: days after which a listener counts half; ages run from the newest play in the log.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann"]), IdMap(["x", "y"]), [0, 0], [0, 1], [1, 1], [0, 30 * 86_400])
    >>> model = Recent(half_life=30.0).fit(Dataset(plays, Catalogue.empty(2)), rng=np.random.default_rng(0))
    >>> model.scores(plays.matrix())
    array([[0.5, 1. ]], dtype=float32)
    """

    name: ClassVar[str] = "recent"
    grid: ClassVar = [{"half_life": 7.0}, {"half_life": 120.0}]

    def __init__(self, half_life: float = 30.0) -> None:
        self.half_life = half_life

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Count; ``rng`` is not used. DataError when the plays have no times."""
        plays = dataset.plays
        if plays.time is None:
            raise DataError("this log has no times, so nothing is recent in it; expected a timestamp column")
        width = len(plays.tracks)
        pair = plays.user.astype(np.int64) * width + plays.track
        order = np.lexsort((-plays.time, pair))
        pair, first = np.unique(pair[order], return_index=True)
        last = plays.time[order][first]
        age = (last.max(initial=0) - last) / DAY
        share = np.exp2(-age / self.half_life)
        self.listeners_ = np.bincount(pair % width, share, minlength=width).astype(np.float32)
        return self

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """Count again, where all plays have times."""
        if dataset.plays.time is None:
            return rows[:0]
        return np.flatnonzero(self.fit(dataset, rng=np.random.default_rng(0)).listeners_).astype(np.int32)
