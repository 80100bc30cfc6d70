"""What several arms say of files that they had not seen in, one prediction out: the arm ``stack``.

Each arm gets a weight, all together 1, drawn to equal ones: of classes and tags logits are averaged, of numbers means.
With few files weights learned freely are worse than equal ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax

from recsys.producers.labelling.arms import Arm, Arrays, Prediction, Rows
from recsys.producers.labelling.targets import Kind, Target

Doubles = NDArray[np.float64]
MEMBERS = ("linear", "kernel", "svm", "forest", "cnn")
PRIOR = {"single": 20.0, "multi": 20.0, "numeric": 2.0}  # files that speak for equal weights
FLOOR = 1e-3  # probabilities are never below
KINDS: tuple[Kind, ...] = ("single", "multi", "numeric")


@dataclass(frozen=True, eq=False)
class Stack:
    """Members by name and their weights (k,)."""

    kind: Kind
    members: tuple[str, ...]
    weights: Doubles

    def predict(self, members: Mapping[str, Prediction]) -> Prediction:
        """The weighted mean of what the members say of the same m files."""
        said = np.stack([_raw(members[name].mean, self.kind) for name in self.members])
        mean = _mixed(said, self.weights, self.kind).astype(np.float32)
        return Prediction(mean, _sigma(self.weights, [members[name] for name in self.members], mean))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {"kind": np.array(KINDS.index(self.kind)), "members": np.array(self.members), "weights": self.weights}


def from_arrays(arrays: Arrays) -> Stack:
    """The inverse of ``Stack.arrays``."""
    names = tuple(str(name) for name in np.asarray(arrays["members"]).tolist())
    return Stack(KINDS[int(arrays["kind"])], names, np.asarray(arrays["weights"]))


def combine(members: Mapping[str, Prediction], target: Target, rows: Rows, groups: Rows, *, seed: int = 0) -> Stack:
    """Weights of the best likelihood, or the least squared error, on these predictions.

    >>> truth = np.eye(2, dtype=np.float32)[np.arange(100) % 2]
    >>> good, bad = Prediction(0.8 * truth + 0.1), Prediction(np.full((100, 2), 0.5, np.float32))
    >>> stack = combine({"a": good, "b": bad}, Target("x", "single", ("u", "v"), truth), np.arange(100), np.arange(100))
    >>> bool(stack.weights[0] > 0.7)
    True
    """
    names = tuple(sorted(members))
    values = target.values[rows].astype(np.float64)
    said = np.stack([_raw(members[name].mean, target.kind) for name in names])
    even = np.full(len(names), 1 / len(names))

    def loss(free: Doubles) -> float:
        weights = softmax(free)
        away = float((weights * np.log(np.maximum(weights, 1e-12) / even)).sum())
        return _missed(_mixed(said, weights, target.kind), values, target.kind) + PRIOR[target.kind] * away

    free = minimize(loss, np.zeros(len(names)), method="L-BFGS-B", bounds=[(-6, 6)] * len(names)).x
    return Stack(target.kind, names, softmax(free))


def _raw(mean: NDArray[Any], kind: Kind) -> Doubles:
    """What is averaged: logs, logits or numbers."""
    found = mean.astype(np.float64)
    if kind == "numeric":
        return found
    clipped = np.clip(found, FLOOR, 1 - FLOOR)
    return np.log(clipped) if kind == "single" else np.asarray(logit(clipped))


def _mixed(said: Doubles, weights: Doubles, kind: Kind) -> Doubles:
    mixed = np.tensordot(weights, said, 1)
    if kind == "numeric":
        return np.asarray(mixed)
    return np.asarray(softmax(mixed, axis=1) if kind == "single" else expit(mixed))


def _missed(found: Doubles, values: Doubles, kind: Kind) -> float:
    """Minus the likelihood; of numbers half the squared error in units of the variance, a mean over columns."""
    known = np.isfinite(values)
    if kind == "single":
        return float(-(np.nan_to_num(values) * np.log(np.maximum(found, 1e-12)))[known].sum())
    if kind == "multi":
        chance = np.clip(found, 1e-12, 1 - 1e-12)
        each = -np.where(values > 0.5, np.log(chance), np.log(1 - chance))
    else:
        each = (found - values) ** 2 / np.maximum(np.nanvar(values, axis=0), 1e-12) / 2
    return float(np.where(known, each, 0).sum() / values.shape[1])


def _sigma(weights: Doubles, said: list[Prediction], mean: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Mean variance of the members that tell one, and how far all are apart; None when no member tells one."""
    told = [place for place, one in enumerate(said) if one.sigma is not None]
    mass = weights[told].sum()
    if not told or mass <= 0:
        return None
    variances = [weights[place] * np.asarray(said[place].sigma, np.float64) ** 2 for place in told]
    apart = sum(weight * (one.mean - mean).astype(np.float64) ** 2 for weight, one in zip(weights, said, strict=True))
    return np.sqrt(sum(variances) / mass + apart).astype(np.float32)


ARMS = (Arm("stack", None, from_arrays, cost=9, members=MEMBERS, combine=combine),)
