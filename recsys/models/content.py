"""What tracks are, not who plays them: artist, genre, tags and content spaces, and a model that uses nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import DataError
from recsys.models.base import Model, divided, weighted

if TYPE_CHECKING:
    from recsys.tables import Catalogue, Dataset

COLUMNS = ("artist", "genre", "tags")


class Content(Model):
    """Cosine between a track and the weighted mean of the history, in content vectors.

    Args:
        dimensions: length of the vector that artist, genre and tags are condensed into.
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
    cold: ClassVar[bool] = True
    state = ("items",)
    axes: ClassVar = {"items": "t-"}
    grid: ClassVar = [{"dimensions": 32}, {"weight": "binary"}]
    items_: Floats

    def __init__(self, dimensions: int = 128, weight: str = "log") -> None:
        self.dimensions, self.weight = dimensions, weight

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Gather the vectors; ``rng`` is not used. DataError when nothing is known about any track."""
        self.items_ = content_vectors(dataset, self.dimensions)
        return self

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """The profile of each history, length 1, float32 (q, d); zeros for an empty one."""
        return _unit(weighted(histories, self.weight) @ self.items_)

    def item_vectors(self) -> Floats:
        """Content vectors of length 1, zeros where nothing is known, float32 (tracks, d)."""
        return self.items_

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """Cosines, float32 (q, tracks)."""
        return self.user_vectors(histories, users) @ self.items_.T

    def track_vectors(self) -> Floats | None:
        """The same as ``item_vectors``."""
        return self.items_


def has_content(dataset: Dataset) -> bool:
    """Whether anything is known about any track."""
    return any(e.known.any() for e in dataset.contents.values()) or words(dataset.catalogue).nnz > 0


def content_vectors(dataset: Dataset, dimensions: int = 128) -> Floats:
    """Words condensed by SVD and every content space, side by side with equal weight, float32 (tracks, d).

    Raises:
        DataError: nothing is known about any track.
    """
    blocks = [_unit(embedding.vectors) for embedding in dataset.contents.values() if embedding.known.any()]
    named = words(dataset.catalogue)
    if named.nnz:
        blocks.append(_unit(_condensed(named, dimensions)))
    if not blocks:
        raise DataError("nothing is known about any track; expected artist, genre, tags or a content table")
    return _unit(np.concatenate(blocks, axis=1))


def words(catalogue: Catalogue) -> sp.csr_array:
    """Which artist, genres and tags each track has, float32 CSR (tracks, words) of zeros and ones."""
    number: dict[tuple[str, str], int] = {}
    tracks, columns = [], []
    for column in COLUMNS:
        for track, value in enumerate(catalogue.frame[column]):
            for word in _items(value):
                tracks.append(track)
                columns.append(number.setdefault((column, word.casefold()), len(number)))
    made = sp.csr_array((np.ones(len(tracks), np.float32), (tracks, columns)), shape=(len(catalogue), len(number)))
    made.sum_duplicates()
    made.data[:] = 1
    return made


def _items(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, np.ndarray)):
        yield from (str(v) for v in value)


def _condensed(named: sp.csr_array, dimensions: int) -> Floats:
    """TF-IDF of words, condensed to ``dimensions`` numbers per track if there are more words and more tracks."""
    from scipy.sparse.linalg import svds

    rarity = np.log(1 + named.shape[0] / np.bincount(named.indices, minlength=named.shape[1]))
    scaled = sp.csr_array((rarity[named.indices], named.indices, named.indptr), shape=named.shape)
    if min(named.shape) <= dimensions:
        return np.asarray(scaled.toarray(), dtype=np.float32)
    left, strength, _ = svds(scaled, k=dimensions, v0=np.ones(min(named.shape)))
    return np.asarray(left * strength, dtype=np.float32)


def _unit(vectors: Floats) -> Floats:
    return divided(vectors, np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
