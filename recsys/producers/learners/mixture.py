"""The arm ``gmm``: each class as a mixture of Gaussians in the main directions of the descriptors.

scikit-learn fits the mixtures; what is kept are their means, variances and shares, and they predict here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.special import logsumexp

from recsys.producers.labelling.arms import Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.sampling import inner_folds, shares, some
from recsys.producers.labelling.targets import Target
from recsys.producers.learners import links
from recsys.producers.learners.kernels import Space

Doubles = NDArray[np.float64]
DIRECTIONS = 16
PARTS = (1, 2, 3)  # Gaussians of a class; how many is chosen by the Bayesian information criterion
FEW = 15  # files of a class for each Gaussian, at least
FLOOR = 0.1  # variance that each direction has beside that found, of 1 in all
LEARNED = 5000  # files, at most


class Parts(NamedTuple):
    """Gaussians of all classes: class int (p,), log share of it (p,), mean and variance (p, k)."""

    of: NDArray[np.int32]
    share: Doubles
    mean: Doubles
    variance: Doubles

    def scores(self, places: Doubles, count: int) -> Doubles:
        """Log density of each class at places (m, k), per direction, (m, count)."""
        apart = (places[:, None, :] - self.mean) ** 2 / self.variance + np.log(2 * np.pi * self.variance)
        each = self.share - apart.sum(axis=2) / 2
        found = np.full((len(places), count), -1e3)
        for one in np.unique(self.of):
            found[:, one] = logsumexp(each[:, self.of == one], axis=1)
        return np.asarray((found - found.max(axis=1, keepdims=True)).clip(-50) / places.shape[1])


@dataclass(frozen=True, eq=False)
class Mixture:
    """Where sounds lie, the directions (d, k), the Gaussians there, and the link."""

    space: Space
    directions: Doubles
    parts: Parts
    link: links.Link

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Probabilities of these rows."""
        places = self.space.place(examples.descriptors[rows]) @ self.directions
        return Prediction(self.link.of(self.parts.scores(places, len(self.link.shift))))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        own: dict[str, NDArray[Any]] = {"directions": self.directions, **self.parts._asdict()}
        return {**self.space.arrays(), **self.link.arrays(), **own}


def from_arrays(arrays: Arrays) -> Mixture:
    """The inverse of ``Mixture.arrays``."""
    parts = Parts(*(np.asarray(arrays[name]) for name in Parts._fields))
    return Mixture(Space.from_arrays(arrays), np.asarray(arrays["directions"]), parts, links.Link.from_arrays(arrays))


def fit(examples: Examples, target: Target, rows: Rows, *, seed: int = 0, progress: Progress | None = None) -> Mixture:
    """Learn from these rows, or some of them when there are many."""
    rows = np.asarray(rows)[some(len(rows), examples.groups[rows], LEARNED, seed)]
    part, groups = target.take(rows), examples.groups[rows]
    space = Space.fit(examples.descriptors[rows], examples.names)
    places, weights = space.place(examples.descriptors[rows]), shares(part, groups)
    directions = _directions(places)
    turned = places @ directions
    link = links.fit(part, _left_out(turned, part, inner_folds(part, groups, seed), seed), weights)
    return Mixture(space, directions, _parts(turned, part.codes, seed), link)


def _directions(places: NDArray[np.float32]) -> Doubles:
    """The main directions, scaled to variance 1, (d, k)."""
    if not places.shape[1]:
        return np.zeros((0, 1))
    _, lengths, axes = scipy.linalg.svd(places.astype(np.float64), full_matrices=False)
    good = lengths[:DIRECTIONS] > 1e-6 * max(lengths[0], 1e-12)
    scale = lengths[:DIRECTIONS][good] / np.sqrt(len(places))
    return np.asarray(axes[:DIRECTIONS][good].T / scale)


def _parts(places: Doubles, codes: NDArray[np.int32], seed: int) -> Parts:
    there = np.unique(codes)
    found = [_mixture(places[codes == code], seed) for code in there]
    share, mean, variance = (np.concatenate([one[place] for one in found]) for place in range(3))
    return Parts(np.repeat(there, [len(one[0]) for one in found]).astype(np.int32), share, mean, variance)


def _mixture(places: Doubles, seed: int) -> tuple[Doubles, Doubles, Doubles]:
    """Log shares (p,), means and variances (p, k) of one class."""
    from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]

    if len(places) < 2 * FEW:
        return np.zeros(1), places.mean(axis=0)[None], places.var(axis=0)[None] + FLOOR
    tried = []
    for count in (count for count in PARTS if count * FEW <= len(places)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged: good enough to be compared
            made = GaussianMixture(count, covariance_type="diag", reg_covar=FLOOR, random_state=seed).fit(places)
        tried.append((made.bic(places), made))
    best = min(tried, key=lambda pair: pair[0])[1]
    return np.log(best.weights_), best.means_, best.covariances_


def _left_out(places: Doubles, target: Target, fold: NDArray[np.int32], seed: int) -> Doubles:
    """Scores of files whose fold was not learned from, (n, c)."""
    scores = np.zeros((len(target), len(target.classes)))
    numbers = np.unique(fold)
    for number in numbers:
        inside, outside = fold == number, (fold != number) | (len(numbers) == 1)
        parts = _parts(places[outside], target.codes[outside], seed)
        scores[inside] = parts.scores(places[inside], len(target.classes))
    return scores
