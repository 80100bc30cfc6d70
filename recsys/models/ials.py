"""Implicit-feedback matrix factorisation whose regularisation grows with how often a row was seen.

Hu, Koren, Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM;
Rendle, Krichene, Zhang, Koren (2022), Revisiting the performance of iALS on item recommendation benchmarks, RecSys.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import DataError, SettingsError, did_you_mean
from recsys.models.base import Model
from recsys.models.whitened import System, diagonalise, eigen, gram, padded, solve

if TYPE_CHECKING:
    from recsys.tables import Dataset

START = 0.1  # length of a random track vector before the first iteration
STEPS, TOLERANCE = 200, 1e-5  # a fold-in runs until its residual is this small
WARM_STEPS, WARM_TOLERANCE = 10, 1e-2  # the listeners behind an update
SMALL = 20_000  # entries below which a second worker is not worth its start
USERS, TRACKS = 1, 2  # places in scale_
SHAPES: dict[str, Callable[[Floats], Floats]] = {"binary": np.ones_like, "log": np.log1p, "root": np.sqrt}


class Held(NamedTuple):
    """How tracks are held while plays move them: each one's ridge (n,), and ridge times the point it is drawn to, or
    None for 0, (n, d)."""

    ridge: Floats
    pull: Floats | None = None


class IALS(Model):
    """Weighted matrix factorisation by alternating whitened conjugate gradient.

    Minimises the sum over all pairs of c (p - x.y)^2, plus each row's own ridge. For pairs that were seen p = 1 and
    c = 1 + alpha f; for the rest p = 0 and c = 1. ``f`` is the weight over the geometric mean of that listener's
    weights (so that heavy and light listeners count alike), shaped by ``weighting``, over its mean in training.
    The ridge of a user with n entries, where users have N and tracks M entries in the mean, is::

        regularization * alpha * (sqrt(N) + sqrt(M)) * (n / N) ** nu

    and the same for a track with M in the last factor. alpha (sqrt(N) + sqrt(M)) is about the largest singular value
    that entries placed at random would have, so ``regularization`` is the share of the noise level that is cut off,
    whatever the size of the data. The defaults were chosen on the validation part of Last.fm counts.

    Args:
        factors: d, the length of the vectors.
        regularization: share of the noise level; larger is smoother.
        alpha: mean confidence that an entry adds to the 1 of an absent one.
        nu: how the ridge grows with a row's entries: 0 not at all, 1 in proportion.
        weighting: how confidence grows with weight: binary (not at all), log (log(1 + w)) or root (square root).
        iterations: rounds over users and tracks.
        cg_steps: conjugate gradient steps per row and round, from where the round before ended.
        threads: workers; 0 means one per core. The result does not depend on it.

    Attributes:
        items_: (tracks, d) float32, padded with zeros to whole registers, in the axes of their Gram matrix.
        spectrum_: (d,) float32, the diagonal of that Gram matrix, largest first.
        listeners_: (d, d) float32, the Gram matrix of the user vectors: new tracks are folded in with it.
        scale_: (3,) float64, mean shaped weight, mean entries of a user and of a track.
        losses_: the objective after each iteration.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["jazz1", "jazz2", "rock1", "rock2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [5, 3, 4, 2, 9])
    >>> model = IALS(factors=2).fit(Dataset(plays, Catalogue.empty(4)), rng=np.random.default_rng(0))
    >>> heard_jazz1 = sp.csr_array(np.array([[7, 0, 0, 0]], dtype=np.float32))
    >>> (model.scores(heard_jazz1) > 0.1).tolist()
    [[True, True, False, False]]
    """

    name: ClassVar[str] = "ials"
    state: ClassVar[tuple[str, ...]] = ("items", "spectrum", "listeners", "scale")
    axes: ClassVar[Mapping[str, str]] = {"items": "t-"}
    grid: ClassVar[list[dict[str, Any]]] = [
        {"regularization": 0.2},
        {"regularization": 0.45},
        {"regularization": 0.45, "alpha": 40.0},
        {"factors": 256, "alpha": 8.0},
    ]

    def __init__(
        self,
        *,
        factors: int = 128,
        regularization: float = 0.3,
        alpha: float = 15.0,
        nu: float = 0.65,
        weighting: str = "log",
        iterations: int = 12,
        cg_steps: int = 2,
        threads: int = 0,
    ) -> None:
        self.factors, self.regularization, self.alpha, self.nu = factors, regularization, alpha, nu
        self.weighting, self.iterations, self.cg_steps, self.threads = weighting, iterations, cg_steps, threads

    def fit(
        self, dataset: Dataset, *, rng: np.random.Generator, progress: Callable[[int, int], None] | None = None
    ) -> Self:
        """Learn from ``dataset.histories()``; ``progress(done, iterations)`` is called after each iteration."""
        for done, _ in enumerate(self.rounds(dataset.histories(), rng), start=1):
            if progress is not None:
                progress(done, self.iterations)
        return self

    def rounds(self, histories: Histories, rng: np.random.Generator) -> Iterator[float]:
        """Learn from CSR (users, tracks), yielding the objective after each iteration; fitted when exhausted."""
        self._check()
        self._measure(histories)
        rows = self._extra(histories, levels(histories))
        columns = rows.T.tocsr()
        item_ridge = self._ridge(columns, TRACKS)
        users, items = self._start(histories.shape, rng)
        self.losses_: list[float] = []
        system = self._turn(items, users)
        for _ in range(self.iterations):
            drawn = self._drawn(system, rows, users)
            self._solve(system, rows, drawn.ridge, users, drawn.pull)
            turned = self._turn(users, items)
            held = self._held(turned, items, columns, item_ridge)
            loss = self._solve(turned, columns, held.ridge, items, held.pull)
            self.losses_.append(loss + float(drawn.ridge @ np.einsum("nd,nd->n", users, users)))
            system = self._turn(items, users)
            yield self.losses_[-1]
        drawn = self._drawn(system, rows, users)
        self._solve(system, rows, drawn.ridge, users, drawn.pull)
        self._settle_listeners(users)
        self.items_, self.spectrum_ = system
        self.listeners_ = gram(users, self._workers()).astype(np.float32)

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """Scores of all tracks, float32 (q, tracks)."""
        return self.user_vectors(histories, users) @ self.item_vectors().T

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """The best vector for each history given the tracks, float32 (q, d); the same for known and new listeners.

        A history without entries gets the zero vector.
        """
        _same("tracks in the histories", histories.shape[1], len(self.items_))
        extra = self._extra(histories, levels(histories))
        return self._fold_in(System(self.items_, self.spectrum_), extra, USERS)[:, : self.factors]

    def item_fold_in(self, plays: Histories, histories: Histories) -> Floats:
        """The best vectors for new tracks given who played them, float32 (new, d); unplayed tracks get zeros.

        Args:
            plays: weights of the new tracks, CSR (q, new).
            histories: what the same listeners played of the known tracks, CSR (q, tracks).
        """
        return self._fold_in_tracks(plays, histories, lambda system, turn, extra, ridge: Held(ridge))[:, : self.factors]

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """New tracks get the best vectors given who played them, then all tracks one more round with all plays."""
        histories = dataset.histories()
        extra = self._extra(histories, levels(histories))
        columns = extra.T.tocsr()
        ridge = self._ridge(columns, TRACKS)
        items, users = np.array(self.items_), np.zeros((len(histories.indptr) - 1, self.items_.shape[1]), np.float32)
        warm: dict[str, Any] = {"steps": WARM_STEPS, "tolerance": WARM_TOLERANCE, "threads": self._workers()}
        solve(System(items, self.spectrum_), extra, self._ridge(extra, USERS), users, **warm)
        system, fresh = self._turn(users, items), np.zeros((len(rows), items.shape[1]), np.float32)
        ridge, pull = self._held(system, items, columns, ridge)
        mine = None if pull is None else pull[rows]
        solve(system, sp.csr_array(columns[rows]), ridge[rows], fresh, pull=mine, **warm)
        items[rows] = fresh
        self._solve(system, columns, ridge, items, pull)
        self.items_, self.spectrum_ = self._turn(items, users)
        self.listeners_ = gram(users, self._workers()).astype(np.float32)
        return np.flatnonzero(np.diff(columns.indptr)).astype(np.int32)

    def item_vectors(self) -> Floats:
        """The track side of the dot product, float32 (tracks, d)."""
        return self.items_[:, : self.factors]

    def track_vectors(self) -> Floats:
        """Vectors whose cosine says how alike two tracks are to listeners, float32 (tracks, d)."""
        return self.item_vectors()

    def confidences(self, histories: Histories) -> sp.csr_array:
        """The confidence c of each entry of these histories after ``fit``, float32 CSR of the same shape."""
        extra = self._extra(histories, levels(histories))
        return sp.csr_array((extra.data + np.float32(1), extra.indices, extra.indptr), shape=extra.shape)

    def _check(self) -> None:
        if self.weighting not in SHAPES:
            raise SettingsError(f"ials.weighting = {self.weighting!r}{did_you_mean(self.weighting, SHAPES)}")
        for key in ("factors", "iterations", "cg_steps", "regularization", "alpha"):
            if not getattr(self, key) > 0:
                raise SettingsError(f"ials.{key} = {getattr(self, key)}; expected a number above 0")
        for key in ("nu", "threads"):
            if not getattr(self, key) >= 0:
                raise SettingsError(f"ials.{key} = {getattr(self, key)}; expected 0 or more")

    def _workers(self) -> int:
        return self.threads or os.cpu_count() or 1

    def _measure(self, histories: Histories) -> None:
        """Remember what makes confidences and ridges independent of the size of the data."""
        shaped = self._shaped(histories, levels(histories))
        mean = shaped.mean(dtype=np.float64) if len(shaped) else 1.0
        sizes = [histories.nnz / max(1, length) for length in histories.shape]
        self.scale_ = np.array([mean, *np.maximum(sizes, 1.0)])

    def _shaped(self, histories: Histories, levels: Floats) -> Floats:
        relative = histories.data / np.repeat(levels, np.diff(histories.indptr))
        return SHAPES[self.weighting](relative.astype(np.float32))

    def _extra(self, histories: Histories, levels: Floats) -> sp.csr_array:
        """Confidence above 1 of each entry, CSR of the same shape."""
        shaped = self._shaped(histories, levels) * np.float32(self.alpha / self.scale_[0])
        return sp.csr_array((shaped, histories.indices, histories.indptr), shape=histories.shape)

    def _ridge(self, extra: sp.csr_array, side: int) -> Floats:
        noise = self.alpha * np.sqrt(self.scale_[1:]).sum()
        share = np.maximum(np.diff(extra.indptr), 1) / self.scale_[side]
        return (self.regularization * noise * share**self.nu).astype(np.float32)

    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Floats, Floats]:
        """User vectors of 0 and short random track vectors."""
        users, items = (np.zeros((length, padded(self.factors)), np.float32) for length in shape)
        drawn = rng.standard_normal((shape[1], self.factors), dtype=np.float32)
        items[:, : self.factors] = drawn * np.float32(START / np.sqrt(self.factors))
        return users, items

    def _turn(self, fixed: Floats, other: Floats) -> System:
        return diagonalise(fixed, other, self.factors, self._workers())

    def _held(self, system: System, items: Floats, plays: Histories, ridge: Floats) -> Held:
        """How the tracks (rows of ``plays``) are held in this round: here just by their ridge, to 0."""
        return Held(ridge)

    def _drawn(self, system: System, plays: Histories, users: Floats) -> Held:
        """How the listeners (rows of ``plays``) are held in this round: here just by their ridge, to 0."""
        return Held(self._ridge(plays, USERS))

    def _settle_listeners(self, users: Floats) -> None:
        """What is done with the listeners' final vectors, in the axes of the tracks: here nothing."""

    def _fold_in_tracks(
        self, plays: Histories, histories: Histories, hold: Callable[[System, Floats, Histories, Floats], Held]
    ) -> Floats:
        """``item_fold_in`` in the stored width; ``hold`` says how, in the axes (d, d) it is given for its points."""
        _same("listeners in the histories", histories.shape[0], plays.shape[0])
        users = np.zeros((len(self.listeners_), histories.shape[0]), np.float32).T.copy()
        users[:, : self.factors] = self.user_vectors(histories)
        values, axes = eigen(self.listeners_)
        turn = axes.astype(np.float32)
        extra = self._extra(plays, levels(sp.hstack([histories, plays], format="csr"))).T.tocsr()
        system = System(users @ turn, np.maximum(values, 0).astype(np.float32))
        held = hold(system, turn, extra, self._ridge(extra, TRACKS))
        return self._folded(system, extra, held) @ turn.T

    def _solve(
        self, system: System, extra: sp.csr_array, ridge: Floats, out: Floats, pull: Floats | None = None
    ) -> float:
        how: dict[str, Any] = {"steps": self.cg_steps, "tolerance": TOLERANCE, "threads": self._workers()}
        return solve(system, extra, ridge, out, pull=pull, **how)

    def _fold_in(self, system: System, extra: sp.csr_array, side: int) -> Floats:
        return self._folded(system, extra, Held(self._ridge(extra, side)))

    def _folded(self, system: System, extra: sp.csr_array, held: Held) -> Floats:
        out = np.zeros((extra.shape[0], len(system.spectrum)), np.float32)
        threads = self._workers() if extra.nnz > SMALL else 1
        solve(system, extra, held.ridge, out, pull=held.pull, steps=STEPS, tolerance=TOLERANCE, threads=threads)
        return out


def levels(histories: Histories) -> Floats:
    """Geometric mean of each row's weights, (q,); 1 for an empty row."""
    counts = np.diff(histories.indptr)
    sums = np.zeros(len(counts))
    filled = counts > 0
    if filled.any():
        logs = np.log(np.maximum(histories.data, np.finfo(np.float32).tiny), dtype=np.float32)
        sums[filled] = np.add.reduceat(logs, histories.indptr[:-1][filled], dtype=np.float64)
    return np.exp(sums / np.maximum(counts, 1)).astype(np.float32)


def _same(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise DataError(f"found {found} {what}; expected {expected}")
