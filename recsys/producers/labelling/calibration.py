"""Predictions for files that an arm had not seen in, corrections out: probabilities that mean what they say.

Temperature scaling for classes (Guo et al., ICML 2017), Platt scaling for tags, and a scale of sigma for numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit, softmax

from recsys.producers.labelling.arms import Arrays, Prediction
from recsys.producers.labelling.targets import Kind, Target

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
FLOOR = 1e-4  # probabilities are never below
COLDEST, HOTTEST = 0.2, 5.0
PRIOR = 4.0  # of Platt's slope, which is drawn to 1, in files


@dataclass(frozen=True, eq=False)
class Calibration:
    """A correction, fitted by ``calibrate``.

    Attributes:
        kind: of the target.
        slope: temperature⁻¹ (1,) of classes; slopes (c,) of tags; factors of sigma (c,) of numbers.
        shift: (c,) of tags, in logits; of numbers the sigma (c,) where the arm gives none.

    >>> sure = Prediction(np.array([[0.98, 0.02]] * 80, np.float32))
    >>> genre = Target("genre", "single", ("a", "b"), np.eye(2, dtype=np.float32)[[0, 0, 0, 1] * 20])
    >>> fair = calibrate(genre, sure).apply(sure)
    >>> bool(0.7 < fair.mean[0, 0] < 0.8)
    True
    """

    kind: Kind
    slope: Doubles
    shift: Doubles

    def apply(self, prediction: Prediction) -> Prediction:
        """Corrected probabilities, or numbers with a corrected sigma."""
        mean, sigma = prediction
        if self.kind == "numeric":
            spread = np.broadcast_to(self.shift, mean.shape) if sigma is None else sigma * self.slope
            return Prediction(mean, np.asarray(spread, np.float32))
        clipped = np.clip(mean.astype(np.float64), FLOOR, 1 - FLOOR)
        if self.kind == "single":
            return Prediction(softmax(np.log(clipped) * self.slope, axis=1).astype(np.float32))
        return Prediction(expit(logit(clipped) * self.slope + self.shift).astype(np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it but the kind."""
        return {"slope": self.slope, "shift": self.shift}

    @classmethod
    def from_arrays(cls, kind: Kind, arrays: Arrays) -> Calibration:
        """The inverse of ``arrays``."""
        return cls(kind, np.asarray(arrays["slope"]), np.asarray(arrays["shift"]))


def calibrate(target: Target, prediction: Prediction) -> Calibration:
    """Fit a correction on files that the arm had not seen, each row of both about one file."""
    known = target.known
    part, mean = target.take(known), prediction.mean[known].astype(np.float64)
    if target.kind == "numeric":
        sigma = None if prediction.sigma is None else prediction.sigma[known].astype(np.float64)
        return _numbers(part, mean, sigma)
    clipped = np.clip(mean, FLOOR, 1 - FLOOR)
    if target.kind == "single":
        return Calibration("single", np.array([cooled(np.log(clipped), part.codes)]), np.zeros(len(target.classes)))
    fitted = [_platt(logit(found), values) for found, values in zip(clipped.T, part.values.T, strict=True)]
    slope, shift = np.array(fitted).T
    return Calibration("multi", slope, shift)


def cross_calibrated(target: Target, prediction: Prediction, fold: NDArray[np.int32]) -> Prediction:
    """Each fold corrected by what was fitted on the others: what calibration does for files that it has not seen."""
    mean = prediction.mean.copy()
    sigma = None if target.kind != "numeric" else np.zeros_like(mean)
    for number in np.unique(fold[fold >= 0]):
        inside, outside = fold == number, (fold >= 0) & (fold != number)
        fair = calibrate(target.take(outside), _rows(prediction, outside)).apply(_rows(prediction, inside))
        mean[inside] = fair.mean
        if sigma is not None and fair.sigma is not None:
            sigma[inside] = fair.sigma
    return Prediction(mean, sigma)


def settled(target: Target, prediction: Prediction, fold: NDArray[np.int32]) -> tuple[Calibration, Prediction]:
    """The correction of all, and what it does for files it has not seen; none where it would do those harm."""
    fair = cross_calibrated(target, prediction, fold)
    if target.kind == "numeric" or _loss(target, fair.mean) <= _loss(target, prediction.mean):
        return calibrate(target, prediction), fair
    count = len(target.classes)
    return Calibration(target.kind, np.ones(1 if target.kind == "single" else count), np.zeros(count)), prediction


def _loss(target: Target, mean: Floats) -> float:
    """Minus the log-likelihood of what is known, by label."""
    known = np.isfinite(target.values)
    chance = np.clip(mean.astype(np.float64), FLOOR, 1 - FLOOR)
    off = 0.0 if target.kind == "single" else np.log(1 - chance)
    each = np.where(np.nan_to_num(target.values) > 0.5, np.log(chance), off)
    return float(-each[known].mean())


def _rows(prediction: Prediction, rows: NDArray[np.bool_]) -> Prediction:
    return Prediction(prediction.mean[rows], None if prediction.sigma is None else prediction.sigma[rows])


def cooled(logs: Doubles, codes: NDArray[np.int32]) -> float:
    """The inverse temperature of the best likelihood."""

    def loss(inverse: float) -> float:
        chance = softmax(logs * np.exp(inverse), axis=1)[np.arange(len(codes)), codes]
        return float(-np.log(np.maximum(chance, 1e-12)).sum() + PRIOR * inverse**2 / 2)

    bounds = (-np.log(HOTTEST), -np.log(COLDEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def _platt(logits: Doubles, values: Floats) -> tuple[float, float]:
    """Slope and shift of one tag; the slope is drawn to 1, so that rare tags are moved little."""
    known = np.isfinite(values)
    x, y = logits[known], values[known].astype(np.float64)
    if len(y) == 0:
        return 1.0, 0.0

    def loss(pair: Doubles) -> float:
        said = np.exp(pair[0]) * x + pair[1]
        return float((np.logaddexp(0, said) - y * said).sum() + PRIOR * pair[0] ** 2 / 2 + pair[1] ** 2 / 8)

    slope, shift = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-2, 2), (-5, 5)]).x
    return float(np.exp(slope)), float(shift)


def _numbers(target: Target, mean: Doubles, sigma: Doubles | None) -> Calibration:
    """Root mean squares of the errors, in units of sigma where there is one."""
    off = target.values.astype(np.float64) - mean
    own = np.ones_like(off) if sigma is None else np.maximum(sigma, 1e-9)
    squares = np.array([_mean_square(column) for column in (off / own).T])
    plain = np.array([_mean_square(column) for column in off.T])
    return Calibration("numeric", np.sqrt(squares), np.sqrt(plain))


def _mean_square(column: Doubles) -> float:
    known = column[np.isfinite(column)]
    return float((known**2).mean()) if len(known) else 1.0
