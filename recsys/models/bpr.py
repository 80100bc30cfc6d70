"""Matrix factorisation that learns to rank what was played above what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.models.base import weighted
from recsys.models.trained import EstimatedUsers

if TYPE_CHECKING:
    from recsys.tables import Dataset


class BPR(EstimatedUsers):
    """Bayesian personalised ranking, fitted by implicit on one thread; the track bias is the last dimension.

    Args:
        factors: dimensions besides the bias.
        learning_rate: step size.
        regularization: pull of every parameter towards 0.
        iterations: passes over the plays.

    Rendle, Freudenthaler, Gantner and Schmidt-Thieme, BPR: Bayesian personalized ranking from implicit
    feedback, UAI 2009.
    """

    name: ClassVar[str] = "bpr"
    grid: ClassVar = [{"regularization": 0.005}, {"iterations": 100}]

    def __init__(
        self, factors: int = 64, learning_rate: float = 0.05, regularization: float = 0.02, iterations: int = 300
    ) -> None:
        self.factors, self.learning_rate = factors, learning_rate
        self.regularization, self.iterations = regularization, iterations

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit with implicit; the same seed gives the same vectors."""
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        histories = weighted(dataset.histories(), "binary")
        model = BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=self.iterations,
            num_threads=1,
            random_state=int(rng.integers(2**31)),
        )
        model.fit(sp.csr_matrix(histories), show_progress=False)
        self._keep(model.user_factors, model.item_factors, histories)
        return self
