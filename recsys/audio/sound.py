"""A stretch of sound in memory: mono samples, their rate, and where in the file they begin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 22050


@dataclass(frozen=True, eq=False)
class Sound:
    """One window of a file.

    Attributes:
        samples: float32 mono, shape (n,), full scale ±1.
        rate: samples per second.
        start: seconds from the start of the file.

    >>> Sound(np.zeros(11025, np.float32), start=30.0).seconds
    0.5
    """

    samples: NDArray[np.float32]
    rate: int = RATE
    start: float = 0.0

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate
