"""Vectors of tracks in a named space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

Metric = Literal["cosine", "dot"]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector per track row; a track whose vector is unknown has a zero row and ``known`` False.

    Attributes:
        vectors: float32, shape (n, d), finite.
        known: bool, shape (n,).
        space: the name people use for it, such as "collaborative" or "content".
        metric: how two vectors compare.

    >>> Embeddings.normalised(np.array([[3., 4.], [0., 0.]]), "content")
    Embeddings('content', 2 x 2, 1 known, cosine)
    """

    vectors: NDArray[np.float32]
    known: NDArray[np.bool_]
    space: str
    metric: Metric = "cosine"

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.known.shape != self.vectors.shape[:1]:
            raise DataError(f"vectors {self.vectors.shape} and known {self.known.shape}; expected (n, d) and (n,)")
        object.__setattr__(self, "vectors", np.ascontiguousarray(self.vectors, dtype=np.float32))
        object.__setattr__(self, "known", np.ascontiguousarray(self.known, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        return f"Embeddings({self.space!r}, {n} x {d}, {self.known.sum()} known, {self.metric})"

    @property
    def dimensions(self) -> int:
        """d, the length of one vector."""
        return int(self.vectors.shape[1])

    @classmethod
    def normalised(cls, vectors: NDArray[np.floating], space: str) -> Embeddings:
        """Rows scaled to length 1; rows that are zero or not finite become unknown."""
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        known = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
        unit = np.where(known[:, None], vectors / np.where(known[:, None], length, 1), 0)
        return cls(unit.astype(np.float32), known, space)
