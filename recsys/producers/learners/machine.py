"""The arm ``svm``: support vector machines, one class against another, on the kernels of ``kernels``.

scikit-learn finds the support vectors; what is kept are the vectors and their weights, and they predict here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.labelling.arms import Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.sampling import inner_folds, shares, some
from recsys.producers.labelling.targets import Target
from recsys.producers.learners import links
from recsys.producers.learners.kernels import Likeness, Shape, Space

Doubles = NDArray[np.float64]
SHAPES = (Shape(1.0), Shape(0.0))
COSTS = (1.0, 4.0, 16.0)
USUAL = Shape(0.0), 4.0  # where nothing can be tried
LEARNED, TRIED = 3000, 800  # files that are learned from, and on which shape and cost are chosen, at most


class Pairs(NamedTuple):
    """Weights (l, p) and bias (p,) of each pair of classes; a score above 0 speaks for the first of them."""

    weights: Doubles
    bias: Doubles
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def scores(self, like: Doubles, count: int) -> Doubles:
        """Mean of what all pairs say for each class, squashed, (m, count)."""
        said = np.tanh(like @ self.weights + self.bias)
        found = np.zeros((len(like), count))
        for pair, (one, other) in enumerate(zip(self.first, self.second, strict=True)):
            found[:, one] += said[:, pair]
            found[:, other] -= said[:, pair]
        return found / max(1, count - 1)


@dataclass(frozen=True, eq=False)
class Machine:
    """What was learned: where sounds lie, likeness to landmarks, what pairs of classes say, and the link."""

    space: Space
    likeness: Likeness
    pairs: Pairs
    link: links.Link

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Probabilities of these rows."""
        like = self.likeness.of(self.space.place(examples.descriptors[rows]))
        return Prediction(self.link.of(self.pairs.scores(like, len(self.link.shift))))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {**self.space.arrays(), **self.likeness.arrays(), **self.link.arrays(), **self.pairs._asdict()}


def from_arrays(arrays: Arrays) -> Machine:
    """The inverse of ``Machine.arrays``."""
    pairs = Pairs(*(np.asarray(arrays[name]) for name in Pairs._fields))
    return Machine(Space.from_arrays(arrays), Likeness.from_arrays(arrays), pairs, links.Link.from_arrays(arrays))


def fit(
    examples: Examples,
    target: Target,
    rows: Rows,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    only: Sequence[str] = (),
) -> Machine:
    """Learn from these rows, or some of them when there are many; ``only`` are groups of descriptors that count."""
    rows = np.asarray(rows)[some(len(rows), examples.groups[rows], LEARNED, seed)]
    part, groups = target.take(rows), examples.groups[rows]
    space = Space.fit(examples.descriptors[rows], examples.names, only)
    places, weights = space.place(examples.descriptors[rows]), shares(part, groups)
    few = some(len(rows), groups, TRIED, seed)
    shape, cost, link = _choose(places[few], part.take(few), groups[few], weights[few], seed)
    likeness = Likeness.to(places, shape)
    pairs = teach(likeness.of(likeness.landmarks), part.codes, weights, cost)
    used = np.flatnonzero(np.abs(pairs.weights).sum(axis=1))
    slim = Likeness(likeness.landmarks[used], shape, likeness.power, likeness.reach)
    return Machine(space, slim, pairs._replace(weights=pairs.weights[used]), link)


def teach(like: Doubles, codes: NDArray[np.int32], weights: Doubles, cost: float) -> Pairs:
    """Machines for all pairs of classes from the likenesses of n files to each other, (n, n)."""
    from sklearn.svm import SVC  # type: ignore[import-untyped]

    there = np.unique(codes)
    machine = SVC(C=cost, kernel="precomputed", cache_size=500).fit(like, codes, sample_weight=weights)
    firsts, seconds = np.triu_indices(len(there), 1)
    starts = np.r_[0, np.cumsum(machine.n_support_)]
    found = np.zeros((len(like), len(firsts)))
    for pair, (one, other) in enumerate(zip(firsts, seconds, strict=True)):
        for own, against in ((one, other), (other, one)):
            of = slice(starts[own], starts[own + 1])
            row = against - 1 if against > own else against
            found[machine.support_[of], pair] = machine.dual_coef_[row, of]
    sign = -1.0 if len(there) == 2 else 1.0  # of two classes scikit-learn gives the score of the second
    bias = np.asarray(machine.intercept_, np.float64)
    return Pairs(sign * found, sign * bias, there[firsts].astype(np.int64), there[seconds].astype(np.int64))


def _choose(
    places: NDArray[np.float32], target: Target, groups: NDArray[np.int32], weights: Doubles, seed: int
) -> tuple[Shape, float, links.Link]:
    """Shape and cost whose probabilities, for left-out groups, are the likeliest."""
    fold = inner_folds(target, groups, seed)
    best: tuple[float, Shape, float, links.Link] | None = None
    for shape in SHAPES:
        scores = _left_out(places, target, weights, fold, shape)
        for cost, found in zip(COSTS, scores, strict=True):
            link = links.fit(target, found, weights)
            chance = link.of(found)[np.arange(len(target)), target.codes]
            loss = -float(weights @ np.log(np.maximum(chance, 1e-9)))
            if best is None or loss < best[0]:
                best = loss, shape, cost, link
    assert best is not None
    return best[1:] if len(np.unique(fold)) > 1 else (*USUAL, best[3])


def _left_out(
    places: NDArray[np.float32], target: Target, weights: Doubles, fold: NDArray[np.int32], shape: Shape
) -> Doubles:
    """Scores by each of ``COSTS`` for files whose fold was not learned from, (costs, n, c)."""
    count = len(target.classes)
    scores = np.zeros((len(COSTS), len(target), count))
    numbers = np.unique(fold)
    for number in numbers:
        inside, outside = fold == number, (fold != number) | (len(numbers) == 1)
        likeness = Likeness.to(places[outside], shape)
        learned, asked = likeness.of(likeness.landmarks), likeness.of(places[inside])
        codes = target.codes[outside]
        for place, cost in enumerate(COSTS if len(np.unique(codes)) > 1 else ()):
            scores[place, inside] = teach(learned, codes, weights[outside], cost).scores(asked, count)
    return scores
