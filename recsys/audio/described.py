"""What a descriptor says about one window of sound: named values, one vector, event times."""

from __future__ import annotations

from collections.abc import Sequence
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
        extra: further named vectors kept beside the content space, such as the chroma.

    >>> Described({"tempo": 120.0}).values["tempo"]
    120.0
    """

    values: dict[str, float] = field(default_factory=dict)
    vector: Floats | None = None
    events: dict[str, Floats] = field(default_factory=dict)
    extra: dict[str, Floats] = field(default_factory=dict)


def mean_of(windows: Sequence[Described]) -> Described:
    """The mean of what is known of each value and vector; events are left out, they belong to their window.

    >>> mean_of([Described({"tempo": 120.0}), Described({"tempo": 124.0}), Described({"tempo": float("nan")})]).values
    {'tempo': 122.0}
    """
    names = dict.fromkeys(name for window in windows for name in window.values)
    values = {name: _known_mean([window.values.get(name, np.nan) for window in windows]) for name in names}
    vectors = [window.vector for window in windows if window.vector is not None]
    kept = dict.fromkeys(name for window in windows for name in window.extra)
    extra = {name: _mean([window.extra[name] for window in windows if name in window.extra]) for name in kept}
    return Described(values, _mean(vectors) if vectors else None, extra=extra)


def _known_mean(numbers: Sequence[float]) -> float:
    known = [number for number in numbers if not np.isnan(number)]
    return float(np.mean(known)) if known else float("nan")


def _mean(vectors: Sequence[Floats]) -> Floats:
    return np.stack(vectors).mean(axis=0, dtype=np.float64).astype(np.float32)
