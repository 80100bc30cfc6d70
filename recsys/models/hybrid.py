"""One factorisation of plays and content: a track starts where its content says and moves as evidence comes in.

Wang, Blei (2011), Collaborative topic modeling for recommending scientific articles, KDD.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.described import DescribedModel, check_content
from recsys.models.features import Features
from recsys.models.ials import IALS, Held
from recsys.models.mapping import ContentMap, Described
from recsys.models.people import People
from recsys.models.peopled import Peopled
from recsys.models.splitting import Split, by_blocks, by_groups
from recsys.models.whitened import System

if TYPE_CHECKING:
    from recsys.tables import Dataset

SETTLED = 3  # rounds after which the strength of the regression on content stays as it is


class Hybrid(DescribedModel, Peopled):
    """iALS whose tracks are drawn towards what their content predicts instead of towards 0.

    Of each track's ridge the share ``prior`` pulls towards its content's point, the rest towards 0, and doubt about
    few plays holds it at that point as well::

        ridge * ((1 - prior) |v|^2 + prior |v - content(x)|^2) + doubt * g / n * |v - content(x)|^2

    where n listeners have played it and g is the mean eigenvalue of the listeners' Gram matrix. Without the last term
    a track of two plays would count as refused by everybody else, though they never had the chance: with it, evidence
    takes over from content at about ``doubt`` plays.

    ``content`` is a ``ContentMap``, fitted anew in each round on the tracks with plays; each is left out of its own
    prediction. A track without plays has content(x) exactly and takes no part in the loss.

    Listeners of whom something is known (age, country, …) are drawn to what that predicts in the same way: of their
    ridge the share ``people``. Such a listener without plays has that point exactly.

    Args:
        prior: share of the ridge that content has.
        people: share of the listeners' ridge that what is known of them has, where anything is.
        doubt: plays at which what listeners did not play begins to count as much as content.
        dimensions: most axes of content.
        factors, regularization, alpha, nu, weighting, iterations, cg_steps, threads: as of IALS.

    Attributes:
        points_: float32 (tracks, stored width), where content alone puts each track.

    >>> import pandas as pd
    >>> import scipy.sparse as sp
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["rock"], ["jazz"], ["jazz"], ["rock"]]}))
    >>> plays = Interactions(IdMap(range(4)), IdMap(range(5)), [0, 0, 1, 1, 2, 2, 3], [0, 1, 0, 1, 2, 3, 2], np.ones(7))
    >>> model = Hybrid(factors=2).fit(Dataset(plays, songs), rng=np.random.default_rng(0))
    >>> scores = model.scores(plays.matrix())[:, 4]  # nobody has played the last one
    >>> bool(scores[0] > scores[2])
    True
    """

    name: ClassVar[str] = "hybrid"
    parts = ("features", "map")
    state: ClassVar[tuple[str, ...]] = (*IALS.state, "points")
    axes: ClassVar[Mapping[str, str]] = {"items": "t-", "points": "t-"}
    points_: Floats
    _content: _Content
    grid: ClassVar[list[dict[str, Any]]] = [
        {"prior": 0.5},
        {"prior": 0.85},
        {"regularization": 0.2},
        {"regularization": 0.45},
        {"factors": 256, "alpha": 8.0},
    ]

    def __init__(
        self,
        *,
        prior: float = 0.7,
        doubt: float = 10.0,
        people: float = 0.5,
        dimensions: int = 512,
        factors: int = 128,
        regularization: float = 0.3,
        alpha: float = 15.0,
        nu: float = 0.65,
        weighting: str = "log",
        iterations: int = 12,
        cg_steps: int = 2,
        threads: int = 0,
    ) -> None:
        self.prior, self.doubt, self.people, self.dimensions = prior, doubt, people, dimensions
        super().__init__(
            factors=factors,
            regularization=regularization,
            alpha=alpha,
            nu=nu,
            weighting=weighting,
            iterations=iterations,
            cg_steps=cg_steps,
            threads=threads,
        )

    def fit(
        self, dataset: Dataset, *, rng: np.random.Generator, progress: Callable[[int, int], None] | None = None
    ) -> Self:
        """Learn from ``dataset.histories()`` and what is known of tracks and listeners; DataError when no track is."""
        self._check()
        check_content(dataset)
        played = _played(dataset)
        self.people_ = People.of(dataset)
        self.features_ = Features(self.dimensions, intercept=True).fit(dataset, played)
        with _Content(self, dataset, played):
            super().fit(dataset, rng=rng, progress=progress)
        return self

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """New tracks start where their content says; then as iALS. Learned are tracks with plays or content.

        The axes turn, so what is known of listeners has no say until the next training.
        """
        self.people_ = None
        played = _played(dataset)
        self.items_ = np.where(played[:, None], self.items_, 0).astype(np.float32)
        with _Content(self, dataset, played):
            super().absorb(dataset, rows)
        return np.flatnonzero(self.items_.any(axis=1)).astype(np.int32)

    def item_fold_in(self, plays: Histories, histories: Histories, known: Described | None = None) -> Floats:
        """The best vectors for new tracks given who played them and, from ``describe``, what is known of them.

        Args:
            plays: weights of the new tracks, CSR (q, new).
            histories: what the same listeners played of the known tracks, CSR (q, tracks).
            known: content of the new tracks; without plays they get just what it predicts.

        Returns:
            float32 (new, d).
        """
        if known is None:
            return super().item_fold_in(plays, histories)
        points = self.map_.predict(known)

        def hold(system: System, turn: Floats, extra: Histories, ridge: Floats) -> Held:
            more = self._doubts(system, extra, self.doubt)
            return Held(ridge + more, points @ turn * (self.prior * ridge + more)[:, None])

        made = self._fold_in_tracks(plays, histories, hold)
        played = np.bincount(plays.indices, minlength=plays.shape[1]) > 0
        return np.where(played[:, None], made, points)[:, : self.factors]

    def content_points(self) -> Floats:
        """Where content alone puts each track, float32 (tracks, d).

        ``user_vectors(h) @ content_points().T`` is what content gives to the scores; the rest of them came from the
        plays of each track.
        """
        return self.points_[:, : self.factors]

    def split(self, known: Dataset, histories: Histories, rows: Rows) -> Split:
        """What each block of content gave to the scores of some tracks (q, k); the rest came from their plays.

        Args:
            known: what is known of the tracks.
            histories: CSR (q, tracks).
            rows: track rows, (q, k).
        """
        users, seen = self.user_vectors(histories), np.maximum(rows, 0)
        given, rest = by_blocks(self.features_, known, users @ self.map_.coefficients_[:, : self.factors].T, rows)
        given = {**given, **by_groups(self.map_.groups(self.factors), known, users, rows)}
        moved = (self.items_ - self.points_)[:, : self.factors]
        if self.prior:
            return Split(given, rest + np.einsum("qd,qkd->qk", users, moved[seen]))
        placed = ~np.asarray(moved.any(axis=1))[seen]  # content has a say in tracks without plays alone
        whole = np.einsum("qd,qkd->qk", users, self.item_vectors()[seen])
        return Split({name: np.where(placed, part, 0) for name, part in given.items()}, np.where(placed, rest, whole))

    def _held(self, system: System, items: Floats, plays: Histories, ridge: Floats) -> Held:
        more = self._doubts(system, plays, self.doubt)
        points = self._content.points(items)
        return Held(ridge) if points is None else Held(ridge + more, points * (self.prior * ridge + more)[:, None])


class _Content:
    """What is known of the tracks while their model is being fitted; places those without plays at the end."""

    def __init__(self, model: Hybrid, dataset: Dataset, played: NDArray[np.bool_]) -> None:
        self.model, self.played, self.rounds = model, played, 0
        known = model.describe(dataset)
        self.known, self.rest = known.take(played), known.take(~played)

    def __enter__(self) -> None:
        self.model._content = self

    def __exit__(self, failed: Any, *_: Any) -> None:
        del self.model._content
        if failed is None:
            self.model.map_ = self._map().fit(self.known, self.model.items_[self.played])
            self.model.points_ = np.zeros_like(self.model.items_)
            for some, known in ((self.played, self.known), (~self.played, self.rest)):
                self.model.points_[some] = self.model.map_.predict(known)
            self.model.items_[~self.played] = self.model.points_[~self.played]

    def points(self, items: Floats) -> Floats | None:
        """The point that content draws each track to, (tracks, d); None when it has no say."""
        if not self.model.prior:
            return None
        placed = np.asarray(items[self.played].any(axis=1))
        guess = np.zeros_like(items[self.played])
        found = self._map()
        guess[placed] = found.left_out(self.known.take(placed), items[self.played][placed])
        if not placed.all():
            guess[~placed] = found.predict(self.known.take(~placed))
        self.rounds, self.model.map_ = self.rounds + 1, found
        made = np.zeros_like(items)
        made[self.played] = guess
        return made

    def _map(self) -> ContentMap:
        """One that chooses its strength in the first rounds."""
        return ContentMap(self.model.map_.ridge_ if self.rounds >= SETTLED else 0.0, self.model.features_.free)


def _played(dataset: Dataset) -> NDArray[np.bool_]:
    histories = dataset.histories()
    return np.bincount(histories.indices, minlength=histories.shape[1]) > 0
