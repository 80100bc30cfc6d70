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

from recsys.producers.labelling.arms import Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.sampling import inner_folds, shares, some
from recsys.producers.labelling.targets import Target
from recsys.producers.learners import links
from recsys.producers.learners.kernels import Likeness, Shape, Space

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


def fit(
    examples: Examples,
    target: Target,
    rows: Rows,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    only: Sequence[str] = (),
    shapes: Sequence[Shape] = SHAPES,
) -> Kernel:
    """Learn from these rows.

    Args:
        only: groups of descriptors that count; all when empty.
        shapes: that are tried.
    """
    part, groups, descriptors = target.take(rows), examples.groups[rows], examples.descriptors[rows]
    weights, few = shares(part, groups), some(len(rows), groups, TRIED, seed)
    known = Known(descriptors[few], examples.names, part.values[few].astype(np.float64), groups[few], tuple(only))
    best = choose(known, weights[few], inner_folds(part.take(few), groups[few], seed), shapes)
    link = links.fit(part.take(few), best.scores, weights[few])
    space = known.space(np.arange(len(few)))
    places = space.place(descriptors)
    likeness = Likeness.to(places[some(len(rows), groups, LANDMARKS, seed)], best.shape)
    root = likeness.root()
    found, bias = solve(likeness.of(places) @ root, part.values.astype(np.float64), weights, (best.ridge,))
    noise = _noise(known.values - best.scores, best.doubts)
    doubt = _doubt(likeness, root, places, best.ridge) if target.kind == "numeric" else None
    return Kernel(space, likeness, root @ found[0], bias[0], link, doubt, noise)


class Known(NamedTuple):
    """Files on which to choose: descriptors (n, d), their names, values (n, c), groups (n,), and what counts."""

    descriptors: Floats
    names: tuple[str, ...]
    values: Doubles
    groups: NDArray[np.int32]
    only: tuple[str, ...]

    def space(self, rows: Rows) -> Space:
        """Where sounds lie, from these rows alone."""
        descriptors = self.descriptors[rows]
        even = Space.fit(descriptors, self.names, self.only)
        return even.weighed(descriptors, self.names, self.values[rows], self.groups[rows])


def choose(known: Known, weights: Doubles, fold: NDArray[np.int32], shapes: Sequence[Shape]) -> Setting:
    """Shape and ridge of the least squared error in left-out groups, in units of each column's variance."""
    there = np.isfinite(known.values)
    variance = np.maximum(np.nanvar(known.values, axis=0), 1e-9)
    settings = list(_settings(known, weights, fold, shapes))
    if not settings:
        return Setting(*USUAL, np.where(there, known.values, 0.5), np.zeros(len(fold)))
    errors = [np.where(there, (known.values - one.scores) ** 2 / variance, 0) for one in settings]
    return settings[int(np.argmin([float((weights[:, None] * error).sum()) for error in errors]))]


def _settings(known: Known, weights: Doubles, fold: NDArray[np.int32], shapes: Sequence[Shape]) -> Iterator[Setting]:
    numbers = np.unique(fold)
    scores = np.zeros((len(shapes), len(RIDGES), *known.values.shape))
    doubts = np.zeros((len(shapes), len(RIDGES), len(fold)))
    for number in numbers if len(numbers) > 1 else ():
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        places = known.space(outside).place(known.descriptors)
        for place, shape in enumerate(shapes):
            likeness = Likeness.to(places[outside], shape)
            root = likeness.root()
            learned, asked = likeness.of(places[outside]) @ root, likeness.of(places[inside]) @ root
            found, bias = solve(learned, known.values[outside], weights[outside], RIDGES)
            scores[place][:, inside] = asked @ found + bias[:, None]
            rest = np.maximum(0, likeness.own(places[inside]) - (asked**2).sum(axis=1))
            doubts[place][:, inside] = _variance(learned, asked) + rest / np.array(RIDGES)[:, None]
    for place, shape in enumerate(shapes if len(numbers) > 1 else ()):
        for other, ridge in enumerate(RIDGES):
            yield Setting(shape, ridge, scores[place, other], doubts[place, other])


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
