"""Cosines of candidates with what their listeners played: the nearest, the strongest, the latest."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from recsys.contracts import Floats
from recsys.ranking.scenes import Scene

NEAREST = 5


def likeness(scene: Scene, space: str) -> Floats:
    """Cosines of each candidate with a history: largest, mean of the largest few, of the strongest few, (n, 3)."""
    kept = scene.__dict__.setdefault("_likeness", {})
    if space not in kept:
        starts, rows = scene.strongest
        found = np.zeros((len(scene.candidates.rows), 3), np.float32)
        vectors = np.asarray(scene.facts[space], np.float32)
        _compare(*scene.candidates, starts, rows, vectors, NEAREST, found)
        kept[space] = found
    return kept[space]


def latest_likeness(scene: Scene, space: str) -> Floats:
    """Mean cosine of each candidate with the latest few plays of its listener, NaN where times are unknown, (n,)."""
    vectors, recent = np.asarray(scene.facts[space], np.float32), scene.latest[:, :NEAREST]
    some = recent >= 0
    total = np.einsum("qm,qmd->qd", some.astype(np.float32), vectors[np.maximum(recent, 0)])
    count = some.sum(axis=1).astype(np.float32)
    mean = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan).astype(np.float32)
    return np.asarray(np.einsum("nd,nd->n", mean[scene.owner], vectors[scene.candidates.rows]), np.float32)


@numba.njit(cache=True, parallel=True, nogil=True, fastmath=True)
def _compare(starts: Any, rows: Any, own_starts: Any, own_rows: Any, vectors: Any, few: Any, found: Any) -> None:
    for listener in numba.prange(len(starts) - 1):
        mine = own_rows[own_starts[listener] : own_starts[listener + 1]]
        if len(mine) == 0:
            continue
        cosines = np.empty(len(mine), np.float32)
        taken = min(few, len(mine))
        for place in range(starts[listener], starts[listener + 1]):
            target = vectors[rows[place]]
            for other in range(len(mine)):
                total = np.float32(0)
                source = vectors[mine[other]]
                for d in range(vectors.shape[1]):
                    total += target[d] * source[d]
                cosines[other] = total
            strongest = np.float32(0)
            for other in range(taken):
                strongest += cosines[other]
            ordered = np.sort(cosines)
            nearest = np.float32(0)
            for other in range(taken):
                nearest += ordered[len(mine) - 1 - other]
            found[place, 0], found[place, 1], found[place, 2] = ordered[-1], nearest / taken, strongest / taken
