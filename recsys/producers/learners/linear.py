"""Linear arms on descriptors: ridge regression for numbers, logistic regression for classes and tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax

from recsys.producers.labelling.arms import Arm, Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.labels import Target

Doubles = NDArray[np.float64]
PENALTY = 0.03  # of the likelihood, in the same units
RIDGE = 1.0  # penalty for one deviation, in units of one example for each descriptor
CLIP = 4.0  # deviations beyond which a descriptor counts no more
LINKS = ("identity", "softmax", "sigmoid")
OF_KIND = {"numeric": 0, "single": 1, "multi": 2}


@dataclass(frozen=True, eq=False)
class Linear:
    """Weights for scaled descriptors: middle, scale (d,), weights (d, c), bias (c,), and the place in ``LINKS``."""

    middle: Doubles
    scale: Doubles
    weights: Doubles
    bias: Doubles
    link: int

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Numbers or probabilities of these rows."""
        score = scaled(examples.descriptors[rows], self.middle, self.scale) @ self.weights + self.bias
        if LINKS[self.link] == "softmax":
            score = softmax(score, axis=1)
        elif LINKS[self.link] == "sigmoid":
            score = expit(score)
        return Prediction(score.astype(np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {
            "middle": self.middle,
            "scale": self.scale,
            "weights": self.weights,
            "bias": self.bias,
            "link": np.array(self.link),
        }


def from_arrays(arrays: Arrays) -> Linear:
    """The inverse of ``Linear.arrays``."""
    held: Mapping[str, Any] = {name: np.asarray(arrays[name]) for name in ("middle", "scale", "weights", "bias")}
    return Linear(**held, link=int(arrays["link"]))


def fit(examples: Examples, target: Target, rows: Rows, *, seed: int = 0, progress: Progress | None = None) -> Linear:
    """Learn from these rows; nothing here is random."""
    middle, scale = spread(examples.descriptors[rows])
    features = scaled(examples.descriptors[rows], middle, scale)
    values = target.values[rows].astype(np.float64)
    link = OF_KIND[target.kind]
    weights, bias = _ridge(features, values) if link == 0 else _logistic(features, values, link)
    return Linear(middle, scale, weights, bias, link)


def spread(descriptors: NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Mean and deviation of what is known of each descriptor, (d,) each; 0 and 1 where nothing is or nothing varies."""
    known = np.isfinite(descriptors)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, descriptors, 0).astype(np.float64)
    middle = filled.sum(axis=0) / count
    scale = np.sqrt((np.where(known, filled - middle, 0) ** 2).sum(axis=0) / count)
    return middle, np.where(scale > 1e-9 * np.maximum(1, np.abs(middle)), scale, 1.0)


def scaled(descriptors: NDArray[Any], middle: Doubles, scale: Doubles) -> Doubles:
    """Deviations from the middle, clipped; 0 where unknown."""
    return np.clip(np.nan_to_num((descriptors - middle) / scale), -CLIP, CLIP)


def _ridge(features: Doubles, values: Doubles) -> tuple[Doubles, Doubles]:
    """Each column from the rows where it is known, by the dual problem (there are more descriptors than files)."""
    weights, bias = np.zeros((features.shape[1], values.shape[1])), np.zeros(values.shape[1])
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        own, wanted = features[known], values[known, column]
        bias[column] = wanted.mean() if known.any() else 0.0
        kernel = own @ own.T + RIDGE * features.shape[1] * np.eye(len(own))
        weights[:, column] = own.T @ np.linalg.solve(kernel, wanted - bias[column])
    return weights, bias


def _logistic(features: Doubles, values: Doubles, link: int) -> tuple[Doubles, Doubles]:
    """Penalised likelihood by L-BFGS; tags that are unknown of a file say nothing there.

    Weights lie in the span of the files, so they are sought there: as many directions as files, not as descriptors.
    """
    directions, sizes, spans = np.linalg.svd(features, full_matrices=False)
    weights, bias = _likeliest(directions * sizes, values, link, PENALTY * features.shape[1])
    return spans.T @ weights, bias


def _likeliest(features: Doubles, values: Doubles, link: int, penalty: float) -> tuple[Doubles, Doubles]:
    d, c = features.shape[1], values.shape[1]
    known = np.isfinite(values)
    wanted = np.where(known, values, 0)

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights, bias = flat[: d * c].reshape(d, c), flat[d * c :]
        score = features @ weights + bias
        if LINKS[link] == "softmax":
            chance = softmax(score, axis=1)
            cost = -(wanted * np.log(np.maximum(chance, 1e-12))).sum()
        else:
            chance = expit(score)
            cost = (np.logaddexp(0, score) - wanted * score)[known].sum()
        error = np.where(known, chance - wanted, 0)
        gradient = np.concatenate([(features.T @ error + penalty * weights).ravel(), error.sum(axis=0)])
        return float(cost + penalty / 2 * (weights**2).sum()), gradient

    found = minimize(loss, np.zeros(d * c + c), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return found[: d * c].reshape(d, c), found[d * c :]


ARMS = (Arm("linear", fit, from_arrays),)
