"""Sequences that began alike: what they went on with."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats, Rows
from recsys.models.base import divided
from recsys.models.sequences import NextModel, Sequences, faded
from recsys.models.transitions import largest, rarity

MOST = 200_000  # sequences kept, the last ones


class Sessions(NextModel):
    """Tracks of the ``k`` nearest sequences, each with the likeness of its sequence; the newest tracks count most.

    Args:
        k: neighbours.
        decay: what the track before the newest counts against the newest, and so on.
        rare: exponent of the rarity that tracks in common count with.

    Ludewig and Jannach, Evaluation of session-based recommendation algorithms, UMUAI 2018 (vector multiplication
    session-based kNN).

    >>> heard = Sequences.of([[0, 1, 2], [3, 4], [0, 2, 1]], tracks=5)
    >>> model = Sessions().fit(heard, np.zeros((5, 0), np.float32), rng=np.random.default_rng(0))
    >>> int(model.scores(np.array([[-1, 3]], np.int32))[0, [0, 1, 2, 4]].argmax())
    3
    """

    name: ClassVar[str] = "sessions"
    state = ("heard", "rarity")
    axes: ClassVar = {"heard": "-t", "rarity": "t"}
    grid: ClassVar = [{"k": 1000}, {"decay": 0.95, "k": 1000}]
    heard_: sp.csr_array
    rarity_: Floats

    def __init__(self, k: int = 200, decay: float = 0.8, rare: float = 1.0) -> None:
        self.k, self.decay, self.rare = k, decay, rare

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Keep the sequences; ``vectors`` and ``rng`` are not used."""
        self.heard_ = sequences.matrix()[-MOST:]
        self.rarity_ = (rarity(self.heard_) ** self.rare).astype(np.float32)
        return self

    def scores(self, recent: Rows) -> Floats:
        """float32 (q, tracks)."""
        seeds = faded(recent, self.heard_.shape[1], self.decay)
        seeds.data = seeds.data * self.rarity_[seeds.indices]
        alike = sp.csr_array(seeds @ self.heard_.T)
        length = np.sqrt(np.diff(self.heard_.indptr)).astype(np.float32)
        alike.data = divided(alike.data, length[alike.indices]).astype(np.float32)
        return np.asarray((largest(alike, self.k) @ self.heard_).toarray(), np.float32)
