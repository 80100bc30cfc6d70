"""A list's own scores and what a next-track model says, as one order; and that model in a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import bundle, manifest
from recsys.contracts import Floats, Rows
from recsys.models.sequences import NextModel, beginnings, next_class
from recsys.tables import TopK
from recsys.tables.merge import Place

FACTS = "next.json"


@dataclass(frozen=True, eq=False)
class Following:
    """A next-track model and what it counts for against the scores it joins.

    Attributes:
        model: fitted.
        weights: by use ("continue", "radio"): deviations of the model's score against one of the list's own; a use
            that the model did not make better beyond doubt has none.
    """

    model: NextModel
    weights: Mapping[str, float]

    def joined(self, use: str, seeds: Rows, lists: TopK, k: int, *, allow: Rows | None = None) -> TopK:
        """One list in the order of both scores, its tracks and those that the model finds; as it is without a weight.

        Args:
            use: "continue" or "radio".
            seeds: track rows that the list goes on from, in order.
            lists: one list, (1, m).
            k: how many tracks to give.
            allow: the only rows that may be added; None = all.
        """
        weight = self.weights.get(use, 0.0)
        if not weight or not len(seeds):
            return lists.head(k)
        scores = self.model.scores(beginnings([seeds]))[0]
        rows, own, theirs = union(lists.rows[0], lists.scores[0], scores, without=seeds, allow=allow)
        total = (own + np.float32(weight) * theirs).astype(np.float32)
        best = np.lexsort((rows, -total))[:k]
        return TopK(rows[None, best], total[None, best])

    def carried(self, use: str, seeds: Rows, lists: TopK, rows: Rows) -> Rows:
        """For each of some rows the seed that it comes after most of all, −1 where its own score counted for more.

        Args:
            use, seeds, lists: as given to ``joined``.
        """
        weight = self.weights.get(use, 0.0)
        if not weight or not len(seeds) or not len(rows):
            return np.full(len(rows), -1, np.int32)
        scores = self.model.scores(beginnings([seeds]))[0]
        both, own, theirs = union(lists.rows[0], lists.scores[0], scores, without=seeds)
        place = np.clip(np.searchsorted(both, rows), 0, len(both) - 1)
        gain = np.float32(weight) * theirs[place]
        there = (both[place] == rows) & (gain > 0) & (gain > own[place])
        alone = self.model.scores(beginnings([np.array([seed], np.int32) for seed in seeds]))[:, rows]
        return np.where(there, seeds[alone.argmax(axis=0)], -1).astype(np.int32)

    def moved(self, tracks: Place) -> Following:
        """The same over more tracks; the new ones follow nothing until the next training."""
        return Following(self.model.resized(tracks, tracks), self.weights)

    def save(self, folder: Path) -> None:
        """Arrays and facts, into a new folder."""
        bundle.save_arrays(folder, self.model.arrays())
        told = {"name": self.model.name, "params": self.model.params(), "weights": dict(self.weights)}
        manifest.write_json(folder / FACTS, told)

    @classmethod
    def open(cls, folder: Path) -> Following | None:
        """What ``save`` wrote; None where there is nothing."""
        if not (folder / FACTS).is_file():
            return None
        told: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        model = next_class(told["name"]).from_arrays(bundle.open_arrays(folder), **told["params"])
        return cls(model, told["weights"])


def union(
    rows: Rows, scores: Floats, following: Floats, *, without: Rows, allow: Rows | None = None
) -> tuple[Rows, Floats, Floats]:
    """Tracks of a list and as many of the best that follow, with both scores in deviations from their means.

    A track that is not in the list has the list's lowest score.

    Args:
        rows, scores: a list, (m,), −1 past its end.
        following: of all tracks, (tracks,).
        without: rows that are not added.
        allow: the only rows that are added; None = all.

    >>> rows, own, theirs = union(np.array([2, 0]), np.array([1.0, 0]), np.array([0, 5.0, 0, 9.0]), without=[3])
    >>> rows.tolist(), own.tolist()
    ([0, 1, 2], [-1.0, -1.0, 1.0])
    """
    listed = rows >= 0
    rows, scores = rows[listed], scores[listed]
    free = np.full(len(following), allow is None)
    if allow is not None:
        free[allow] = True
    free[without] = False
    pool = np.flatnonzero(free)
    size = min(len(rows), len(pool))
    best = pool[np.argpartition(-following[pool], size - 1)[:size]] if size else pool[:0]
    both = np.union1d(rows, best).astype(np.int32)
    own = np.full(len(following), scores.min(initial=0.0 if not len(scores) else np.inf), np.float32)
    own[rows] = scores
    mean, spread = (float(scores.mean()), float(scores.std())) if len(scores) else (0.0, 1.0)
    return both, _scaled(own[both], mean, spread), _standard(following[both])


def _standard(values: Floats) -> Floats:
    return _scaled(values, float(values.mean()), float(values.std())) if len(values) else values


def _scaled(values: NDArray[np.floating], mean: float, spread: float) -> Floats:
    return ((values - mean) / max(spread, 1e-9)).astype(np.float32)
