"""Declared layers and weights of one's own in, a trunk that can be tuned out; and files as its front end hears them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recsys.errors import DataError
from recsys.producers.encoders.layers import RANKS, build
from recsys.producers.encoders.sidecar import LogMel, TorchSidecar
from recsys.producers.networks.augmenting import altered
from recsys.producers.networks.recipes import Plan
from recsys.producers.networks.shortchunk import Body


class Owned(Body):
    """The layers of a sidecar as a trunk; windows come as its front end makes them, (b, …).

    Args:
        sidecar: what declares them.
        weights: tensors by declared name.

    Raises:
        DataError: as of ``layers.build``.
    """

    def __init__(self, sidecar: TorchSidecar, weights: Mapping[str, Any]) -> None:
        super().__init__()
        made = build(sidecar.layers, sidecar.output, weights)
        self.sidecar = sidecar
        self.layers = nn.ModuleList(one if isinstance(one, nn.Module) else Called(one) for one in made)
        self.rank = RANKS.get(sidecar.layers[0]["layer"], 0)

    def altered(self, windows: Tensor, plan: Plan, rng: np.random.Generator) -> Tensor:
        """Log-mel windows are altered at their whole length; waveforms are not."""
        front_end = self.sidecar.front_end
        if not isinstance(front_end, LogMel):
            return windows
        turned = front_end.layout == "bands-frames"
        seen = windows.transpose(1, 2) if turned else windows
        found = altered(seen, seen.shape[1], plan.alterations, rng)
        return found.transpose(1, 2).contiguous() if turned else found

    def forward(self, windows: Tensor) -> Tensor:
        """(b, …) → (b, d); what is given for several frames is averaged."""
        while windows.ndim < self.rank:
            windows = windows.unsqueeze(1)
        for layer in self.layers:
            windows = layer(windows)
        if windows.ndim < 2:
            raise DataError(f"{self.sidecar.name} gave {tuple(windows.shape)}; expected (batch, …, d)")
        return windows.flatten(1, -2).mean(1) if windows.ndim > 2 else windows


class Called(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, value: Tensor) -> Tensor:
        """What the function gives."""
        return self.function(value)


def by_name(layers: Sequence[Mapping[str, Any]], state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights by declared name, from those of an ``Owned`` (``layers.3.weight``)."""
    found = {}
    for key, value in state.items():
        _, place, rest = key.split(".", 2)
        found[f"{layers[int(place)]['name']}.{rest}"] = torch.from_numpy(np.array(value))
    return found
