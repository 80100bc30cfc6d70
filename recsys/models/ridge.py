"""Each listener as a linear function of content: ridge regression of what was played on what tracks are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import weighted
from recsys.models.described import DescribedModel, check_content
from recsys.models.features import GROUPS, Features
from recsys.models.mapping import ContentMap, Described
from recsys.models.splitting import Split, by_blocks

if TYPE_CHECKING:
    from recsys.tables import Dataset

LISTENERS = 512  # whose plays choose the strengths


class Ridge(DescribedModel):
    """For each history, the regression of having been played on content rows; then what its artists and albums add.

    Closed form for any history, one product with a diagonal. The strength of the ridge and how far artists' and
    albums' means are believed are chosen by leaving each training track out of its own prediction, for a sample of the
    listeners.

    Args:
        regularization: times the strength that predicts left-out tracks best.
        dimensions: most axes of content.
        weight: transform of the play weights: "binary", "log" or "raw".

    Attributes:
        rows_: float32 (tracks, d), content rows.
        spread_: float32 (d,), 1 over strength plus ridge of each axis.
        codes_: int32 (tracks, 2), the number of each track's artist and of its album, 0 where unknown.
        shrink_: float32 (2,), how many tracks of no effect an artist's and an album's mean is taken with.
        trained_: bool (tracks,), the tracks that were played.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["rock"], ["jazz"], ["jazz"], ["rock"]]}))
    >>> plays = Interactions(IdMap(range(4)), IdMap(range(5)), [0, 0, 1, 1, 2, 2, 3], [0, 1, 0, 1, 2, 3, 2], np.ones(7))
    >>> model = Ridge().fit(Dataset(plays, songs), rng=np.random.default_rng(0))
    >>> scores = model.scores(plays.matrix())[:, 4]  # nobody has played the last one
    >>> bool(scores[0] > scores[2])
    True
    """

    name: ClassVar[str] = "ridge"
    state = ("rows", "spread", "codes", "shrink", "trained")
    axes: ClassVar[Mapping[str, str]] = {"rows": "t-", "codes": "t-", "trained": "t"}
    grid: ClassVar[list[dict[str, Any]]] = [{"regularization": 1.0}, {"regularization": 10.0}]
    rows_: Floats
    spread_: Floats
    codes_: NDArray[np.int32]
    shrink_: Floats
    trained_: NDArray[np.bool_]

    def __init__(self, regularization: float = 3.0, dimensions: int = 512, weight: str = "log") -> None:
        self.regularization, self.dimensions, self.weight = regularization, dimensions, weight

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Scale the content and choose strengths; DataError when nothing is known about any track."""
        check_content(dataset)
        histories = weighted(dataset.histories(), self.weight)
        self.trained_ = np.bincount(histories.indices, minlength=histories.shape[1]) > 0
        self.features_ = Features(self.dimensions).fit(dataset, self.trained_)
        self._place(dataset)
        training = Described(self.rows_[self.trained_], self._groups(self.trained_))
        chosen = ContentMap().fit(training, _sample(histories, rng)[:, self.trained_].toarray().T)
        strength = np.einsum("nd,nd->d", training.rows, training.rows, dtype=np.float64)
        ridge = self.regularization * chosen.ridge_ * max(strength.mean(), 1e-9) if len(strength) else 1.0
        self.spread_ = (1 / (strength + ridge)).astype(np.float32)
        self.shrink_ = np.array([chosen.shrink_.get(column, np.inf) for column in GROUPS], np.float32)
        return self

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks); an empty history scores 0 everywhere."""
        made = np.asarray(self._profiles(histories) @ self.rows_.T, dtype=np.float32)
        for _, codes, effects in self._effects(histories, made):
            made += effects[:, codes]
        return made

    def split(self, known: Dataset, histories: Histories, rows: Rows) -> Split:
        """What each block of content gave to the scores of some tracks (q, k): all there is.

        Args:
            known: what is known of the tracks.
            histories: CSR (q, tracks).
            rows: track rows, (q, k).
        """
        profiles = self._profiles(histories)
        given = dict(by_blocks(self.features_, known, profiles, rows).given)
        made = np.asarray(profiles @ self.rows_.T, np.float32) if np.isfinite(self.shrink_).any() else profiles
        for column, codes, effects in self._effects(histories, made):
            given[column] = np.take_along_axis(effects, codes[np.maximum(rows, 0)], axis=1)
            made += effects[:, codes]
        return Split(given, np.zeros(rows.shape, np.float32))

    def _profiles(self, histories: Histories) -> Floats:
        """What each history says of the axes of content, (q, d)."""
        return np.asarray((weighted(histories, self.weight) @ self.rows_) * self.spread_)

    def _effects(self, histories: Histories, made: Floats) -> Iterator[tuple[str, NDArray[np.int32], Floats]]:
        """Column, codes (tracks,) and effects (q, groups) of artists, then albums; each is seen in ``made`` first."""
        plays = weighted(histories, self.weight)
        for column, codes, shrink in zip(GROUPS, self.codes_.T, self.shrink_, strict=True):
            if np.isfinite(shrink):
                yield column, codes, _of_group(plays, made, codes, self.trained_, shrink)

    def track_vectors(self) -> Floats | None:
        """Content rows, float32 (tracks, d)."""
        return self.rows_

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """New tracks are placed by their content; learned are those of which anything is known."""
        self._place(dataset)
        self.trained_ = self.trained_ | (np.bincount(dataset.histories().indices, minlength=len(self.trained_)) > 0)
        return np.flatnonzero(self.rows_.any(axis=1) | (self.codes_ > 0).any(axis=1)).astype(np.int32)

    def _place(self, dataset: Dataset) -> None:
        known = self.describe(dataset)
        self.rows_ = known.rows
        self.codes_ = np.zeros((len(known.rows), len(GROUPS)), np.int32)
        for number, column in enumerate(GROUPS):
            if column in known.groups:
                keys, place = np.unique(known.groups[column], return_inverse=True)
                self.codes_[:, number] = place + (keys[0] != 0)

    def _groups(self, tracks: NDArray[np.bool_]) -> dict[str, NDArray[np.uint64]]:
        chosen = self.codes_[tracks].astype(np.uint64).T
        return dict(zip(GROUPS, chosen, strict=True))


def _sample(histories: Histories, rng: np.random.Generator) -> sp.csr_array:
    active = np.flatnonzero(np.diff(histories.indptr))
    return histories[np.sort(rng.permutation(active)[:LISTENERS])]


def _of_group(
    plays: Histories, fitted: Floats, codes: NDArray[np.int32], trained: NDArray[np.bool_], shrink: float
) -> Floats:
    """How much more than fitted the trained tracks of each group were played, a mean, (q, groups); 0 for group 0."""
    members = np.flatnonzero(trained & (codes > 0))
    size = int(codes.max(initial=0)) + 1
    ones = np.ones(len(members), np.float32)
    belong = sp.csr_array((ones, (members, codes[members])), shape=(len(codes), size))
    count = np.bincount(codes[members], minlength=size).astype(np.float32)
    return np.asarray((plays @ belong).toarray() - fitted @ belong, np.float32) / (count + np.float32(shrink))
