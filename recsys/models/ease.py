"""A linear model of tracks on tracks in closed form, dense in the tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import DataError
from recsys.models.base import Model, similar_vectors, weighted

if TYPE_CHECKING:
    from recsys.tables import Dataset

MOST_TRACKS = 12_000
BLOCK = 512


class Ease(Model):
    """Each track as a linear sum of the others, ridge regression in closed form with a zero diagonal.

    Args:
        regularization: λ of a track of average popularity, in units of a mean squared weight.
        track_power: λ of a track grows with (popularity / average) to this power; 0 = the same for all.
        user_power: a listener counts as (tracks played / average) to the power of minus twice this.
        weight: transform of the play weights: "binary", "log" or "raw".

    Time grows with the cube and memory with the square of the tracks: 10,000 tracks take about 40 s and
    400 MB; more than 12,000 are refused.

    Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019; the two powers are an addition.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> world = Dataset(plays, Catalogue.empty(4))
    >>> model = Ease(regularization=1.0).fit(world, rng=np.random.default_rng(0))
    >>> int(model.scores(plays.matrix())[1, [0, 1, 3]].argmax())  # for bo, who played rock1
    2
    """

    name: ClassVar[str] = "ease"
    state: ClassVar[tuple[str, ...]] = ("coefficients",)
    axes: ClassVar[Mapping[str, str]] = {"coefficients": "tt"}
    grid: ClassVar = [{"regularization": 30.0}, {"regularization": 300.0}]
    coefficients_: Floats

    def __init__(
        self,
        regularization: float = 100.0,
        track_power: float = 0.5,
        user_power: float = 0.5,
        weight: str = "log",
    ) -> None:
        self.regularization, self.weight = regularization, weight
        self.track_power, self.user_power = track_power, user_power

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Invert one matrix; ``rng`` is not used. DataError when there are too many tracks."""
        gram = gram_matrix(dataset, self.weight, self.user_power)
        gram[np.diag_indices_from(gram)] += ridge(gram, self.regularization, self.track_power)
        found = inverse(gram)
        found /= -found.diagonal().copy()
        np.fill_diagonal(found, 0)
        self.coefficients_ = np.ascontiguousarray(found, dtype=np.float32)
        return self

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks); an empty history scores 0 everywhere."""
        return np.asarray(weighted(histories, self.weight) @ self.coefficients_, dtype=np.float32)

    def track_vectors(self) -> Floats | None:
        """The truncated SVD of the coefficients, float32 (tracks, at most 64)."""
        return similar_vectors(self.coefficients_)


def gram_matrix(dataset: Dataset, weight: str, user_power: float) -> NDArray[np.float32]:
    """XᵀX of the histories in units of a mean squared weight, dense float32 (tracks, tracks).

    Raises:
        DataError: more than ``MOST_TRACKS`` tracks.
    """
    tracks = len(dataset.tracks)
    if tracks > MOST_TRACKS:
        raise DataError(f"{tracks:,} tracks need a dense square matrix; expected at most {MOST_TRACKS:,}: use ials")
    histories = weighted(dataset.histories(), weight)
    count = np.diff(histories.indptr)
    unit = np.sqrt(np.mean(histories.data**2)) * (count / count[count > 0].mean()) ** user_power
    histories.data = (histories.data / np.repeat(unit, count)).astype(np.float32)
    turned, gram = sp.csr_array(histories.T), np.empty((tracks, tracks), np.float32)
    for start in range(0, tracks, BLOCK):
        gram[start : start + BLOCK] = (turned[start : start + BLOCK] @ histories).toarray()
    return gram


def ridge(gram: NDArray[np.float32], strength: float, power: float) -> NDArray[np.float32]:
    """``strength`` × (popularity / average)^power per track, float32 (tracks,); popularity is the diagonal."""
    popular = np.maximum(gram.diagonal(), 1e-3)
    return np.asarray(strength * (popular / popular.mean()) ** power, dtype=np.float32)


def inverse(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverse of a symmetric positive definite matrix, by Cholesky, in its own memory."""
    from scipy.linalg.lapack import spotrf, spotri

    factor, failed = spotrf(matrix.T, lower=True, clean=False, overwrite_a=True)
    inverse, failed_too = spotri(factor, lower=True, overwrite_c=True)
    if failed or failed_too:
        raise DataError("the Gram matrix can't be inverted; expected a regularization above 0")
    upper: NDArray[np.float32] = inverse.T
    for row in range(len(upper)):
        upper[row:, row] = upper[row, row:]
    return upper
