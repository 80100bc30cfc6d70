"""Log-mel windows in, a vector of each out: a small convolutional network, with a head for every target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from recsys.producers.networks.augmenting import altered
from recsys.producers.networks.recipes import Plan

SIZE = 128  # of the vector
CHANNELS = (32, 64, 128, 160)
LIMIT = 3.0  # of a logarithm of sigma


class Body(nn.Module):
    """What turns windows into vectors, whoever declared it."""

    def scaled(self, windows: Tensor) -> Tensor:
        """Windows as the layers want them; as they are by default."""
        return windows

    def altered(self, windows: Tensor, plan: Plan, rng: np.random.Generator) -> Tensor:
        """Scaled windows as a plan alters them."""
        return altered(windows, plan.frames, plan.alterations, rng)


class Trunk(Body):
    """Log-mel (b, frames, 64) of any number of frames in, (b, 128) out; about 450,000 parameters.

    Four convolutions on windows of seconds, as in Won, Ferraro, Bogdanov and Serra, Evaluation of CNN-based automatic
    music tagging models, SMC 2020 ("short-chunk CNN"); here the first strides and frequency keeps its place to the end.
    The scales of bands are part of it.
    """

    size = SIZE
    middle: Tensor
    spread: Tensor

    def __init__(self, bands: int = 64, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(bands))
        self.register_buffer("spread", torch.ones(bands))
        first, *others = channels
        layers = [_convolved(1, first, 5, 2)]
        for before, after in zip(channels, others, strict=False):
            layers += [nn.MaxPool2d(2), _convolved(before, after, 3, 1)]
        self.body = nn.Sequential(*layers)
        self.places = bands // 2 ** len(channels)
        self.last = nn.Sequential(nn.Linear(2 * self.places * channels[-1], self.size), nn.BatchNorm1d(self.size))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def scaled(self, windows: Tensor) -> Tensor:
        """Bands in deviations from what they usually are."""
        return (windows - self.middle) / self.spread

    def forward(self, scaled: Tensor) -> Tensor:
        """(b, frames, bands), scaled → (b, 128)."""
        pairs = nn.functional.avg_pool2d(scaled.unsqueeze(1), (2, 1))  # (b, 1, frames / 2, bands)
        maps = self.body(pairs.contiguous(memory_format=torch.channels_last))  # (b, c, t, places)
        both = torch.cat([maps.mean(2), maps.amax(2)], 1)  # (b, 2c, places)
        return torch.relu(self.last(both.flatten(1)))


class Network(nn.Module):
    """A trunk and its heads.

    Args:
        outputs: by target how many numbers its head gives.
        frozen: whether the trunk stays as it is, its statistics too.
    """

    trunk: Body

    def __init__(
        self, trunk: Body, size: int, outputs: Mapping[str, int], dropout: float = 0.0, frozen: bool = False
    ) -> None:
        super().__init__()
        self.trunk, self.drop, self.frozen = trunk, nn.Dropout(dropout), frozen
        self.heads = nn.ModuleDict({name: nn.Linear(size, count) for name, count in outputs.items()})

    def train(self, mode: bool = True) -> Self:
        """As of every module; a frozen trunk never learns."""
        super().train(mode)
        self.trunk.train(mode and not self.frozen)
        return self

    def forward(self, scaled: Tensor) -> dict[str, Tensor]:
        """What each head says of scaled windows."""
        vector = self.drop(self.trunk(scaled))
        return {name: head(vector) for name, head in self.heads.items()}


def loss(kind: str, output: Tensor, wanted: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean loss over what is known (not NaN): cross-entropy, or the likelihood of numbers with their sigma.

    The likelihood is weighted by sigma, which keeps the mean from being given up where sigma is large (Seitzer,
    Tavakoli, Antic and Martius, On the pitfalls of heteroscedastic uncertainty estimation, ICLR 2022).
    """
    known = ~torch.isnan(wanted)
    filled = torch.where(known, wanted, torch.zeros_like(wanted))
    if kind == "single":
        each = -(output.log_softmax(1) * _smoothed(filled, smoothing)).sum(1)
        return _mean(each, known.all(1))
    if kind == "multi":
        each = nn.functional.binary_cross_entropy_with_logits(output, filled, reduction="none")
        return _mean(each, known)
    middle, logs = numbers(output)
    each = 0.5 * ((filled - middle) / logs.exp()) ** 2 + logs
    return _mean(each * logs.detach().exp(), known)


def numbers(output: Tensor) -> tuple[Tensor, Tensor]:
    """Means and logarithms of sigma, (b, c) each, from (b, 2c)."""
    middle, logs = output.chunk(2, dim=1)
    return middle, logs.clamp(-LIMIT, LIMIT)


def _smoothed(wanted: Tensor, share: float) -> Tensor:
    return wanted * (1 - share) + share / wanted.shape[1]


def _mean(each: Tensor, known: Tensor) -> Tensor:
    return torch.where(known, each, torch.zeros_like(each)).sum() / known.sum().clamp(min=1)


def _convolved(before: int, after: int, kernel: int, stride: int) -> nn.Module:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def state(module: nn.Module) -> dict[str, Any]:
    """All weights and statistics as arrays of their own, by name."""
    return {name: value.detach().cpu().contiguous().numpy().copy() for name, value in module.state_dict().items()}
