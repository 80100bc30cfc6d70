"""The objective of one pool as arrays: what each track, step and pair is worth, and the parts of a finished list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.goals import Curve, Goals
from recsys.playlists.pool import Pool
from recsys.playlists.transitions import badness

Order = NDArray[np.integer]
Matrix = NDArray[np.float32]
FOLLOWERS = 24  # candidates kept as the best after each one
WIDE = 5.0, 95.0  # percentiles of the pool between which a curve runs


@dataclass(frozen=True, eq=False)
class Objective:
    """What the goals say about lists of ``places`` tracks from a pool of c; all matrices are 0..1.

    Attributes:
        weights: of the goals that count here, summing to 1.
        relevance: (c,).
        step: badness of the step from i to j, (c, c), or (0, 0).
        unlike: unlikeness of pairs, (c, c), or (0, 0).
        familiar: (c,), or (0,).
        curve: how well candidate i fits the curves at place p, (places, c), or (0, 0).
    """

    places: int
    weights: dict[str, float]
    relevance: Matrix
    step: Matrix
    unlike: Matrix
    familiar: Matrix
    curve: Matrix
    wish: float

    @classmethod
    def of(cls, pool: Pool, goals: Goals, places: int) -> Objective:
        """Everything that one list needs, once."""
        none, several = np.zeros((0, 0), np.float32), places > 1
        step = badness(pool, goals) if goals.transitions and several else None
        unlike = _unlike(pool) if goals.diversity and several else None
        curve = _curves(pool, goals.curves, places) if goals.curve else None
        familiar = pool.familiarity if goals.familiarity else None
        there = {"relevance": True, "transitions": step is not None, "diversity": unlike is not None}
        there |= {"familiarity": familiar is not None, "curve": curve is not None}
        counted = {name: weight for name, weight in goals.weights.items() if weight and there[name]}
        whole = sum(counted.values())
        return cls(
            places,
            {name: weight / whole for name, weight in counted.items()},
            pool.relevance,
            none if step is None else step,
            none if unlike is None else unlike,
            none.ravel() if familiar is None else familiar.astype(np.float32),
            none if curve is None else curve,
            goals.familiar,
        )

    def weight(self, name: str) -> float:
        """Share of a goal in the objective; 0 when it does not count."""
        return self.weights.get(name, 0.0)

    def parts(self, order: Order) -> dict[str, float]:
        """The goals that count and ``objective``, their weighted mean, for a list of positions."""
        parts = {name: float(self._part(name, order)) for name in self.weights}
        return {**parts, "objective": sum(w * parts[name] for name, w in self.weights.items())}

    def _part(self, name: str, order: Order) -> np.floating | float:
        if name == "relevance":
            return self.relevance[order].mean()
        if name == "transitions":
            return 1 - self.step[order[:-1], order[1:]].mean()
        if name == "diversity":
            return self.unlike[np.ix_(order, order)].sum() / (len(order) * (len(order) - 1))
        if name == "familiarity":
            return 1 - abs(self.familiar[order].mean() - self.wish)
        return self.curve[np.arange(len(order)), order].mean()

    def arrays(self) -> dict[str, Any]:
        """The fields of ``kernels.Problem`` that are the objective, in places of worth."""
        n, c = self.places, len(self.relevance)
        value = np.broadcast_to(self.weight("relevance") * self.relevance, (n, c)).astype(np.float32)
        if self.curve.size:
            value += np.float32(self.weight("curve")) * self.curve
        steps, pairs = self.weight("transitions") * n / max(1, n - 1), self.weight("diversity") * 2 / max(1, n - 1)
        step = np.zeros((c, c), np.float32) if not self.step.size else np.float32(steps) * (1 - self.step)
        gain = step + value.mean(axis=0)
        np.fill_diagonal(gain, -1)
        near = np.argpartition(-gain, min(FOLLOWERS, c - 1), axis=1)[:, :FOLLOWERS]
        return {
            "value": value,
            "step": step,
            "near": near.astype(np.int32),
            "unlike": np.ascontiguousarray(np.float32(pairs) * self.unlike),
            "familiar": self.familiar,
            "wish": np.array([self.wish, n * self.weight("familiarity")]),
        }


def _unlike(pool: Pool) -> Matrix | None:
    alike = pool.alike()
    if alike is None:
        return None
    apart: Matrix = np.clip((1 - (alike + alike.T) / 2) / 2, 0, 1).astype(np.float32)
    np.fill_diagonal(apart, 0)
    return apart


def _curves(pool: Pool, curves: tuple[Curve, ...], places: int) -> Matrix | None:
    """How well each candidate fits each place, mean of the curves whose trait is known of any candidate."""
    fits = [fit for curve in curves if (fit := _fit(pool, curve, places)) is not None]
    return np.asarray(np.mean(fits, axis=0), np.float32) if fits else None


def _fit(pool: Pool, curve: Curve, places: int) -> Matrix | None:
    values = pool.number(curve.trait).astype(np.float64)
    known = np.isfinite(values)
    if not known.any():
        return None
    low, high = span(values[known])
    target = curve.at(places) if curve.absolute else low + curve.at(places) * (high - low)
    off = np.minimum(1, np.abs(values - target[:, None]) / (high - low))
    off[:, ~known] = off[:, known].mean(axis=1, keepdims=True)  # neither sought nor shunned
    return (1 - off).astype(np.float32)


def span(values: NDArray[np.float64]) -> tuple[float, float]:
    """Where the curves of a pool run: from its low to its high end, never empty."""
    low, high = np.percentile(values, WIDE)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
