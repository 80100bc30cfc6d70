"""What comes next by a small recurrent network: learned with torch, answered without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.models.sequences import NextModel, Sequences

if TYPE_CHECKING:
    import torch

LONGEST = 20  # tracks of a sequence that are learned from, the last ones
MOST = 20_000  # sequences of an epoch, drawn anew for each
BATCH = 128


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

        torch.manual_seed(int(rng.integers(2**31)))
        items = torch.nn.Embedding(sequences.tracks + 1, self.width, padding_idx=sequences.tracks)
        torch.nn.init.normal_(items.weight, std=self.width**-0.5)
        cell = torch.nn.GRU(self.width, self.width, batch_first=True)
        bias = torch.nn.Parameter(torch.zeros(sequences.tracks))
        learned = [*items.parameters(), *cell.parameters(), bias]
        self._learn(items, cell, bias, torch.optim.Adam(learned, self.rate), sequences, rng)
        kept = [items.weight[:-1], bias, *cell.parameters()]
        arrays = [np.ascontiguousarray(part.detach().numpy(), np.float32) for part in kept]
        self.items_, self.bias_, self.inputs_, self.states_, *shifts = arrays
        self.shifts_ = np.stack(shifts)
        return self

    def _learn(
        self,
        items: torch.nn.Embedding,
        cell: torch.nn.GRU,
        bias: torch.nn.Parameter,
        adam: torch.optim.Optimizer,
        sequences: Sequences,
        rng: np.random.Generator,
    ) -> None:
        import torch

        lists = sequences.lists()
        for _ in range(self.epochs):
            order = rng.permutation(len(lists))[:MOST]
            for start in range(0, len(order), BATCH):
                some = _padded([lists[i] for i in order[start : start + BATCH]], sequences.tracks)
                tracks = torch.from_numpy(some)
                heard = torch.nn.functional.dropout(items(tracks[:, :-1]), self.dropout)
                scores = cell(heard)[0] @ items.weight[:-1].T + bias
                wanted = torch.where(tracks[:, 1:] < sequences.tracks, tracks[:, 1:], -100)
                loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()

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


def _padded(lists: list[Rows], filler: int) -> NDArray[np.int64]:
    """Sequences from the left, cut to the last ``LONGEST`` tracks and filled behind, (q, longest of them)."""
    length = min(LONGEST, max(len(one) for one in lists))
    made = np.full((len(lists), length), filler, np.int64)
    for row, one in enumerate(lists):
        some = one[-length:]
        made[row, : len(some)] = some
    return made
