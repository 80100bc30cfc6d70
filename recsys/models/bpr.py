"""Matrix factorisation that learns to rank what was played above what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats
from recsys.models.base import weighted
from recsys.models.trained import EstimatedUsers

if TYPE_CHECKING:
    from recsys.tables import Dataset

MOST_STEPS = 500_000_000


class BPR(EstimatedUsers):
    """Bayesian personalised ranking, fitted by implicit on one thread; the track bias is the last dimension.

    Args:
        factors: dimensions besides the bias.
        learning_rate: step size.
        regularization: pull of every parameter towards 0.
        iterations: passes over the plays; fewer when they would take more than 500 million steps in all.
        copies: fits from different random starts, whose vectors are put side by side and so averaged.

    Rendle, Freudenthaler, Gantner and Schmidt-Thieme, BPR: Bayesian personalized ranking from implicit
    feedback, UAI 2009.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> world = Dataset(plays, Catalogue.empty(4))
    >>> model = BPR(factors=4).fit(world, rng=np.random.default_rng(0))
    >>> int(model.scores(plays.matrix())[1, [0, 1, 3]].argmax())  # for bo, who played rock1
    2
    """

    name: ClassVar[str] = "bpr"
    grid: ClassVar = [{"regularization": 0.01}, {"factors": 64}]

    def __init__(
        self,
        factors: int = 32,
        learning_rate: float = 0.05,
        regularization: float = 0.03,
        iterations: int = 200,
        copies: int = 3,
    ) -> None:
        self.factors, self.learning_rate, self.regularization = factors, learning_rate, regularization
        self.iterations, self.copies = iterations, copies

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit with implicit; the same seed gives the same vectors."""
        histories = weighted(dataset.histories(), "binary")
        plays = sp.csr_matrix(histories)
        fitted = [self._one(plays, int(rng.integers(2**31))) for _ in range(self.copies)]
        users, items = (np.hstack([side[:, :-1] for side in sides]) for sides in zip(*fitted, strict=True))
        bias = sum(items[:, -1:] for _, items in fitted)
        self._keep(np.hstack([users, np.ones((len(users), 1), np.float32)]), np.hstack([items, bias]), histories)
        return self

    def _one(self, plays: sp.csr_matrix, seed: int) -> tuple[Floats, Floats]:
        """Listeners and tracks, each (n, factors + 1): the last is 1 for listeners and the bias for tracks."""
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        model = BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=max(1, min(self.iterations, MOST_STEPS // max(plays.nnz * self.copies, 1))),
            num_threads=1,
            random_state=seed,
        )
        model.fit(plays, show_progress=False)
        return model.user_factors, model.item_factors
