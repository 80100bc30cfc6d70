"""Matrix factorisation of explicit ratings: predicts the rating itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import DataError
from recsys.models.base import known_rows
from recsys.models.trained import EstimatedUsers

if TYPE_CHECKING:
    from recsys.tables import Dataset


class Ratings(EstimatedUsers):
    """Rating = mean + listener's bias + track's bias + dot product, by alternating least squares.

    Minimises the squared error plus λ × (number of ratings of the row) × the squared length of the row. The
    score is the rating expected, on the scale of the log; biases are the last two dimensions.

    Args:
        factors: dimensions besides the biases.
        regularization: λ.
        iterations: rounds over listeners and tracks.

    Zhou, Wilkinson, Schreiber and Pan, Large-scale parallel collaborative filtering for the Netflix prize,
    AAIM 2008.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> given = Interactions(IdMap(["ann", "bo"]), IdMap(["x", "y"]), [0, 0, 1], [0, 1, 0], [5, 2, 5])
    >>> world = Dataset(given, Catalogue.empty(2), ratings=given)
    >>> model = Ratings(factors=1).fit(world, rng=np.random.default_rng(0))
    >>> x, y = model.scores(given.matrix(), np.array([0, 1], np.int32))[1]
    >>> bool(x > y)
    True
    """

    name: ClassVar[str] = "ratings"
    state: ClassVar[tuple[str, ...]] = (*EstimatedUsers.state, "users")
    axes: ClassVar = {**EstimatedUsers.axes, "users": "u-"}
    grid: ClassVar = [{"regularization": 0.02}, {"regularization": 0.2}, {"factors": 8}]

    def __init__(self, factors: int = 32, regularization: float = 0.08, iterations: int = 15) -> None:
        self.factors, self.regularization, self.iterations = factors, regularization, iterations

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit on ``dataset.ratings``; DataError when there are none."""
        if dataset.ratings is None or not len(dataset.ratings):
            raise DataError("this log has no ratings; expected a rating column, or another model for plays")
        given = _mean_per_pair(dataset.ratings.matrix(), dataset.ratings.user, dataset.ratings.track)
        mean = float(given.data.mean())
        given.data -= mean
        users, items = self._factorise(given, rng)
        one = np.ones((len(users), 1), np.float32)
        self.users_ = np.hstack([users[:, :-1], one, users[:, -1:] + mean])
        self._keep(self.users_, np.hstack([items, np.ones((len(items), 1))]), dataset.matrix())
        return self

    users_: Floats

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """The vectors that listeners' own ratings gave them; for others an estimate from what they played."""
        found = super().user_vectors(histories)
        rows = known_rows(users, len(found))
        rated = (rows >= 0) & (rows < len(self.users_))
        rated[rated] = self.users_[rows[rated]].any(axis=1)
        found[rated] = self.users_[rows[rated]]
        return found

    def _plain(self) -> int:
        return self.items_.shape[1] - 2

    def _factorise(self, given: sp.csr_array, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Listeners and tracks, each (n, factors + 1) with its own bias last."""
        turned = sp.csr_array(given.T)
        items = np.zeros((given.shape[1], self.factors + 1), np.float32)
        items[:, :-1] = rng.normal(0, 0.1, (given.shape[1], self.factors))
        with threadpool_limits(limits=1, user_api="blas"):
            for _ in range(self.iterations):
                users = self._half(given, items)
                items = self._half(turned, users)
        return users, items

    def _half(self, given: sp.csr_array, other: Floats) -> Floats:
        """Rows that fit ``given`` best while the other side stands still; the other's bias is taken off first."""
        from recsys.models.kernels import ridge_rows

        fixed = np.hstack([other[:, :-1], np.ones((len(other), 1), np.float32)])
        left = given.data - other[given.indices, -1]
        ridge = (self.regularization * np.maximum(np.diff(given.indptr), 1)).astype(np.float32)
        found = np.empty((given.shape[0], fixed.shape[1]), np.float32)
        base = np.zeros((fixed.shape[1],) * 2, np.float32)
        ridge_rows(given.indptr, given.indices, np.ones_like(left), left, fixed, base, ridge, found)
        return found


def _mean_per_pair(total: sp.csr_array, user: Rows, track: Rows) -> sp.csr_array:
    """Summed ratings to mean ratings, for logs in which someone rated a track twice."""
    times = sp.csr_array((np.ones(len(user), np.float32), (user, track)), shape=total.shape)
    times.sum_duplicates()
    return sp.csr_array((total.data / times.data, total.indices, total.indptr), shape=total.shape)
