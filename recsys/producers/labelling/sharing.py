"""Predictions for files and who made these in, predictions that heed what was said of an artist's other files out.

Files of one artist are mostly of one kind, so that what was said of each speaks for the others too. Nothing but
predictions is shared: no label of any of these files is needed, only to know which ones belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from recsys.producers.labelling.arms import Arrays, Prediction
from recsys.producers.labelling.calibration import FLOOR, cooled
from recsys.producers.labelling.targets import Target

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Groups = NDArray[np.integer[Any]]
ALONE = -1  # the group of a file of which none is known
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Sharing:
    """How much of what is said of a file comes from its group, itself included; ``slope`` cools what comes of it.

    >>> said = Prediction(np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], np.float32))
    >>> Sharing(share=1.0).apply(said, np.array([7, 7, -1])).mean.astype(float).round(2).tolist()
    [[0.71, 0.29], [0.71, 0.29], [0.4, 0.6]]
    """

    share: float = 0.0
    slope: float = 1.0

    def apply(self, prediction: Prediction, groups: Groups) -> Prediction:
        """Predictions of classes (n, c) for files of groups (n,), ``ALONE`` where unknown; such files stay as they are.

        A group of one file stays as it is too.
        """
        groups = np.asarray(groups)
        mean = prediction.mean
        if self.share <= 0 or not len(mean):
            return prediction
        names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
        several = (counts[codes] > 1) & (names[codes] != ALONE) & np.isfinite(mean).all(axis=1)
        if not several.any():
            return prediction
        made = mean.copy()
        made[several] = _softmax(self.slope * mixed(_logs(mean[several]), codes[several], self.share))
        return prediction._replace(mean=made)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {"sharing": np.array([self.share, self.slope])}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Sharing:
        """The inverse of ``arrays``."""
        share, slope = (float(number) for number in arrays["sharing"])
        return cls(share, slope)


def mixed(values: Doubles, groups: Groups, share: float) -> Doubles:
    """Values (n, c), and the mean of their group in this share."""
    _, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    total = np.zeros((len(counts), values.shape[1]))
    np.add.at(total, codes, values)
    return np.asarray((1 - share) * values + share * (total / counts[:, None])[codes])


def fit(target: Target, prediction: Prediction, groups: Groups) -> Sharing:
    """The likeliest sharing for these files, which the arm had not seen; none for tags, numbers, and files alone."""
    rows = several(target, groups)
    if not len(rows):
        return Sharing()
    logs, codes = _logs(prediction.mean[rows]), target.codes[rows]
    best, least = Sharing(), _missed(logs, codes)
    for share in SHARES[1:]:
        found = mixed(logs, groups[rows], share)
        slope = cooled(found, codes)
        if (missed := _missed(slope * found, codes)) < least:
            best, least = Sharing(share, slope), missed
    return best


def settled(
    target: Target, prediction: Prediction, groups: Groups, fold: NDArray[np.int32]
) -> tuple[Sharing, Prediction]:
    """The sharing of all, and what it does for files it was not fitted on; none where it would do those harm.

    Args:
        groups: (n,), of which none lies in two folds.
    """
    made = prediction.mean.copy()
    for number in np.unique(fold[fold >= 0]):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero((fold >= 0) & (fold != number))
        found = fit(target.take(outside), _rows(prediction, outside), groups[outside])
        made[inside] = found.apply(_rows(prediction, inside), groups[inside]).mean
    rows = several(target, groups)
    shared = prediction._replace(mean=made)
    gains = len(rows) and _lost(target, shared, rows) < _lost(target, prediction, rows)
    return (fit(target, prediction, groups), shared) if gains else (Sharing(), prediction)


def several(target: Target, groups: Groups) -> NDArray[np.intp]:
    """Files of known class whose group has more than one of these."""
    known = np.flatnonzero(target.known) if target.kind == "single" else np.empty(0, np.intp)
    _, codes, counts = np.unique(groups[known], return_inverse=True, return_counts=True)
    return known[(counts[codes] > 1) & (groups[known] != ALONE)]


def _lost(target: Target, prediction: Prediction, rows: NDArray[np.intp]) -> float:
    return _missed(_logs(prediction.mean[rows]), target.codes[rows])


def _missed(logs: Doubles, codes: NDArray[np.int32]) -> float:
    """Minus the mean log-likelihood of classes."""
    chance = _softmax(logs)[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(chance, FLOOR)).mean())


def _logs(mean: Floats) -> Doubles:
    return np.asarray(np.log(np.clip(mean.astype(np.float64), FLOOR, 1)))


def _softmax(logs: Doubles) -> Floats:
    return np.asarray(softmax(logs, axis=1), np.float32)


def _rows(prediction: Prediction, rows: NDArray[Any]) -> Prediction:
    return Prediction(prediction.mean[rows], None if prediction.sigma is None else prediction.sigma[rows])
