"""What comes next by a small recurrent network: learned with torch, answered without."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.models.epochs import LONGEST, array, learn
from recsys.models.sequences import NextModel, Sequences


class GRU(NextModel):
    """A gated recurrent unit over track vectors that it learns; a track's score is the product with its own vector.

    Learned is the softmax over all tracks at every place of a sequence. On two cores 3,000 short sequences of 320
    tracks take some seconds; time grows with sequences × tracks.

    Args:
        width: of vectors and state.
        epochs: passes over the sequences.
        rate: step size of Adam.
        dropout: share of a track's vector that is hidden while learning.

    Hidasi, Karatzoglou, Baltrunas and Tikk, Session-based recommendations with recurrent neural networks, ICLR 2016.
    """

    name: ClassVar[str] = "gru"
    state = ("items", "bias", "inputs", "states", "shifts")
    axes: ClassVar = {"items": "t-", "bias": "t"}
    items_: Floats
    bias_: Floats
    inputs_: Floats
    states_: Floats
    shifts_: Floats

    def __init__(self, width: int = 48, epochs: int = 10, rate: float = 0.003, dropout: float = 0.2) -> None:
        self.width, self.epochs, self.rate, self.dropout = width, epochs, rate, dropout

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Learn; ``vectors`` are not used."""
        import torch

        class Unit(torch.nn.GRU):
            def forward(self, heard: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                states: torch.Tensor = super().forward(heard)[0]
                return states

        torch.manual_seed(int(rng.integers(2**31)))
        unit = Unit(self.width, self.width, batch_first=True)
        self.items_, self.bias_ = learn(unit, sequences, **self.params(), rng=rng)
        self.inputs_, self.states_, *shifts = map(array, unit.parameters())
        self.shifts_ = np.stack(shifts)
        return self

    def scores(self, recent: Rows) -> Floats:
        """float32 (q, tracks)."""
        state = np.zeros((len(recent), self.width), np.float32)
        for place in range(max(0, recent.shape[1] - LONGEST), recent.shape[1]):
            there = recent[:, place] >= 0
            state[there] = self._step(self.items_[recent[there, place]], state[there])
        return np.asarray(state @ self.items_.T + self.bias_, np.float32)

    def _step(self, heard: Floats, state: Floats) -> Floats:
        """The next state of the unit, (q, d): gates in torch's order, reset, update, new."""
        first, second = heard @ self.inputs_.T + self.shifts_[0], state @ self.states_.T + self.shifts_[1]
        (r, z, n), (hr, hz, hn) = np.split(first, 3, axis=1), np.split(second, 3, axis=1)
        reset, update = _sigmoid(r + hr), _sigmoid(z + hz)
        return np.asarray((1 - update) * np.tanh(n + reset * hn) + update * state, np.float32)


def _sigmoid(values: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))
