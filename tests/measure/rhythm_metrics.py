"""Measures of our own for events and tempo; a test holds them against mir_eval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.floating]


def f_measure(truth: Times, found: Times, window: float) -> float:
    """F of the largest one-to-one matching of rising times that lie within ``window`` seconds; 0 if one side is empty.

    >>> round(f_measure(np.array([1.0, 2.0]), np.array([1.04, 3.0, 4.0]), 0.05), 2)
    0.4
    """
    matched = left = right = 0
    while left < len(truth) and right < len(found):
        apart = float(truth[left]) - float(found[right])
        matched += abs(apart) <= window
        left, right = left + (apart <= window), right + (apart >= -window)
    return 2 * matched / (len(truth) + len(found)) if matched else 0.0


def tempo_hit(truth: float, found: float, tolerance: float, octaves: bool = False) -> float:
    """1 if ``found`` is within ``tolerance`` (a share) of the true tempo, or with ``octaves`` of 2, 3, 1/2, 1/3 of it.

    >>> tempo_hit(100, 52, 0.04), tempo_hit(100, 51, 0.04, octaves=True), tempo_hit(100, float("nan"), 0.04)
    (0.0, 1.0, 0.0)
    """
    factors = (1, 2, 3, 1 / 2, 1 / 3) if octaves else (1,)
    return float(any(abs(found - truth * factor) <= tolerance * truth * factor for factor in factors))
