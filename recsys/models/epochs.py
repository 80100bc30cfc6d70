"""Sequences in, a network that was taught them: the softmax over all tracks at every place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.models.sequences import Sequences

if TYPE_CHECKING:
    import torch

LONGEST = 20  # tracks of a sequence that are learned from, the last ones
MOST = 20_000  # sequences of an epoch, drawn anew for each
BATCH = 128


def learn(
    network: torch.nn.Module,
    sequences: Sequences,
    *,
    width: int,
    epochs: int,
    rate: float,
    dropout: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Track vectors (tracks, width) and biases (tracks,), learned together with a network by Adam.

    Args:
        network: vectors of the tracks heard, (b, l, width), to states (b, l, width) that know no later place; a
            track's score is the product of state and vector, plus its bias. Learned in place.
        dropout: share of a track's vector that is hidden while learning.
    """
    import torch

    items = torch.nn.Embedding(sequences.tracks + 1, width, padding_idx=sequences.tracks)
    torch.nn.init.normal_(items.weight, std=width**-0.5)
    bias = torch.nn.Parameter(torch.zeros(sequences.tracks))
    adam = torch.optim.Adam([*items.parameters(), *network.parameters(), bias], rate)
    lists = sequences.lists()
    with _one_thread():
        for _ in range(epochs):
            order = rng.permutation(len(lists))[:MOST]
            for start in range(0, len(order), BATCH):
                tracks = torch.from_numpy(padded([lists[i] for i in order[start : start + BATCH]], sequences.tracks))
                heard = torch.nn.functional.dropout(items(tracks[:, :-1]), dropout)
                scores = network(heard) @ items.weight[:-1].T + bias
                wanted = torch.where(tracks[:, 1:] < sequences.tracks, tracks[:, 1:], -100)
                loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
    return array(items.weight[:-1]), array(bias)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small steps only wait for one another on several threads, a busy machine makes that tens of times slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def array(tensor: Any) -> Floats:
    """A tensor as float32."""
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)


def padded(lists: list[Rows], filler: int) -> NDArray[np.int64]:
    """Sequences from the left, cut to the last ``LONGEST`` tracks and filled behind, (q, longest of them).

    >>> padded([np.array([3, 1]), np.array([2, 0, 4])], 9).tolist()
    [[3, 1, 9], [2, 0, 4]]
    """
    length = min(LONGEST, max(len(one) for one in lists))
    made = np.full((len(lists), length), filler, np.int64)
    for row, one in enumerate(lists):
        some = one[-length:]
        made[row, : len(some)] = some
    return made
