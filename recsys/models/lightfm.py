"""Factorisation machines over track features, by the optional package lightfm-next; not needed to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.errors import MissingExtra
from recsys.models.base import weighted
from recsys.models.blocks import has_content, words
from recsys.models.trained import EstimatedUsers

if TYPE_CHECKING:
    from recsys.tables import Dataset


class LightFM(EstimatedUsers):
    """WARP loss over sums of feature vectors: each track is itself plus, on request, what is known about it.

    Args:
        factors: dimensions besides the bias, which is the last one.
        epochs: passes over the plays.
        learning_rate: step size (adagrad).
        regularization: L2 penalty of the track and listener vectors.
        features: also use artist, genre, tags and content spaces of the tracks, where there are any.

    Kula, Metadata embeddings for user and item cold-start recommendations, CBRecSys 2015.

    >>> LightFM(features=False).params()["features"]
    False
    """

    name: ClassVar[str] = "lightfm"
    cold: ClassVar[bool] = True
    grid: ClassVar = [{"regularization": 1e-5}, {"epochs": 60}, {"features": False}]

    def __init__(
        self,
        factors: int = 64,
        epochs: int = 20,
        learning_rate: float = 0.05,
        regularization: float = 1e-4,
        features: bool = True,
    ) -> None:
        self.factors, self.epochs, self.learning_rate = factors, epochs, learning_rate
        self.regularization, self.features = regularization, features

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit on one thread, so that the same seed gives the same vectors. MissingExtra without the package."""
        try:
            from lightfm import LightFM as Machine
        except ImportError as error:
            raise MissingExtra("lightfm-next", "lightfm") from error
        histories = weighted(dataset.histories(), "binary")
        known = _features(dataset) if self.features else None
        model = Machine(
            no_components=self.factors,
            loss="warp",
            learning_rate=self.learning_rate,
            item_alpha=self.regularization,
            user_alpha=self.regularization,
            random_state=int(rng.integers(2**31)),
        )
        model.fit(sp.coo_matrix(histories), item_features=known, epochs=self.epochs, num_threads=1)
        self._keep(*_vectors(model, known), histories)
        return self


def _features(dataset: Dataset) -> sp.csr_matrix | None:
    """Each track's own column, then words, then content dimensions, CSR (tracks, features); rows sum to 2 at most."""
    if not has_content(dataset):
        return None
    own = sp.eye(len(dataset.tracks), dtype=np.float32)
    named = words(dataset.catalogue)
    count = np.maximum(np.diff(named.indptr), 1)
    shares = sp.csr_array(
        (named.data / np.repeat(count, np.diff(named.indptr)), named.indices, named.indptr), named.shape
    )
    spaces = [
        sp.csr_array(e.vectors / np.maximum(np.abs(e.vectors).sum(axis=1, keepdims=True), 1e-9))
        for e in dataset.contents.values()
    ]
    made = sp.csr_matrix(sp.hstack([own, shares, *spaces]), dtype=np.float32)
    made.indices, made.indptr = made.indices.astype(np.int32), made.indptr.astype(np.int32)
    return made


def _vectors(model: Any, known: sp.csr_matrix | None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    bias, items = model.get_item_representations(known)
    _, users = model.get_user_representations()
    one = np.ones((len(users), 1), np.float32)
    return np.hstack([users, one]), np.hstack([items, bias[:, None]])
