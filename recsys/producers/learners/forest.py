"""The arm ``forest``: extremely randomised trees (Geurts, Ernst & Wehenkel, Machine Learning 63, 2006).

scikit-learn grows them; what is kept are their nodes, and they predict here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.labelling.arms import Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.sampling import shares
from recsys.producers.labelling.targets import Target
from recsys.producers.learners.kernels import IN_KEYS, grouped

Floats = NDArray[np.float32]
TREES = 200
LEAF = 2  # files, at least; more of many
LEAVES = 400  # of a tree, at most
TRIED = 0.1, 8  # share of the descriptors that are tried at each node, and at least how many
DRAWN = 2000  # files that a tree is grown on, at most: of more each tree draws its own
BATCH = 20  # trees after which progress is told
AT_A_TIME = 2000  # files


class Nodes(NamedTuple):
    """Of all trees, one after another.

    Attributes:
        column: int32 (n,), of the descriptor that is asked for, −1 in leaves.
        below: float32 (n,): up to this the left child is next, above the right one.
        left, right: int32 (n,), places of the children.
        value: float32 (n, c), mean of what was learned from there.
        roots: int32 (trees,).
    """

    column: NDArray[np.int32]
    below: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Floats
    roots: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees, and the middle (d,) of each descriptor, which stands for what is unknown; whether it gives sigma."""

    nodes: Nodes
    middle: Floats
    numbers: bool

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Means of all trees for these rows; of numbers their deviation as well."""
        rows = np.asarray(rows)
        starts = range(0, len(rows), AT_A_TIME)
        found = [self._ask(examples.descriptors[rows[start : start + AT_A_TIME]]) for start in starts]
        if not found:
            return Prediction(np.zeros((0, self.nodes.value.shape[1]), np.float32))
        mean, sigma = (np.concatenate(part) for part in zip(*found, strict=True))
        return Prediction(mean, np.maximum(sigma, np.float32(1e-6)) if self.numbers else None)

    def _ask(self, descriptors: Floats) -> tuple[Floats, Floats]:
        filled = np.where(np.isfinite(descriptors), descriptors, self.middle)
        total = np.zeros((len(filled), self.nodes.value.shape[1]))
        squares = np.zeros_like(total)
        row = np.arange(len(filled))
        for root in self.nodes.roots:
            place = np.full(len(filled), root)
            while (column := self.nodes.column[place]).max() >= 0:
                goes_left = filled[row, column] <= self.nodes.below[place]
                child = np.where(goes_left, self.nodes.left[place], self.nodes.right[place])
                place = np.where(column >= 0, child, place)
            total += self.nodes.value[place]
            squares += self.nodes.value[place].astype(np.float64) ** 2
        mean = total / len(self.nodes.roots)
        spread = np.sqrt(np.maximum(0, squares / len(self.nodes.roots) - mean**2))
        return mean.astype(np.float32), spread.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {**self.nodes._asdict(), "middle": self.middle, "numbers": np.array(self.numbers)}


def from_arrays(arrays: Arrays) -> Forest:
    """The inverse of ``Forest.arrays``."""
    nodes = Nodes(*(np.asarray(arrays[name]) for name in Nodes._fields))
    return Forest(nodes, np.asarray(arrays["middle"]), bool(arrays["numbers"]))


def fit(examples: Examples, target: Target, rows: Rows, *, seed: int = 0, progress: Progress | None = None) -> Forest:
    """Grow trees on these rows; tags or numbers that are unknown count as the mean of what is known."""
    part, descriptors = target.take(rows), examples.descriptors[rows]
    known = np.isfinite(descriptors)
    middle = np.array(
        [np.median(column[there]) if there.any() else 0 for column, there in zip(descriptors.T, known.T, strict=True)]
    )
    filled = np.where(known, descriptors, middle).astype(np.float32)
    used = np.flatnonzero((filled.max(axis=0) > filled.min(axis=0)) & ~np.isin(grouped(examples.names), IN_KEYS))
    values = part.values.astype(np.float64)
    values = np.where(np.isfinite(values), values, np.nanmean(values, axis=0))
    nodes = _grow(filled[:, used], values, shares(part, examples.groups[rows]), seed, progress)
    column = np.where(nodes.column >= 0, used[np.maximum(nodes.column, 0)] if len(used) else 0, -1)
    return Forest(nodes._replace(column=column.astype(np.int32)), middle.astype(np.float32), target.kind == "numeric")


def _grow(
    features: Floats,
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    seed: int,
    progress: Progress | None = None,
) -> Nodes:
    """Trees for all columns of the values at once: least squares of 0 and 1 is Gini's measure."""
    from sklearn.ensemble import ExtraTreesRegressor  # type: ignore[import-untyped]

    if not features.shape[1]:
        features = np.zeros((len(features), 1), np.float32)
    spread = values.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    wanted, size = values / unit, min(len(features), DRAWN)
    draws = {"bootstrap": True, "max_samples": DRAWN} if len(features) > DRAWN else {}
    grown = ExtraTreesRegressor(
        min_samples_leaf=max(LEAF, size // (2 * LEAVES)),
        max_leaf_nodes=LEAVES if size > 2 * LEAVES else None,
        max_features=min(features.shape[1], max(TRIED[1], int(TRIED[0] * features.shape[1]))),
        random_state=seed,
        n_jobs=1,
        warm_start=True,
        **draws,
    )
    for count in range(BATCH, TREES + 1, BATCH):
        grown.set_params(n_estimators=count)
        grown.fit(features, wanted[:, 0] if wanted.shape[1] == 1 else wanted, sample_weight=weights)
        if progress:
            progress("trees", count, TREES)
    return _joined([_nodes(tree.tree_, unit) for tree in grown.estimators_])


def _nodes(tree: Any, unit: NDArray[np.float64]) -> Nodes:
    leaf = tree.children_left < 0
    column = np.where(leaf, -1, tree.feature)
    value = tree.value[:, :, 0] * unit
    # floor to 32 bits: descriptors are float32, so that "up to" means the same
    below = np.nextafter(tree.threshold.astype(np.float32), np.float32(-np.inf))
    below = np.where(tree.threshold.astype(np.float32) <= tree.threshold, tree.threshold.astype(np.float32), below)
    whole = [array.astype(np.int32) for array in (column, tree.children_left, tree.children_right)]
    return Nodes(
        whole[0], below.astype(np.float32), whole[1], whole[2], value.astype(np.float32), np.zeros(1, np.int32)
    )


def _joined(trees: list[Nodes]) -> Nodes:
    roots = np.r_[0, np.cumsum([len(tree.column) for tree in trees])[:-1]].astype(np.int32)
    moved = [
        tree._replace(left=tree.left + root, right=tree.right + root) for tree, root in zip(trees, roots, strict=True)
    ]
    parts = {name: np.concatenate([getattr(tree, name) for tree in moved]) for name in Nodes._fields}
    return Nodes(**{**parts, "roots": roots})
