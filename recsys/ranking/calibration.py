"""Ranks in, probabilities out: how likely it is that a listener plays a track, learned from hidden plays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST = 256  # knots kept


class Calibration(NamedTuple):
    """A curve that never falls, from a score to a probability.

    Attributes:
        score: knots, growing, float32 (m,).
        chance: the probability at each, never falling, float32 (m,).
    """

    score: NDArray[np.float32]
    chance: NDArray[np.float32]

    def __call__(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities, float32 of the same shape; −inf is 0."""
        found = np.interp(scores, self.score, self.chance)
        return np.where(np.isneginf(scores), 0, found).astype(np.float32)


def calibrate(scores: NDArray[np.floating], hits: NDArray[np.bool_]) -> Calibration:
    """Isotonic regression of hits on scores, as straight lines between at most 256 knots.

    Ayer et al. (1955), An empirical distribution function for sampling with incomplete information.

    Args:
        scores: comparable between listeners, (n,).
        hits: whether the track was played, (n,).

    >>> curve = calibrate(np.array([0, 1, 2, 3.0]), np.array([False, True, False, True]))
    >>> curve(np.array([-9, 1.5, 9])).tolist()
    [0.0, 0.5, 1.0]
    """
    if not len(scores):
        return Calibration(np.zeros(1, np.float32), np.zeros(1, np.float32))
    from scipy.optimize import isotonic_regression

    order = np.argsort(scores, kind="stable")
    pools = isotonic_regression(hits[order].astype(np.float64)).blocks
    size = np.diff(pools)
    middle = np.add.reduceat(np.asarray(scores, np.float64)[order], pools[:-1]) / size
    chance = np.add.reduceat(hits[order].astype(np.float64), pools[:-1]) / size
    if len(middle) > MOST:
        kept = np.unique(np.linspace(0, len(middle) - 1, MOST).astype(int))
        middle, chance = middle[kept], chance[kept]
    return Calibration(middle.astype(np.float32), chance.astype(np.float32))


def expected_error(chances: NDArray[np.floating], hits: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error over bins of equal size: mean distance of the chance told and the share played.

    Naeini, Cooper, Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI.

    >>> expected_error(np.array([0.5, 0.5]), np.array([True, False]), bins=1)
    0.0
    """
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(float(chances[part].mean()) - float(hits[part].mean())) * len(part) for part in parts]
    return sum(gaps) / max(len(chances), 1)
