"""A sparse linear model of tracks on tracks, by coordinate descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.models.ease import gram_matrix
from recsys.models.neighbours import Neighbours

if TYPE_CHECKING:
    from recsys.tables import Dataset


class Slim(Neighbours):
    """Each track as a sparse non-negative sum of its nearest tracks: elastic net with a zero diagonal.

    Args:
        k: tracks that may take part in each sum, chosen by cosine.
        l1: penalty that makes sums sparse, in units of a mean squared weight.
        l2: penalty on squares, in the same units.
        sweeps: passes of coordinate descent.
        user_power: a listener counts as (tracks played / average) to the power of minus twice this.
        weight: transform of the play weights: "binary", "log" or "raw".

    As dense in the tracks as EASE while fitting (at most 12,000), sparse afterwards.

    Ning and Karypis, SLIM: sparse linear methods for top-N recommender systems, ICDM 2011.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> world = Dataset(plays, Catalogue.empty(4))
    >>> model = Slim(l2=1.0).fit(world, rng=np.random.default_rng(0))
    >>> int(model.scores(plays.matrix())[1, [0, 1, 3]].argmax())  # for bo, who played rock1
    2
    """

    name: ClassVar[str] = "slim"
    grid: ClassVar = [{"l1": 1.0}, {"l2": 15.0}]

    def __init__(
        self,
        k: int = 300,
        l1: float = 0.1,
        l2: float = 40.0,
        sweeps: int = 12,
        user_power: float = 0.5,
        weight: str = "log",
    ) -> None:
        self.k, self.l1, self.l2, self.sweeps = k, l1, l2, sweeps
        self.user_power, self.weight = user_power, weight

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Descend; ``rng`` is not used. DataError when there are too many tracks."""
        from recsys.models.kernels import elastic_net

        gram = gram_matrix(dataset, self.weight, self.user_power)
        k = max(1, min(self.k, len(gram) - 1))
        near, values = elastic_net(gram, k, self.l1, self.l2, self.sweeps)
        kept = values > 0
        column = np.broadcast_to(np.arange(len(gram))[:, None], near.shape)
        self.similarity_ = sp.csr_array((values[kept], (near[kept], column[kept])), shape=gram.shape)
        return self
