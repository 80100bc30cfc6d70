"""Scores of files that were not learned from in, the way from scores to probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax

from recsys.producers.labelling.arms import Arrays
from recsys.producers.labelling.targets import Kind, Target

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
PRIOR = 4.0  # files that speak for no shift


@dataclass(frozen=True, eq=False)
class Link:
    """Slope and shift (c,) of scores, then softmax for classes or the logistic function for tags; numbers stay.

    >>> link = Link("single", np.full(2, 4.0), np.zeros(2))
    >>> link.of(np.array([[1.0, 0.0]])).astype(float).round(3).tolist()
    [[0.982, 0.018]]
    """

    kind: Kind
    slope: Doubles
    shift: Doubles

    def of(self, scores: Doubles) -> Floats:
        """Probabilities, or numbers, of scores (m, c)."""
        if self.kind == "numeric":
            return scores.astype(np.float32)
        raw = scores * self.slope + self.shift
        return (softmax(raw, axis=1) if self.kind == "single" else expit(raw)).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it but the kind, which is a number from ``KINDS``."""
        return {"kind": np.array(KINDS.index(self.kind)), "slope": self.slope, "shift": self.shift}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Link:
        """The inverse of ``arrays``."""
        return cls(KINDS[int(arrays["kind"])], np.asarray(arrays["slope"]), np.asarray(arrays["shift"]))


def fit(target: Target, scores: Doubles, weights: Doubles) -> Link:
    """The likeliest link; of classes one slope for all. Numbers need none.

    Args:
        target: of n files.
        scores: (n, c), of files that were not learned from.
        weights: of the files, (n,).
    """
    count = len(target.classes)
    if target.kind == "numeric":
        return Link("numeric", np.ones(count), np.zeros(count))
    if target.kind == "single":
        found = _single(target.values.astype(np.float64), scores, weights)
        return Link("single", np.full(count, np.exp(found[0])), found[1:])
    pairs = [_tag(target.values[:, tag].astype(np.float64), scores[:, tag], weights) for tag in range(count)]
    slope, shift = np.array(pairs).T
    return Link("multi", np.exp(slope), shift)


def _single(values: Doubles, scores: Doubles, weights: Doubles) -> Doubles:
    def loss(made: Doubles) -> float:
        raw = scores * np.exp(made[0]) + made[1:]
        missed = logsumexp(raw, axis=1) - (raw * values).sum(axis=1)
        return float(weights @ missed + PRIOR / 2 * (made[1:] ** 2).sum() + (made[0] - START) ** 2 / 2)

    start = np.r_[START, np.zeros(values.shape[1])]
    return np.asarray(minimize(loss, start, method="L-BFGS-B", bounds=[(-2, 5)] + [(-4, 4)] * values.shape[1]).x)


def _tag(values: Doubles, scores: Doubles, weights: Doubles) -> Doubles:
    known = np.isfinite(values)
    values, scores, weights = values[known], scores[known], weights[known]
    share = (weights @ values + 0.5) / (weights.sum() + 1)
    middle = np.log(share / (1 - share))

    def loss(made: Doubles) -> float:
        raw = scores * np.exp(made[0]) + made[1]
        return float(
            weights @ (np.logaddexp(0, raw) - values * raw) + (made[1] - middle) ** 2 / 8 + (made[0] - START) ** 2 / 2
        )

    return np.asarray(minimize(loss, np.array([START, middle]), method="L-BFGS-B", bounds=[(-2, 5), (-12, 12)]).x)


KINDS: tuple[Kind, ...] = ("single", "multi", "numeric")
START = 1.5  # log slope that least squares' scores, 0 to 1, need as a rule
