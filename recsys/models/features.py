"""Blocks of content scaled, put side by side and turned into their main axes: a dense row of numbers per track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.contracts import Floats
from recsys.models.base import divided
from recsys.models.blocks import NUMBERS, Block, blocks, named

if TYPE_CHECKING:
    from recsys.tables import Dataset

GROUPS = ("artist", "album")  # too many words, each of few tracks, to lie in a few hundred axes
LEAST = 2  # training tracks that must have a word
MOST = 2048  # columns that the axes are found in
LONGEST = 5.0  # deviations from the mean beyond which a number counts no more
ROWS = 16_384  # rows scaled at a time
POWERS = 4  # of subspace iteration
INTERCEPT = named("intercept")  # no block's column: theirs have "=" or "#" in their names
ANYTHING = ""  # the name that goes with it where blocks are told apart
STATE = ("columns", "shift", "scale", "limit", "turn", "strength", "centre")

Part = tuple[Block, NDArray[np.intp], NDArray[np.intp]]  # a block, which of its columns are known, and where


class Features:
    """Content rows of tracks, fitted on the tracks that are trained on and the same for tracks that come later.

    Words are rows of length 1 within their block; numbers and spaces have mean 0 where they are known and 0 where they
    are not. Then each block is scaled so that its known rows have mean square length 1, and by its weight, and all are
    turned into the axes in which training tracks vary most.

    Args:
        dimensions: most axes to keep, beside the intercept's.
        drop: blocks to leave out.
        weights: of blocks by name; 1 for those not named.
        rarity: words count by the logarithm of how rare they are (for cosines; a regression finds that itself).
        intercept: the first axis is 1 for every track of which anything is known, and of such tracks the other axes
            have mean 0 (for regressions). Without it what all tracks have in common would be learned as if it came
            with words, and only the tracks that have some would be given it.

    Attributes:
        columns_: uint64 (c,), names of the columns as hashes, sorted.
        shift_, scale_: float32 (c,), taken off and multiplied.
        limit_: float32 (c,), the most that is then left of a number, or the length of a row of words.
        turn_: float32 (c, d), the axes, of length 1; in the row of the intercept what centres them.
        strength_: float32 (d,), sums of squares of the training tracks along each axis, largest first after the
            intercept's.
        centre_: float32 (c,), mean scaled values of the training tracks.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["jazz"], ["rock"], ["jazz"], None]}))
    >>> world = Dataset(Interactions.empty(IdMap(["ann"]), IdMap(range(5))), songs)
    >>> rows = Features().fit(world, np.ones(5, bool)).rows(world)
    >>> np.round(rows @ rows.T, 3)[0].tolist()
    [1.0, 0.0, 1.0, 0.0, 0.0]
    """

    columns_: NDArray[np.uint64]
    shift_: Floats
    scale_: Floats
    limit_: Floats
    turn_: Floats
    strength_: Floats
    centre_: Floats

    def __init__(
        self,
        dimensions: int = 512,
        *,
        drop: Iterable[str] = GROUPS,
        weights: Mapping[str, float] | None = None,
        rarity: bool = False,
        intercept: bool = False,
    ) -> None:
        self.dimensions, self.drop, self.weights = dimensions, tuple(drop), dict(weights or {})
        self.rarity, self.intercept = rarity, intercept

    def fit(self, dataset: Dataset, training: NDArray[np.bool_]) -> Self:
        """Find scales and axes on the tracks marked in ``training`` (tracks,); none where they share nothing."""
        with one_blas_thread():  # so that the number of threads changes no bit
            self._fit(blocks(dataset, self.drop), training)
        return self

    def _fit(self, known: list[Block], training: NDArray[np.bool_]) -> None:
        found = [self._scaled(block, training) for block in known]
        if found and self.intercept:
            found.append((np.array([INTERCEPT]), np.zeros(1), np.ones(1), np.ones(1)))
        columns, *numbers = (np.concatenate(part) for part in zip(*found, strict=True)) if found else [np.empty(0)] * 4
        order = np.argsort(columns)
        self.columns_ = columns[order].astype(np.uint64)
        self.shift_, self.scale_, self.limit_ = (part[order].astype(np.float32) for part in numbers)
        self._find_axes(known, np.flatnonzero(training))

    @property
    def free(self) -> int:
        """How many of the first axes a regression should not shrink: 1 with an intercept."""
        return int((self.columns_ == INTERCEPT).any())

    def rows(self, dataset: Dataset, tracks: NDArray[Any] | None = None) -> Floats:
        """Content rows of some tracks (None = all) of any dataset, zeros where nothing is known, float32 (n, d)."""
        tracks = np.arange(len(dataset.tracks)) if tracks is None else np.asarray(tracks)
        parts = self._parts(blocks(dataset, self.drop))
        made = np.zeros((len(tracks), self.turn_.shape[1]), np.float32)
        with one_blas_thread():
            for start in range(0, len(tracks), ROWS):
                some = tracks[start : start + ROWS]
                for _, values, mine in self._told(parts, some):
                    made[start : start + ROWS] += values @ self.turn_[mine]
        return made

    def split(self, known: Iterable[Block], tracks: NDArray[Any]) -> Iterator[tuple[str, Any, NDArray[np.intp]]]:
        """Name, scaled values (n, columns) and places of the columns of each block, and of the intercept as the block
        ``ANYTHING``; ``values @ turn_[places]`` of all sum to ``rows``."""
        yield from self._told(self._parts([block for block in known if block.name not in self.drop]), tracks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state."""
        return {name: getattr(self, f"{name}_") for name in STATE}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Back from ``arrays()``."""
        made = cls()
        for name in STATE[:-1]:
            setattr(made, f"{name}_", arrays[name])
        made.centre_ = arrays.get("centre", np.zeros(len(made.columns_), np.float32))  # not stored by the first version
        return made

    def _scaled(self, block: Block, training: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
        """Names, shift, scale and limit of the columns of a block that are worth keeping."""
        weight = self.weights.get(block.name, 1.0)
        if block.sparse:
            seen = np.bincount(block.matrix[training].indices, minlength=block.matrix.shape[1])
            kept = np.flatnonzero(seen >= LEAST)
            kept = kept[np.argsort(-seen[kept], kind="stable")[:MOST]]
            rare = np.log(1 + training.sum() / seen[kept]) if self.rarity else np.ones(len(kept))
            return block.columns[kept], 0 * rare, rare, weight + 0 * rare
        values = np.asarray(block.matrix[training], np.float64)
        known = np.isfinite(values)
        count = known.sum(axis=0)
        mean = divided(np.where(known, values, 0).sum(axis=0), count)
        spread = np.sqrt(divided(np.where(known, (values - mean) ** 2, 0).sum(axis=0), count))
        kept = np.flatnonzero(spread > 0)
        mean, spread = mean[kept], spread[kept]
        scale = weight / (spread * np.sqrt(len(kept)) if block.name == NUMBERS else np.sqrt((spread**2).sum()))
        return block.columns[kept], mean, scale + 0 * mean, LONGEST * spread * scale

    def _parts(self, known: list[Block]) -> list[Part]:
        """Each block with which of its columns are known here, and where."""
        made = []
        for block in known:
            place = np.minimum(np.searchsorted(self.columns_, block.columns), max(len(self.columns_) - 1, 0))
            shared = np.flatnonzero(self.columns_[place] == block.columns) if len(self.columns_) else place[:0]
            if len(shared):
                made.append((block, shared, place[shared]))
        return made

    def _told(self, parts: list[Part], tracks: NDArray[Any]) -> Iterator[tuple[str, Any, NDArray[np.intp]]]:
        """Name, scaled values of some tracks and places of the columns of each block, then of the intercept."""
        intercept, anything = np.flatnonzero(self.columns_ == INTERCEPT), np.zeros(len(tracks), bool)
        for block, columns, mine in parts:
            values = self._values(block, columns, mine, tracks)
            yield block.name, values, mine
            if block.sparse:
                anything |= np.diff(values.indptr) > 0
            elif len(intercept):
                anything |= np.isfinite(block.matrix[tracks][:, columns]).any(axis=1)
        if len(intercept):
            yield ANYTHING, anything[:, None].astype(np.float32), intercept

    def _values(self, block: Block, columns: NDArray[np.intp], mine: NDArray[np.intp], tracks: NDArray[Any]) -> Any:
        """Scaled values of some tracks in the columns that are known, (n, columns)."""
        if block.sparse:
            some = sp.csr_array(block.matrix[tracks][:, columns])
            some.data = some.data * self.scale_[mine][some.indices]
            lengths = np.sqrt(np.asarray(some.multiply(some).sum(axis=1))).ravel() / self.limit_[mine[0]]
            some.data = some.data / np.repeat(lengths, np.diff(some.indptr))
            return some
        scaled = (block.matrix[tracks][:, columns] - self.shift_[mine]) * self.scale_[mine]
        return np.clip(np.nan_to_num(scaled), -self.limit_[mine], self.limit_[mine])

    def _find_axes(self, known: list[Block], tracks: NDArray[np.intp]) -> None:
        size = len(self.columns_)
        gram, total = np.zeros((size, size)), np.zeros(size)
        parts = self._parts(known)
        for start in range(0, len(tracks), ROWS):
            some = tracks[start : start + ROWS]
            told = list(self._told(parts, some))
            for _, left, rows in told:
                total[rows] += np.asarray(left.sum(axis=0)).ravel()
                for _, right, columns in told:
                    product = left.T @ right
                    gram[np.ix_(rows, columns)] += product.toarray() if sp.issparse(product) else product
        self.centre_ = (total / max(len(tracks), 1)).astype(np.float32)
        intercept = self.columns_ == INTERCEPT
        count = gram[intercept, intercept]
        mean = np.where(intercept, 0, total / max(count.sum(), 1)) * len(count)
        gram[intercept] = gram[:, intercept] = 0
        strength, axes = leading_axes(gram - count.sum() * np.outer(mean, mean), self.dimensions)
        kept = strength > 1e-6 * strength.max(initial=1e-9)
        axes = axes[:, kept]
        axes[intercept] = -mean @ axes
        self.turn_ = np.column_stack([*np.eye(size)[intercept], axes]).astype(np.float32)
        self.strength_ = np.r_[count, strength[kept]].astype(np.float32)


def leading_axes(gram: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues of a symmetric positive matrix, largest first, and their vectors in columns.

    Of a large matrix by subspace iteration (Halko, Martinsson, Tropp 2011); the vectors are then orthogonal, and
    diagonalise the matrix within what they span, to rounding.
    """
    size = len(gram)
    if size <= 2 * count:
        values, vectors = np.linalg.eigh(gram)
    else:
        basis = np.random.default_rng(0).standard_normal((size, count + count // 8 + 8))
        for _ in range(POWERS):
            basis = np.linalg.qr(gram @ basis)[0]
        values, small = np.linalg.eigh(basis.T @ gram @ basis)
        vectors = basis @ small
    return values[::-1][:count], vectors[:, ::-1][:, :count]
