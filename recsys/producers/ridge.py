"""The arm ``kernel``: ridge regression in a kernel, the mean and the doubt of a Gaussian process.

Shape of the kernel and ridge are those that predict left-out groups best. Classes and tags are regressed as 0 and 1
and turned into probabilities by what was said of left-out groups. Of many files some are landmarks, and all are
learned from (Nyström; Williams & Seeger, NIPS 2000).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from recsys.producers import links
from recsys.producers.arms import Arrays, Prediction, Progress, Rows
from recsys.producers.examples import Examples
from recsys.producers.kernels import Likeness, Shape, Space
from recsys.producers.sampling import inner_folds, shares, some
from recsys.producers.targets import Target

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
SHAPES = (Shape(1.0), Shape(0.5), Shape(0.0))
RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0)  # noise in units of a sound's likeness to itself
USUAL = Shape(0.5), 0.3  # where nothing can be tried
LANDMARKS = 1500
TRIED = 800  # files on which shape and ridge are chosen, at most


class Setting(NamedTuple):
    """Shape and ridge, with what they say of left-out groups: scores (n, c), doubts (n,)."""

    shape: Shape
    ridge: float
    scores: Doubles
    doubts: Doubles


@dataclass(frozen=True, eq=False)
class Kernel:
    """What was learned: where sounds lie, likeness to landmarks, weights (l, c), bias (c,), and its doubt.

    Attributes:
        doubt: (l, l), the variance of a sound that is like landmarks, in units of the noise; None but for numbers.
        noise: deviations (c,) where there is no other doubt.
    """

    space: Space
    likeness: Likeness
    weights: Doubles
    bias: Doubles
    link: links.Link
    doubt: Floats | None
    noise: Doubles

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Numbers with sigma, or probabilities, of these rows."""
        places = self.space.place(examples.descriptors[rows])
        like = self.likeness.of(places)
        mean = self.link.of(like @ self.weights + self.bias)
        if self.doubt is None:
            return Prediction(mean)
        more = np.maximum(0, np.einsum("ml,ml->m", like @ self.doubt, like))
        return Prediction(mean, (self.noise * np.sqrt(1 + more)[:, None]).astype(np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        own = {"weights": self.weights, "bias": self.bias, "noise": self.noise}
        made = {**self.space.arrays(), **self.likeness.arrays(), **self.link.arrays(), **own}
        return made if self.doubt is None else {**made, "doubt": self.doubt}


def from_arrays(arrays: Arrays) -> Kernel:
    """The inverse of ``Kernel.arrays``."""
    weights, bias, noise = (np.asarray(arrays[name]) for name in ("weights", "bias", "noise"))
    doubt = np.asarray(arrays["doubt"]) if "doubt" in arrays else None
    made = Space.from_arrays(arrays), Likeness.from_arrays(arrays), links.Link.from_arrays(arrays)
    return Kernel(made[0], made[1], weights, bias, made[2], doubt, noise)


def fit(examples: Examples, target: Target, rows: Rows, *, seed: int = 0, progress: Progress | None = None) -> Kernel:
    """Learn from these rows."""
    part, groups = target.take(rows), examples.groups[rows]
    space = Space.fit(examples.descriptors[rows], examples.names)
    places, weights = space.place(examples.descriptors[rows]), shares(part, groups)
    few = some(len(rows), groups, TRIED, seed)
    best = choose(places[few], part.take(few), groups[few], weights[few], seed)
    link = links.fit(part.take(few), best.scores, weights[few])
    likeness = Likeness.to(places[some(len(rows), groups, LANDMARKS, seed)], best.shape)
    root = likeness.root()
    found, bias = solve(likeness.of(places) @ root, part.values.astype(np.float64), weights, (best.ridge,))
    noise = _noise(part.take(few).values.astype(np.float64) - best.scores, best.doubts)
    doubt = _doubt(likeness, root, places, best.ridge) if target.kind == "numeric" else None
    return Kernel(space, likeness, root @ found[0], bias[0], link, doubt, noise)


def choose(places: Floats, target: Target, groups: NDArray[np.int32], weights: Doubles, seed: int) -> Setting:
    """Shape and ridge of the least squared error in left-out groups, in units of each column's variance."""
    values = target.values.astype(np.float64)
    fold = inner_folds(target, groups, seed)
    known = np.isfinite(values)
    variance = np.maximum(np.nanvar(values, axis=0), 1e-9)
    settings = list(_settings(places, values, weights, fold))
    if not settings:
        return Setting(*USUAL, np.where(known, values, 0.5), np.zeros(len(values)))
    errors = [np.where(known, (values - one.scores) ** 2 / variance, 0) for one in settings]
    return settings[int(np.argmin([float((weights[:, None] * error).sum()) for error in errors]))]


def _settings(places: Floats, values: Doubles, weights: Doubles, fold: NDArray[np.int32]) -> Iterator[Setting]:
    numbers = np.unique(fold)
    for shape in SHAPES if len(numbers) > 1 else ():
        scores = np.zeros((len(RIDGES), *values.shape))
        doubts = np.zeros((len(RIDGES), len(values)))
        for number in numbers:
            inside, outside = fold == number, fold != number
            likeness = Likeness.to(places[outside], shape)
            root = likeness.root()
            learned, asked = likeness.of(places[outside]) @ root, likeness.of(places[inside]) @ root
            found, bias = solve(learned, values[outside], weights[outside], RIDGES)
            scores[:, inside] = asked @ found + bias[:, None]
            rest = np.maximum(0, likeness.own(places[inside]) - (asked**2).sum(axis=1))
            doubts[:, inside] = _variance(learned, asked) + rest / np.array(RIDGES)[:, None]
        for place, ridge in enumerate(RIDGES):
            yield Setting(shape, ridge, scores[place], doubts[place])


def solve(features: Doubles, values: Doubles, weights: Doubles, ridges: Sequence[float]) -> tuple[Doubles, Doubles]:
    """Weights (ridges, r, c) and bias (ridges, c) of each column from the rows where it is known."""
    found = np.zeros((len(ridges), features.shape[1], values.shape[1]))
    bias = np.zeros((len(ridges), values.shape[1]))
    known = np.isfinite(values)
    for pattern in np.unique(known, axis=1).T:
        columns = np.flatnonzero((known == pattern[:, None]).all(axis=0))
        if not pattern.any():
            continue
        own, wanted, mass = features[pattern], values[np.ix_(pattern, columns)], weights[pattern]
        bias[:, columns] = mass @ wanted / mass.sum()
        heavy = own * mass[:, None]
        spread, axes = scipy.linalg.eigh(own.T @ heavy)
        turned = axes.T @ (heavy.T @ (wanted - bias[0, columns]))
        for place, ridge in enumerate(ridges):
            found[place][:, columns] = axes @ (turned / (np.maximum(spread, 0) + ridge)[:, None])
    return found, bias


def _variance(learned: Doubles, asked: Doubles) -> Doubles:
    """Of what is asked, by each ridge and in units of the noise, (ridges, m)."""
    spread, axes = scipy.linalg.eigh(learned.T @ learned)
    squares = (asked @ axes) ** 2
    return np.stack([squares @ (1 / (np.maximum(spread, 0) + ridge)) for ridge in RIDGES])


def _noise(errors: Doubles, doubts: Doubles) -> Doubles:
    """Deviations of the errors (n, c) where doubt beyond the noise is taken off, (c,)."""
    return np.asarray(np.sqrt(np.nanmean(errors**2 / (1 + doubts)[:, None], axis=0)))


def _doubt(likeness: Likeness, root: Doubles, places: Floats, ridge: float) -> Floats:
    features = likeness.of(places) @ root
    inverse = np.linalg.inv(features.T @ features + ridge * np.eye(features.shape[1]))
    return (root @ inverse @ root.T).astype(np.float32)
