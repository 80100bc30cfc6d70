"""Alternating least squares as the implicit library does it, the reference for our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import Model, weighted

if TYPE_CHECKING:
    from recsys.tables import Dataset


class ALS(Model):
    """Matrix factorisation of implicit feedback with one ridge for every row, fitted by implicit.

    Only the track vectors are kept: a listener's vector is the exact solution for the history at hand, so
    that new listeners and known ones are treated alike.

    Args:
        factors: dimensions.
        regularization: ridge on every row (the library's .01 is far too small for listening data).
        alpha: confidence of a play is 1 + alpha × its weight.
        iterations: rounds over listeners and tracks.
        weight: transform of the play weights: "binary", "log" or "raw".

    Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> world = Dataset(plays, Catalogue.empty(4))
    >>> model = ALS(factors=2, regularization=0.1).fit(world, rng=np.random.default_rng(0))
    >>> int(model.scores(plays.matrix())[1, [0, 1, 3]].argmax())  # for bo, who played rock1
    2
    """

    name: ClassVar[str] = "als"
    state = ("items",)
    axes: ClassVar = {"items": "t-"}
    grid: ClassVar = [{"regularization": 10.0}, {"alpha": 3.0, "regularization": 10.0}, {"factors": 64}]
    items_: Floats

    def __init__(
        self,
        factors: int = 256,
        regularization: float = 40.0,
        alpha: float = 10.0,
        iterations: int = 8,
        weight: str = "binary",
    ) -> None:
        self.factors, self.regularization, self.alpha = factors, regularization, alpha
        self.iterations, self.weight = iterations, weight

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit with implicit; the same seed gives the same vectors."""
        from implicit.cpu.als import AlternatingLeastSquares

        with threadpool_limits(limits=1, user_api="blas"):
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                iterations=self.iterations,
                random_state=int(rng.integers(2**31)),
            )
            model.fit(sp.csr_matrix(self._confidence(dataset.histories())), show_progress=False)
        self.items_ = np.ascontiguousarray(model.item_factors, dtype=np.float32)
        return self

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """The exact least-squares vector of each history, float32 (q, factors); zeros for an empty one."""
        from recsys.models.kernels import ridge_rows

        taken = self._confidence(histories)
        found = np.empty((histories.shape[0], self.items_.shape[1]), np.float32)
        ridge = np.full(len(found), self.regularization, np.float32)
        with threadpool_limits(limits=1, user_api="blas"):
            base = self.items_.T @ self.items_
            confidence = (taken.data - 1, taken.data)
            ridge_rows(taken.indptr, taken.indices, *confidence, self.items_, base, ridge, found)
        return found

    def item_vectors(self) -> Floats:
        """float32 (tracks, factors)."""
        return self.items_

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks)."""
        return self.user_vectors(histories, users) @ self.items_.T

    def track_vectors(self) -> Floats | None:
        """float32 (tracks, factors)."""
        return self.items_

    def _confidence(self, histories: Histories) -> sp.csr_array:
        taken = weighted(histories, self.weight)
        taken.data = 1 + self.alpha * taken.data
        return taken
