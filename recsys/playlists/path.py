"""From one track to another through a space: small steps, always forward, no track twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recsys.errors import DataError

Rows = NDArray[np.int32]
Floats = NDArray[np.floating]
CANDIDATES = 1_500  # tracks nearest to the straight line that are looked at
TRIES = 60  # tracks that are left out, one after another, to keep artists apart


def path(
    start: int,
    end: int,
    vectors: Floats,
    n: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
    artists: NDArray[np.integer] | None = None,
    gap: int = 1,
) -> Rows:
    """``n`` track rows from ``start`` to ``end`` whose largest step is as small as can be, always nearer to the end.

    Progress is the place of a track's foot on the straight line from start to end, and rises with each track. Among
    all such lists the one with the smallest largest step (Euclidean) is found by dynamic programming, and among
    those the one with the smallest sum of squared steps: exact, among the ``CANDIDATES`` tracks nearest to the line.

    Args:
        vectors: of all tracks, (tracks, d); a row that is not finite stands for an unknown track.
        allowed: tracks that may lie between, bool (tracks,).
        artists: code of each track's artist, −1 unknown, (tracks,); with ``gap`` no artist returns within so many
            places as long as there are other tracks to go by.

    Returns:
        int32 (n,), or fewer when not so many tracks lie between the two.

    Raises:
        DataError: the same track twice, fewer than two places, or an end without a vector.

    >>> line = np.array([[0., 0.], [1., 0.], [2., 1.], [2., 0.], [4., 0.]])
    >>> path(0, 4, line, 4).tolist()
    [0, 1, 3, 4]
    """
    vectors = np.asarray(vectors, np.float32)
    if start == end or n < 2:
        raise DataError(f"a path from row {start} to {end} with {n} places; expected two tracks and 2 places or more")
    if not np.isfinite(vectors[[start, end]]).all():
        raise DataError(f"row {start} or {end} has no vector; expected ends whose place in the space is known")
    free = np.isfinite(vectors).all(axis=1) if allowed is None else allowed & np.isfinite(vectors).all(axis=1)
    rows = between(start, end, vectors, np.flatnonzero(free).astype(np.int32))
    found = _shortest(vectors, rows, n)
    for _ in range(TRIES if artists is not None else 0):
        crowd = _crowding(artists[found], gap)  # type: ignore[index]
        if crowd is None or len(rows) <= n:
            break
        rows = rows[rows != found[crowd]]
        found = _shortest(vectors, rows, n)
    return found


def between(start: int, end: int, vectors: Floats, free: Rows) -> Rows:
    """Start, the tracks between it and end by their progress, and end; those nearest to the line if there are many."""
    free = free[(free != start) & (free != end)]
    along = vectors[end] - vectors[start]
    off = vectors[free] - vectors[start]
    length = float(along @ along)
    progress = off @ along / (length or 1.0)
    aside = np.maximum((off**2).sum(axis=1) - progress**2 * length, 0)
    inside = np.flatnonzero((progress > 0) & (progress < 1))
    if len(inside) > CANDIDATES:
        inside = inside[np.argpartition(aside[inside], CANDIDATES)[:CANDIDATES]]
    inside = inside[np.argsort(progress[inside], kind="stable")]
    return np.concatenate([[start], free[inside], [end]]).astype(np.int32)


def progress_of(rows: Rows, vectors: Floats) -> Floats:
    """How far along the straight line from the first to the last each track lies, 0..1, (n,)."""
    along = vectors[rows[-1]] - vectors[rows[0]]
    return (vectors[rows] - vectors[rows[0]]) @ along / float(along @ along)


def largest_step(rows: Rows, vectors: Floats) -> float:
    """The largest Euclidean distance between neighbours of a list."""
    return float(np.linalg.norm(np.diff(vectors[rows], axis=0), axis=1).max())


def _shortest(vectors: Floats, rows: Rows, n: int) -> Rows:
    some = vectors[rows]
    squares = (some**2).sum(axis=1)
    steps = np.maximum(squares[:, None] + squares - 2 * (some @ some.T), 0)
    n = min(n, len(rows))
    return rows[_walk(steps, n, float(_bottleneck(steps, n)))]


def _crowding(artists: NDArray[np.integer], gap: int) -> int | None:
    """A place between the ends whose artist returns too soon; None when there is none."""
    for apart in range(1, gap):
        for place in np.flatnonzero((artists[apart:] == artists[:-apart]) & (artists[apart:] >= 0)):
            if place + apart < len(artists) - 1:
                return int(place + apart)
            if place > 0:
                return int(place)
    return None


@njit(cache=True, nogil=True)
def _bottleneck(steps: Any, n: int) -> Any:
    """The smallest largest step of a rising walk of n places from the first to the last."""
    size = len(steps)
    reach = np.full(size, np.inf)
    reach[0] = 0.0
    for _ in range(n - 1):
        then = np.full(size, np.inf)
        for i in range(1, size):
            least = np.inf
            for j in range(i):
                way = max(reach[j], steps[j, i])
                least = min(least, way)
            then[i] = least
        reach = then
    return reach[size - 1]


@njit(cache=True, nogil=True)
def _walk(steps: Any, n: int, most: float) -> Any:
    """Positions of the rising walk of n places without a step above ``most`` whose steps have the least sum."""
    size = len(steps)
    cost = np.full((n, size), np.inf)
    before = np.zeros((n, size), np.int32)
    cost[0, 0] = 0.0
    for place in range(1, n):
        for i in range(place, size):
            for j in range(i):
                if steps[j, i] <= most and cost[place - 1, j] + steps[j, i] < cost[place, i]:
                    cost[place, i] = cost[place - 1, j] + steps[j, i]
                    before[place, i] = j
    walk = np.empty(n, np.int32)
    walk[n - 1] = size - 1
    for place in range(n - 1, 0, -1):
        walk[place - 1] = before[place, walk[place]]
    return walk
