"""The one answer of models, index and ranker: for each query the best rows, best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError


@dataclass(frozen=True)
class TopK:
    """Rows and scores, best first; larger is always better; short lists end in row −1 and score −inf.

    Attributes:
        rows: int32, shape (q, k).
        scores: float32, shape (q, k).

    >>> lists = TopK(np.array([[2, 0], [1, -1]]), np.array([[.9, .5], [.3, -np.inf]]))
    >>> len(lists), lists.lengths
    (2, array([2, 1]))
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.rows.shape != self.scores.shape or self.rows.ndim != 2:
            raise DataError(f"rows {self.rows.shape} and scores {self.scores.shape} differ; expected one (q, k) shape")
        object.__setattr__(self, "rows", np.ascontiguousarray(self.rows, dtype=np.int32))
        object.__setattr__(self, "scores", np.ascontiguousarray(self.scores, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> NDArray[np.intp]:
        """How many rows each list really has, shape (q,)."""
        return (self.rows >= 0).sum(axis=1)

    def head(self, k: int) -> TopK:
        """The first ``k`` of every list."""
        return TopK(self.rows[:, :k], self.scores[:, :k])

    @classmethod
    def empty(cls, queries: int, k: int) -> TopK:
        """Lists with nothing in them yet."""
        return cls(np.full((queries, k), -1, np.int32), np.full((queries, k), -np.inf, np.float32))

    @classmethod
    def concatenate(cls, parts: list[TopK]) -> TopK:
        """Parts with the same k, one after another."""
        return cls(np.concatenate([p.rows for p in parts]), np.concatenate([p.scores for p in parts]))
