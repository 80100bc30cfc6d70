"""Vector models that estimate a listener from the history at hand, trained on or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import Model, divided, weighted

RIDGE = 0.1


class EstimatedUsers(Model):
    """A listener's vector is a linear function of the mean track vector of the history.

    That function is a ridge regression of the vectors that training gave its listeners. Listeners that were
    trained on are estimated too: on held-out plays this ranks better than their own vectors, which overfit,
    and nothing about a person needs storing. An empty history gets the mean listener.
    """

    state: ClassVar[tuple[str, ...]] = ("items", "slope", "origin")
    axes: ClassVar[Mapping[str, str]] = {"items": "t-"}
    items_: Floats
    slope_: Floats
    origin_: Floats

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """One vector per history, float32 (q, d); ``users`` is not used."""
        centre, target = self.origin_
        moved = (self._means(histories) - centre) @ self.slope_
        return np.where(np.diff(histories.indptr)[:, None] > 0, moved + target, target)

    def item_vectors(self) -> Floats:
        """float32 (tracks, d); biases are dimensions of it."""
        return self.items_

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks)."""
        return self.user_vectors(histories, users) @ self.items_.T

    def track_vectors(self) -> Floats | None:
        """Track vectors without the biases, float32 (tracks, d)."""
        return np.ascontiguousarray(self.items_[:, : self._plain()])

    def _plain(self) -> int:
        """How many leading dimensions are not biases: all but the last."""
        return self.items_.shape[1] - 1

    def _keep(self, users: Floats, items: Floats, histories: sp.csr_array) -> None:
        """Store the tracks and learn to estimate listeners; ``histories`` (users, tracks) are theirs."""
        self.items_ = np.ascontiguousarray(items, dtype=np.float32)
        active = np.flatnonzero(np.diff(histories.indptr))
        means, known = self._means(histories[active]), users[active]
        centre, target = means.mean(axis=0), known.mean(axis=0)
        spread = (means - centre).astype(np.float64)
        gram = spread.T @ spread
        gram += np.eye(len(gram)) * (RIDGE * np.trace(gram) / len(gram) + 1e-9)
        self.slope_ = np.linalg.solve(gram, spread.T @ (known - target)).astype(np.float32)
        self.origin_ = np.stack([centre, target]).astype(np.float32)

    def _means(self, histories: sp.csr_array) -> Floats:
        """The mean vector of what is known of each history; zeros for none."""
        plays = weighted(histories, "binary")
        counts = plays @ self.items_.any(axis=1).astype(np.float32)
        return divided(plays @ self.items_, counts[:, None]).astype(np.float32)
