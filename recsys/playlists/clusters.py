"""Vectors in, groups of alike ones out: spherical k-means with careful starts.

Dhillon, Modha, Concept decompositions for large sparse text data using clustering, Machine Learning 42, 2001;
Arthur, Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SAMPLE = 20_000  # vectors that centres are fitted on; the rest are only assigned
ROUNDS = 25


class Groups(NamedTuple):
    """The group of each vector (n,), unit centres (k, d), and each vector's cosine with its centre (n,)."""

    of: NDArray[np.int32]
    centres: Floats
    closeness: Floats


def group(vectors: Floats, k: int, rng: np.random.Generator, *, weights: Floats | None = None) -> Groups:
    """At most ``k`` groups by cosine, the largest total weight first; empty ones are left out.

    Args:
        vectors: unit vectors, (n, d), n > 0.
        weights: how much each counts, (n,), > 0; default alike.

    >>> made = group(np.eye(2, dtype=np.float32)[[0, 1, 0, 0]], 2, np.random.default_rng(0))
    >>> made.of.tolist(), made.closeness.tolist()
    ([0, 1, 0, 0], [1.0, 1.0, 1.0, 1.0])
    """
    weights = np.ones(len(vectors), np.float32) if weights is None else weights
    some = rng.choice(len(vectors), SAMPLE, replace=False) if len(vectors) > SAMPLE else np.arange(len(vectors))
    centres = _fitted(vectors[some], weights[some], min(k, len(some)), rng)
    of = (vectors @ centres.T).argmax(axis=1)
    sizes = np.bincount(of, weights, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")[: int((sizes > 0).sum())]
    place = np.full(len(centres), -1, np.int32)
    place[order] = np.arange(len(order))
    centres = centres[order]
    of = place[of]
    return Groups(of, centres, np.einsum("nd,nd->n", vectors, centres[of]))


def _fitted(vectors: Floats, weights: Floats, k: int, rng: np.random.Generator) -> Floats:
    centres = _starts(vectors, weights, k, rng)
    before = None
    for _ in range(ROUNDS):
        of = (vectors @ centres.T).argmax(axis=1)
        if before is not None and np.array_equal(of, before):
            break
        before = of
        sums = np.zeros_like(centres)
        np.add.at(sums, of, vectors * weights[:, None])
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(norms > 1e-9, sums / np.maximum(norms, 1e-9), centres)
    return centres


def _starts(vectors: Floats, weights: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Starting centres, each drawn from what lies far from those before."""
    chosen = [int(rng.choice(len(vectors), p=weights / weights.sum(dtype=np.float64)))]
    near = vectors @ vectors[chosen[0]]
    for _ in range(k - 1):
        far = np.maximum(1 - near, 0).astype(np.float64) * weights
        if far.sum() < 1e-6:
            break
        chosen.append(int(rng.choice(len(vectors), p=far / far.sum())))
        near = np.maximum(near, vectors @ vectors[chosen[-1]])
    return vectors[chosen].copy()
