"""What a descriptor says about one window of sound: named values, one vector, event times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Described:
    """The answer of every ``describe(spectra)``.

    Args:
        values: named numbers, each defined in ``recsys.audio.traits``; NaN is unknown, never 0.
        vector: what the block adds to the content space, float32 (d,); None when it adds nothing or
            when the window is silent.
        events: names to rising times in seconds from the start of the window, float32 (n,).

    >>> Described({"tempo": 120.0}).values["tempo"]
    120.0
    """

    values: dict[str, float] = field(default_factory=dict)
    vector: Floats | None = None
    events: dict[str, Floats] = field(default_factory=dict)
