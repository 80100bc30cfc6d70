"""Tracks that share listeners: item k-nearest-neighbours and RP3beta, sparse from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import SettingsError, did_you_mean
from recsys.models.base import Model, divided, similar_vectors, weighted

if TYPE_CHECKING:
    from recsys.tables import Dataset

MOST_ENTRIES = 50_000_000
WEIGHTINGS = ("tfidf", "bm25", "cosine")


class Neighbours(Model):
    """Score of a track = sum over the history of weight × similarity; only the best ``k`` per track are kept.

    On large catalogues ``k`` shrinks so that at most 50 million similarities (400 MB) are stored.
    """

    state = ("similarity",)
    axes: ClassVar = {"similarity": "tt"}
    similarity_: sp.csr_array
    weight: str
    k: int

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks); an empty history scores 0 everywhere."""
        from recsys.models.kernels import sparse_product

        taken = self._profile(histories)
        found = np.zeros(histories.shape, np.float32)
        near = self.similarity_
        sparse_product(taken.indptr, taken.indices, taken.data, near.indptr, near.indices, near.data, found)
        return found

    def track_vectors(self) -> Floats | None:
        """The truncated SVD of the similarities, float32 (tracks, at most 64)."""
        return similar_vectors(self.similarity_)

    def _profile(self, histories: Histories) -> sp.csr_array:
        return weighted(histories, self.weight)

    def _keep(self, users_by_tracks: sp.csr_array, scale: Floats) -> sp.csr_array:
        """The ``k`` largest of each row of (XᵀX) diag(scale), without the diagonal, CSR (tracks, tracks)."""
        import numba

        from recsys.models.kernels import gram_neighbours

        right = users_by_tracks.astype(np.float32)
        left = sp.csr_array(right.T, dtype=np.float32)
        tracks = right.shape[1]
        k = max(1, min(self.k, tracks - 1, MOST_ENTRIES // max(tracks, 1)))
        parts = (left.indptr, left.indices, left.data, right.indptr, right.indices, right.data)
        rows, values = gram_neighbours(*parts, scale.astype(np.float32), k, numba.get_num_threads())
        kept = rows >= 0
        starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        return sp.csr_array((values[kept], rows[kept], starts), shape=(tracks, tracks))


class ItemKNN(Neighbours):
    """Cosine between the columns of the weighted listener–track matrix.

    Args:
        k: neighbours kept per track.
        weighting: "tfidf" (a listener of everything says less), "bm25" (same, saturating) or "cosine" (plain).
        weight: transform of the play weights: "binary", "log" or "raw".
        shrink: added to the product of lengths, so that tracks with few listeners count less.

    Deshpande and Karypis, Item-based top-N recommendation algorithms, TOIS 2004.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> world = Dataset(plays, Catalogue.empty(4))
    >>> model = ItemKNN().fit(world, rng=np.random.default_rng(0))
    >>> int(model.scores(plays.matrix())[1, [0, 1, 3]].argmax())  # for bo, who played rock1
    2
    """

    name: ClassVar[str] = "itemknn"
    grid: ClassVar = [{"k": 100}, {"weighting": "bm25"}, {"weighting": "cosine"}]

    def __init__(self, k: int = 1000, weighting: str = "tfidf", weight: str = "log", shrink: float = 0.0) -> None:
        self.k, self.weighting, self.weight, self.shrink = k, weighting, weight, shrink

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Count co-listening; ``rng`` is not used."""
        if self.weighting not in WEIGHTINGS:
            raise SettingsError(f"weighting = {self.weighting!r}{did_you_mean(self.weighting, WEIGHTINGS)}")
        histories = _reweighted(weighted(dataset.histories(), self.weight), self.weighting)
        length = np.sqrt(np.asarray(histories.multiply(histories).sum(axis=0)).ravel())
        scale = divided(1.0, length + self.shrink * (length > 0))
        near = self._keep(histories, scale)
        near.data *= np.repeat(scale, np.diff(near.indptr)).astype(np.float32)
        self.similarity_ = near
        return self

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """Count again, which is quick."""
        return np.flatnonzero(np.diff(self.fit(dataset, rng=np.random.default_rng(0)).similarity_.indptr)).astype(
            np.int32
        )


class RP3Beta(Neighbours):
    """Where a random walk track → listener → track ends, with popular ends held back.

    Args:
        k: neighbours kept per track.
        alpha: exponent of each step's probability.
        beta: exponent of the popularity that ends are divided by; 0 = plain walk.
        weight: transform of the play weights: "binary", "log" or "raw".

    Paudel, Christoffel, Newell and Bernstein, Updatable, accurate, diverse and scalable recommendations for
    interactive applications, TiiS 2017.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> world = Dataset(plays, Catalogue.empty(4))
    >>> model = RP3Beta().fit(world, rng=np.random.default_rng(0))
    >>> int(model.scores(plays.matrix())[1, [0, 1, 3]].argmax())  # for bo, who played rock1
    2
    """

    name: ClassVar[str] = "rp3beta"
    grid: ClassVar = [{"beta": 0.2}, {"k": 100}, {"alpha": 1.0, "beta": 0.3}]

    def __init__(self, k: int = 1000, alpha: float = 0.8, beta: float = 0.45, weight: str = "log") -> None:
        self.k, self.alpha, self.beta, self.weight = k, alpha, beta, weight

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Walk; ``rng`` is not used."""
        histories = weighted(dataset.histories(), self.weight)
        by_user = np.asarray(histories.sum(axis=1)).ravel()
        by_track = np.asarray(histories.sum(axis=0)).ravel()
        popular = np.bincount(histories.indices, minlength=histories.shape[1])
        half = histories.copy()
        half.data = (half.data / np.sqrt(np.repeat(by_user, np.diff(histories.indptr)))) ** self.alpha
        near = self._keep(half, divided(1.0, np.power(popular, self.beta, dtype=float)))
        start = divided(1.0, by_track**self.alpha)
        near.data *= np.repeat(start, np.diff(near.indptr)).astype(np.float32)
        self.similarity_ = near
        return self

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """Count again, which is quick."""
        return np.flatnonzero(np.diff(self.fit(dataset, rng=np.random.default_rng(0)).similarity_.indptr)).astype(
            np.int32
        )


def _reweighted(histories: sp.csr_array, weighting: str) -> sp.csr_array:
    """Entries scaled by how telling each listener is: log(tracks / tracks played)."""
    if weighting == "cosine":
        return histories
    played = np.diff(histories.indptr)
    rare = np.log(divided(float(histories.shape[1]), np.maximum(played, 1)) + 1e-9).clip(min=1e-3)
    made = histories.copy()
    if weighting == "bm25":
        heard = np.bincount(made.indices, made.data, minlength=made.shape[1])
        norm = 0.8 * heard / max(heard.mean(), 1e-9) + 0.2
        made.data = made.data * 2.2 / (1.2 * norm[made.indices] + made.data)
    made.data = (made.data * np.repeat(rare, played)).astype(np.float32)
    return made
