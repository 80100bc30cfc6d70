"""What comes next by attention over what was heard: learned with torch, answered without."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recsys.contracts import Floats, Rows
from recsys.models.epochs import LONGEST, array, learn
from recsys.models.sequences import NextModel, Sequences

if TYPE_CHECKING:
    import torch

SMALL = 1e-5


class SASRec(NextModel):
    """One block of self-attention with one head over track vectors that it learns, then a layer of rectified units.

    The newest track asks, all tracks answer by what they are and how far back they stand; a track's score is the
    product of the state with its own vector. Learned is the softmax over all tracks at every place of a sequence.
    How far back counts as a term of the attention, so that a list's length does not matter; the published model adds
    a vector for each place instead.

    Args:
        width: of vectors and state.
        epochs: passes over the sequences.
        rate: step size of Adam.
        dropout: share of a track's vector that is hidden while learning.

    Kang and McAuley, Self-attentive sequential recommendation, ICDM 2018.
    """

    name: ClassVar[str] = "sasrec"
    state = ("items", "bias", "maps", "shifts", "back")
    axes: ClassVar = {"items": "t-", "bias": "t"}
    items_: Floats
    bias_: Floats
    maps_: Floats  # query, key, value, first and second layer, (5, d, d)
    shifts_: Floats  # of both layers, (2, d)
    back_: Floats  # attention by places back, (LONGEST - 1,)

    def __init__(self, width: int = 48, epochs: int = 20, rate: float = 0.003, dropout: float = 0.2) -> None:
        self.width, self.epochs, self.rate, self.dropout = width, epochs, rate, dropout

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Learn; ``vectors`` are not used."""
        import torch

        torch.manual_seed(int(rng.integers(2**31)))
        block = _block(self.width, self.dropout)
        self.items_, self.bias_ = learn(block, sequences, **self.params(), rng=rng)
        self.maps_, self.shifts_, self.back_ = map(array, block.parameters())
        return self

    def scores(self, recent: Rows) -> Floats:
        """float32 (q, tracks)."""
        recent = recent[:, 1 - LONGEST :]  # the last one learned was a target only
        there = recent >= 0
        heard = self.items_[recent] * there[:, :, None]
        query, key, value, first, second = self.maps_
        calm = _calm(heard)  # (q, l, d)
        told = np.einsum("qd,qld->ql", calm[:, -1] @ query, calm @ key) * self.width**-0.5
        told = np.where(there, told + self.back_[: recent.shape[1]][::-1], -1e9)
        share = np.exp(told - told.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        state = heard[:, -1] + np.einsum("ql,qld->qd", share, calm @ value)
        state = state + np.maximum(_calm(state) @ first + self.shifts_[0], 0) @ second + self.shifts_[1]
        return np.asarray(_calm(state) @ self.items_.T + self.bias_, np.float32)


def _calm(values: Floats) -> Floats:
    """Vectors with mean 0 and variance 1."""
    away = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(away / np.sqrt((away**2).mean(axis=-1, keepdims=True) + SMALL), np.float32)


def _block(width: int, dropout: float) -> torch.nn.Module:
    """The same in torch for all places at once; its parameters are ``maps``, ``shifts`` and ``back``."""
    import torch
    from torch.nn import functional

    def calm(values: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(values, [width], eps=SMALL)

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps = torch.nn.Parameter(torch.randn(5, width, width) * width**-0.5)
            self.shifts = torch.nn.Parameter(torch.zeros(2, width))
            self.back = torch.nn.Parameter(torch.zeros(LONGEST - 1))

        def forward(self, heard: torch.Tensor) -> torch.Tensor:
            query, key, value, first, second = self.maps
            still = calm(heard)
            apart = torch.arange(heard.shape[1])[:, None] - torch.arange(heard.shape[1])
            told = (still @ query) @ (still @ key).mT * width**-0.5 + self.back[apart.clamp(min=0)]
            share = functional.softmax(told.masked_fill(apart < 0, -1e9), dim=-1)
            state = heard + functional.dropout(share @ (still @ value), dropout)
            inner = functional.relu(calm(state) @ first + self.shifts[0])
            return calm(state + functional.dropout(inner, dropout) @ second + self.shifts[1])

    return Block()
