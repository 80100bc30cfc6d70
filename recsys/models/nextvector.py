"""Where a sequence is heading: the next track's vector by regression, and what lies there, heard before or not."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.models.sequences import NextModel, Sequences, beginnings

PLACES = 50_000  # at most, to learn from
LONGEST = 20  # tracks back that count


class NextVector(NextModel):
    """The vector of the next track as a linear function of the faded mean, the plain mean and the last vector.

    Ridge regression, closed form. Tracks are scored by the log-likelihood ratio of two normal distributions: that of
    vectors around the prediction against that of all vectors that were ever next. So a track is found by what it is,
    whether or not it is in any sequence. (Latent continuation; the ratio is that of probabilistic linear discriminants:
    Ioffe, Probabilistic linear discriminant analysis, ECCV 2006.)

    Args:
        dimensions: of the vectors, after turning them to their main axes.
        decay: what the track before the newest counts against the newest, and so on.
        regularization: ridge, as a share of the mean squared size of what is regressed on.

    >>> rng = np.random.default_rng(0)
    >>> vectors = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0) + rng.normal(0, .1, (40, 2)).astype(np.float32)
    >>> lists = [rng.permutation(19)[:5] + start for start in (0, 20) for _ in range(30)]  # 19 and 39 are in no list
    >>> model = NextVector().fit(Sequences.of(lists, tracks=40), vectors, rng=rng)
    >>> bool(model.scores(np.array([[1, 2]], np.int32))[0, 19] > model.scores(np.array([[21, 22]], np.int32))[0, 19])
    True
    """

    name: ClassVar[str] = "nextvector"
    state = ("items", "slope", "precision", "own")
    axes: ClassVar = {"items": "t-", "own": "t"}
    grid: ClassVar = [{"decay": 0.95}, {"dimensions": 24}]
    unheard: ClassVar = True
    items_: Floats
    slope_: Floats
    precision_: Floats
    own_: Floats

    def __init__(self, dimensions: int = 64, decay: float = 0.8, regularization: float = 0.01) -> None:
        self.dimensions, self.decay, self.regularization = dimensions, decay, regularization

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Regress; at most 50,000 places of the sequences, drawn with ``rng``."""
        self.items_ = _turned(vectors, self.dimensions)
        recent, target = _examples(sequences, rng)
        inputs, wanted = self._inputs(recent), self.items_[target].astype(np.float64)
        gram = inputs.T @ inputs
        gram += np.eye(len(gram)) * (self.regularization * np.trace(gram) / max(len(gram), 1) + 1e-9)
        slope = np.linalg.solve(gram, inputs.T @ wanted)
        inside = _covariance(wanted - inputs @ slope)
        overall, middle = _covariance(wanted - wanted.mean(axis=0)), wanted.mean(axis=0)
        near, far = np.linalg.inv(inside), np.linalg.inv(overall)
        items = self.items_.astype(np.float64)
        away = items - middle
        own = ((away @ far) * away).sum(axis=1) / 2 - ((items @ near) * items).sum(axis=1) / 2
        self.slope_, self.precision_, self.own_ = (a.astype(np.float32) for a in (slope, near, own))
        return self

    def scores(self, recent: Rows) -> Floats:
        """float32 (q, tracks)."""
        heading = (self._inputs(recent) @ self.slope_ @ self.precision_).astype(np.float32)
        return heading @ self.items_.T + self.own_

    def _inputs(self, recent: Rows) -> NDArray[np.float64]:
        """Faded mean, plain mean and last vector side by side, and a one, (q, 3 d + 1)."""
        some = recent[:, -LONGEST:]
        there = (some >= 0).astype(np.float64)
        vectors = self.items_[some] * there[:, :, None]
        fade = there * self.decay ** np.arange(some.shape[1] - 1, -1, -1)
        means = [np.einsum("ql,qld->qd", w / np.maximum(w.sum(axis=1), 1e-9)[:, None], vectors) for w in (fade, there)]
        return np.concatenate([*means, vectors[:, -1], np.ones((len(some), 1))], axis=1)


def _turned(vectors: Floats, dimensions: int) -> Floats:
    """Vectors along their main axes, the largest first; zeros (unknown) stay zeros, float32 (tracks, d)."""
    wide = np.asarray(vectors, np.float64)
    axes = np.linalg.eigh(wide.T @ wide)[1][:, ::-1][:, :dimensions]
    return np.ascontiguousarray(wide @ axes, dtype=np.float32)


def _examples(sequences: Sequences, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Beginnings and what came next, at most ``PLACES`` drawn at random."""
    first = sequences.starts[:-1]
    places = np.setdiff1d(np.arange(len(sequences.track)), first)
    if len(places) > PLACES:
        places = np.sort(rng.choice(places, PLACES, replace=False))
    start = sequences.starts[sequences.owner[places]]
    lists = [sequences.track[max(a, b - LONGEST) : b] for a, b in zip(start.tolist(), places.tolist(), strict=True)]
    return beginnings(lists, LONGEST), sequences.track[places]


def _covariance(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of rows around nought, drawn towards a ball so that it can be inverted."""
    found = away.T @ away / max(len(away), 1)
    ball = np.trace(found) / max(len(found), 1)
    return found * 0.95 + np.eye(len(found)) * (0.05 * ball + 1e-6)
