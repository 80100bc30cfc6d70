"""What a network has learned, as arrays: heads, weights, and how the learning went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Heads:
    """What a network says: by target its kind, and the middle and scale of its numbers, (c,)."""

    kinds: Mapping[str, str]
    middle: Mapping[str, Floats]
    scale: Mapping[str, Floats]

    def outputs(self) -> dict[str, int]:
        """How many numbers each head gives: of numeric targets mean and sigma."""
        return {name: len(self.middle[name]) * (2 if kind == "numeric" else 1) for name, kind in self.kinds.items()}


@dataclass(frozen=True, eq=False)
class Trunk:
    """What turns windows into vectors, as learned elsewhere.

    Attributes:
        weights: by name.
        sidecar: of a trunk of one's own, what declares its layers; None: it is the network's usual one.
    """

    weights: Mapping[str, NDArray[Any]]
    sidecar: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Learned:
    """A network that has learned, as arrays.

    Attributes:
        heads: what it says.
        weights: by name.
        curve: float32 (epochs, 2), losses on what was learned from and on what was held back (NaN: nothing was).
        best: the epoch whose weights these are.
        sidecar: of a trunk of one's own, what declares its layers.
    """

    heads: Heads
    weights: Mapping[str, NDArray[Any]]
    curve: Floats = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    best: int = -1
    sidecar: Mapping[str, Any] | None = None

    @property
    def size(self) -> int:
        """Of a vector."""
        return int(
            next(
                value for name, value in self.weights.items() if name.endswith("weight") and name.startswith("heads.")
            ).shape[1]
        )
