"""Track vectors in, places in the plane out, so that tracks that are alike lie near each other.

The plane begins as the two main axes; then each track is drawn to its nearest neighbours and pushed away from a few
others that chance names, round by round with smaller and smaller steps. This is the idea of UMAP (McInnes, Healy &
Melville, 2018) at its simplest, and needs no package.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.errors import DataError
from recsys.index import exact
from recsys.nearby import weights
from recsys.serving.answers.stand import Stand

NEAR = 10  # neighbours that draw
ROUNDS, PUSHED = 150, 4  # and how many others push, in each of so many rounds
PULL, PUSH = 0.35, 0.02
EDGE = 0.995  # share of the tracks inside of which the scale is taken


def chart(stand: Stand, n: int) -> dict[str, Any]:
    """The catalogue, or ``n`` of it: the most heard half and an even part of the rest; see ``schemas.Map``.

    Raises:
        DataError: the bundle has no track vectors.
    """
    index = stand.engine.index
    blend = weights(index, "hybrid" if {"collaborative", "content"} & set(index.blocks) else "sound", 0.5)
    rows = _sample(stand, n)
    vectors = np.concatenate([np.sqrt(np.float32(w)) * index.vectors(b, rows) for b, w in blend.items()], axis=1)
    known = vectors.any(axis=1)
    rows, places = rows[known], plane(vectors[known])
    return {
        "points": [_point(stand, int(row), *place) for row, place in zip(rows, places.tolist(), strict=True)],
        "total": len(stand.tracks),
        "sampled": len(rows) < len(stand.tracks),
        "bundle": stand.version,
    }


def plane(vectors: Floats, *, seed: int = 0) -> Floats:
    """Places of vectors (n, d) in the plane, float32 (n, 2), each coordinate from −1 to 1; equal seeds, equal places.

    >>> two = np.repeat(np.eye(2, 8, dtype=np.float32), 20, axis=0) + np.float32(.01) * np.eye(40, 8, dtype=np.float32)
    >>> places = plane(two)
    >>> apart = np.linalg.norm(places[:20].mean(axis=0) - places[20:].mean(axis=0))
    >>> bool(apart > 3 * places[:20].std(axis=0).max())
    True
    """
    if len(vectors) < 3:
        return np.zeros((len(vectors), 2), np.float32)
    rng = np.random.default_rng(seed)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    made = _axes(unit) + 1e-3 * rng.standard_normal((len(unit), 2))
    return _scaled(_drawn(made, _graph(unit), rng))


def _sample(stand: Stand, n: int) -> Rows:
    total = len(stand.tracks)
    if not total:
        raise DataError("this bundle has no tracks")
    if total <= n:
        return np.arange(total, dtype=np.int32)
    heard = stand.engine.listeners if stand.engine.histories.nnz else np.zeros(total, np.float32)
    best = np.argsort(-heard, kind="stable")[: n // 2]
    rest = np.setdiff1d(np.arange(total), best)
    even = rest[np.linspace(0, len(rest) - 1, n - len(best)).astype(np.int64)]
    return np.sort(np.concatenate([best, even])).astype(np.int32)


def _axes(unit: Floats) -> NDArray[np.float64]:
    """The two directions along which the vectors differ most, scaled to a deviation of one."""
    centred = (unit - unit.mean(axis=0)).astype(np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    made = centred @ axes[:, -1:-3:-1]
    return made / np.maximum(made.std(axis=0), 1e-9) if made.shape[1] == 2 else np.pad(made, ((0, 0), (0, 1)))


def _graph(unit: Floats) -> sp.csr_array:
    """Who is drawn to whom, both ways; rows sum to one, (n, n)."""
    n, k = len(unit), min(NEAR, len(unit) - 1)
    near = exact.top_k(unit, unit, k, exclude=np.arange(n, dtype=np.int32)[:, None], threads=1).rows
    made = sp.csr_array((np.ones(n * k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    both = sp.csr_array(made + made.T)
    return sp.csr_array(sp.diags_array(1 / np.maximum(np.asarray(both.sum(axis=1)), 1e-9)) @ both)


def _drawn(places: NDArray[np.float64], graph: sp.csr_array, rng: np.random.Generator) -> NDArray[np.float64]:
    for step in range(ROUNDS):
        heat = 1 - step / ROUNDS
        places = places + heat * PULL * (graph @ places - places)
        for _ in range(PUSHED):
            away = places - places[rng.permutation(len(places))]
            places = places + heat * PUSH * away / (0.05 + (away**2).sum(axis=1, keepdims=True))
    return places


def _scaled(places: NDArray[np.float64]) -> Floats:
    centred = places - np.median(places, axis=0)
    reach = max(float(np.quantile(np.abs(centred), EDGE)), 1e-9)
    return np.clip(centred / reach, -1, 1).astype(np.float32)


def _point(stand: Stand, row: int, x: float, y: float) -> dict[str, Any]:
    card = stand.shelf.card(row)
    genre = card["genre"][0] if card["genre"] else None
    return {
        **{"id": card["id"], "x": round(x, 4), "y": round(y, 4)},
        **{"title": card["title"], "artist": card["artist"], "genre": genre},
    }
