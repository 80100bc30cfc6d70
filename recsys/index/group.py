"""Tracks that know the same blocks: their vectors side by side, searched exactly or by a FAISS index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError, did_you_mean
from recsys.index import exact
from recsys.index.filters import Lists, named
from recsys.tables import TopK

if TYPE_CHECKING:
    from recsys.index.approximate import Approximate

LARGE = 200_000  # tracks from which an approximate index is worth its building
SMALL = 1_000  # tracks below which exact search is used whatever was asked for
TARGET = 0.992  # recall@10 that the chosen effort must reach on the sample: .99, and room for its error
SAMPLE = 1_000
BLEND = "blend"
KINDS = ("auto", "exact", "hnsw", "ivf-sq8", "ivf-flat")


@dataclass(eq=False)
class Group:
    """One search space.

    Attributes:
        rows: track row of each vector, ascending, int32 (m,); None when these are all tracks.
        dimensions: d of each block, in storage order.
        vectors: the blocks side by side, each of length 1, float32 (m, sum of d).
        near: the approximate index, if any.
        efforts: search effort by view (a block's name, or ``blend``); 0 means that only exact search was good enough.
        recalls: recall@10 that was measured with it.
    """

    rows: NDArray[np.int32] | None
    dimensions: dict[str, int]
    vectors: NDArray[np.float32]
    near: Approximate | None = None
    efforts: dict[str, int] = field(default_factory=dict)
    recalls: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ends = np.cumsum([0, *self.dimensions.values()]).tolist()
        self.slices = {b: slice(ends[i], ends[i + 1]) for i, b in enumerate(self.dimensions)}

    @property
    def blocks(self) -> tuple[str, ...]:
        """The blocks that every track here knows."""
        return tuple(self.dimensions)

    @classmethod
    def build(
        cls,
        rows: NDArray[np.int32],
        tracks: int,
        parts: Mapping[str, NDArray[np.float32]],
        kind: str,
        *,
        seed: int,
        threads: int,
    ) -> Group:
        """Take ``rows`` of all blocks in ``parts`` (tracks, d), index them and choose the search effort."""
        if kind not in KINDS:
            raise DataError(f"unknown index kind {kind!r}{did_you_mean(kind, KINDS)}")
        whole = len(rows) == tracks
        vectors = np.concatenate([v if whole else v[rows] for v in parts.values()], axis=1)
        group = cls(None if whole else rows, {b: v.shape[1] for b, v in parts.items()}, vectors)
        if kind == "auto":
            kind = "hnsw" if len(rows) >= LARGE else "exact"
        if kind != "exact" and len(rows) >= SMALL:
            group.index(kind, seed, threads)
            group.tune(seed, threads)
        return group

    def index(self, kind: Any, seed: int, threads: int) -> None:
        """Build the approximate index."""
        from recsys.index.approximate import Approximate

        self.near = Approximate.build(self.vectors, kind, seed=seed, threads=threads)

    def tune(self, seed: int, threads: int) -> None:
        """Choose for each view the least effort whose recall@10 on a sample reaches TARGET."""
        from recsys.index.approximate import EFFORTS

        rng = np.random.default_rng(seed)
        sample = np.sort(rng.choice(len(self.vectors), min(SAMPLE, len(self.vectors)), replace=False))
        itself = Lists.single(sample.astype(np.int32))
        views = {b: {b: 1.0} for b in self.blocks}
        if len(views) > 1:
            views[BLEND] = dict.fromkeys(self.blocks, 1 / len(self.blocks))
        for view, weights in views.items():
            queries = {b: self.vectors[sample, self.slices[b]] for b in weights}
            truth = self._places(queries, weights, 10, None, itself, 0, threads)
            self.efforts[view], self.recalls[view] = 0, 1.0
            for effort in EFFORTS[self.near.kind] if self.near else ():
                guess = self._places(queries, weights, 10, None, itself, effort, threads)
                recall = overlap(truth, guess)
                if recall >= TARGET:
                    self.efforts[view], self.recalls[view] = effort, recall
                    break

    def search(
        self,
        queries: Mapping[str, NDArray[np.float32]],
        weights: Mapping[str, float],
        k: int,
        mask: NDArray[np.bool_] | None,
        exclude: Lists | None,
        place: NDArray[np.int32] | None,
        effort: int | None,
        threads: int,
    ) -> TopK:
        """Track rows nearest to unit queries; ``weights`` add up to 1, the filters speak of track rows."""
        if self.rows is None:
            return self._places(queries, weights, k, mask, exclude, effort, threads)
        if exclude is not None and place is not None:
            exclude = exclude.mapped(place)
        mask = None if mask is None else mask[self.rows]
        lists = self._places(queries, weights, k, mask, exclude, effort, threads)
        return TopK(named(lists.rows, self.rows), lists.scores)

    def _places(
        self,
        queries: Mapping[str, NDArray[np.float32]],
        weights: Mapping[str, float],
        k: int,
        mask: NDArray[np.bool_] | None,
        exclude: Lists | None,
        effort: int | None,
        threads: int,
    ) -> TopK:
        effort = self._effort(weights) if effort is None else effort
        if self.near is None or effort == 0:
            columns = self.slices[next(iter(weights))] if len(weights) == 1 else slice(None)
            scaled = self._scaled(queries, weights)[:, columns]
            return exact.top_k(scaled, self.vectors[:, columns], k, exclude=exclude, allow=mask, threads=threads)
        scaled = self._scaled(queries, weights)
        return self.near.search(scaled, k, effort=effort, allow=mask, exclude=exclude, threads=threads)

    def _scaled(self, queries: Mapping[str, NDArray[np.float32]], weights: Mapping[str, float]) -> NDArray[np.float32]:
        """The query whose inner product with a stored vector is the weighted mean of cosines."""
        made = np.zeros((len(next(iter(queries.values()))), self.vectors.shape[1]), np.float32)
        for block, weight in weights.items():
            np.multiply(queries[block], np.float32(weight), out=made[:, self.slices[block]])
        return made

    def _effort(self, weights: Mapping[str, float]) -> int:
        """What was measured for the view that this weighting is nearest to; for lopsided blends the safer of two."""
        if self.near is None:
            return 0
        main = max(weights, key=lambda b: weights[b])
        if len(weights) == 1:
            return self.efforts[main]
        even = self.efforts[BLEND]
        if min(weights.values()) * len(weights) >= 0.5 and len(weights) == len(self.blocks):
            return even
        return max(even, self.efforts[main]) if even and self.efforts[main] else 0

    def places(self, tracks: int) -> NDArray[np.int32] | None:
        """Place of each track row in this group, −1 for others, int32 (tracks,); None when all are here."""
        if self.rows is None:
            return None
        made = np.full(tracks, -1, np.int32)
        made[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        return made

    def facts(self) -> dict[str, Any]:
        """What there is to tell about it, as plain values."""
        return {
            "tracks": len(self.vectors),
            "dimensions": self.dimensions,
            "kind": self.near.kind if self.near else "exact",
            "efforts": self.efforts,
            "recall@10": self.recalls,
        }


def overlap(truth: TopK, guess: TopK) -> float:
    """Share of the true rows that were found."""
    hits = sum(len(np.intersect1d(t[t >= 0], g)) for t, g in zip(truth.rows, guess.rows, strict=True))
    return hits / max(1, int(truth.lengths.sum()))
