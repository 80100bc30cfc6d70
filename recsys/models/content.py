"""A model that knows tracks only by what they are: the nearest to what somebody played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import divided, weighted
from recsys.models.blocks import has_content, words
from recsys.models.described import DescribedModel, check_content
from recsys.models.features import Features
from recsys.models.splitting import Split, by_blocks

if TYPE_CHECKING:
    from recsys.tables import Dataset

__all__ = ["Content", "content_vectors", "has_content", "words"]


class Content(DescribedModel):
    """Cosine between a track and the weighted mean of the history, in content vectors.

    Args:
        dimensions: most numbers that all that is known of a track is condensed into.
        weight: transform of the play weights: "binary", "log" or "raw".

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann"]), IdMap(["x", "y", "z"]), [0], [0], [1])
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["jazz"], ["rock"]]}))
    >>> model = Content().fit(Dataset(plays, songs), rng=np.random.default_rng(0))
    >>> model.scores(plays.matrix())
    array([[1., 0., 1.]], dtype=float32)
    """

    name: ClassVar[str] = "content"
    state = ("items",)
    axes: ClassVar[Mapping[str, str]] = {"items": "t-"}
    grid: ClassVar[list[dict[str, Any]]] = [{"dimensions": 512}, {"weight": "binary"}]
    items_: Floats

    def __init__(self, dimensions: int = 128, weight: str = "log") -> None:
        self.dimensions, self.weight = dimensions, weight

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Gather the vectors; ``rng`` is not used. DataError when nothing is known about any track."""
        self.features_ = _features(dataset, self.dimensions)
        self.items_ = _unit(self.features_.rows(dataset))
        return self

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted model back from ``arrays()`` and ``params()``; its content rows know artists and albums."""
        made = super().from_arrays(arrays, **params)
        made.features_.drop = ()
        return made

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """New tracks are placed by their content; learned are those of which anything is known."""
        self.items_ = _unit(self.features_.rows(dataset))
        return np.flatnonzero(self.items_.any(axis=1)).astype(np.int32)

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """The profile of each history, length 1, float32 (q, d); zeros for an empty one."""
        return _unit(weighted(histories, self.weight) @ self.items_)

    def item_vectors(self) -> Floats:
        """Content vectors of length 1, zeros where nothing is known, float32 (tracks, d)."""
        return self.items_

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """Cosines, float32 (q, tracks)."""
        return self.user_vectors(histories, users) @ self.items_.T

    def split(self, known: Dataset, histories: Histories, rows: Rows) -> Split:
        """What each block gave to the cosines of some tracks (q, k), beyond the mean track: all there is.

        Args:
            known: what is known of the tracks.
            histories: CSR (q, tracks).
            rows: track rows, (q, k).
        """
        return by_blocks(self.features_, known, self.user_vectors(histories), rows)

    def track_vectors(self) -> Floats | None:
        """The same as ``item_vectors``."""
        return self.items_


def content_vectors(dataset: Dataset, dimensions: int = 128) -> Floats:
    """All that is known of each track, a row of length 1, float32 (tracks, at most ``dimensions``).

    Raises:
        DataError: nothing is known about any track.
    """
    return _unit(_features(dataset, dimensions).rows(dataset))


def _features(dataset: Dataset, dimensions: int) -> Features:
    check_content(dataset)
    return Features(dimensions, drop=(), rarity=True).fit(dataset, np.ones(len(dataset.tracks), bool))


def _unit(vectors: Floats) -> Floats:
    return divided(vectors, np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
