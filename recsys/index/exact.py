"""Exact search, the truth: every score is computed, and the best are kept while a tile is still in cache."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.errors import DataError
from recsys.index import kernels
from recsys.index.filters import Lists, allowed_rows, is_few, named
from recsys.tables import TopK

USERS, TRACKS = 512, 512  # one tile of scores: 1 MB, so that it is scanned from the cache it was written to
LONGEST = USERS * 1000  # list places in one tile of users; longer lists make it narrower
Fill = Callable[[slice, slice, NDArray[np.float32]], None]
Allow: TypeAlias = NDArray[Any] | None
Exclude: TypeAlias = sp.csr_array | NDArray[Any] | Lists | None


def top_k(
    queries: NDArray[np.float32],
    vectors: NDArray[np.float32],
    k: int,
    *,
    exclude: Exclude = None,
    allow: Allow = None,
    threads: int = 2,
) -> TopK:
    """The k vectors with the largest inner product for each query; equal scores by lower row.

    The answer doesn't depend on ``threads``. Scores that are NaN or −inf are never returned.

    Args:
        queries: float32, shape (q, d).
        vectors: float32, shape (n, d).
        k: list length; lists with fewer candidates end in row −1 and score −inf.
        exclude: tracks that a query must not get: the stored entries of a CSR (q, n), or rows (q, m) padded with −1.
        allow: the only tracks that anyone may get: a bool mask (n,) or rows.
        threads: workers, each with one BLAS thread.

    Raises:
        DataError: shapes that don't fit, rows out of range, or k < 1.

    >>> lists = top_k(np.eye(2, dtype=np.float32), np.array([[1, 0], [.5, 2], [1, 1]], dtype=np.float32), 2)
    >>> lists.rows
    array([[0, 2],
           [1, 2]], dtype=int32)
    """
    queries, vectors = _matrix(queries, "queries"), _matrix(vectors, "vectors")
    if queries.shape[1] != vectors.shape[1]:
        raise DataError(f"queries {queries.shape} and vectors {vectors.shape}; expected the same number of columns")
    count = len(queries)
    rows = allowed_rows(allow, len(vectors))
    lists = Lists.of(exclude, count, len(vectors))
    if rows is not None and (is_few(len(rows), len(vectors)) or count >= USERS):
        few = top_k(queries, vectors[rows], k, exclude=lists and lists.relabelled(rows, len(vectors)), threads=threads)
        return TopK(named(few.rows, rows), few.scores)

    def fill(users: slice, tracks: slice, out: NDArray[np.float32]) -> None:
        np.matmul(queries[users], vectors[tracks].T, out=out)

    with one_blas_thread():
        return _search(fill, count, len(vectors), k, lists, _blocked(rows, len(vectors)), threads)


def select(
    scores: NDArray[np.float32], k: int, *, exclude: Exclude = None, allow: Allow = None, threads: int = 2
) -> TopK:
    """The k largest of each row of scores that exist already; otherwise as ``top_k``.

    >>> select(np.array([[.1, .9, .9]], dtype=np.float32), 2, allow=np.array([0, 2])).rows
    array([[2, 0]], dtype=int32)
    """
    scores = _matrix(scores, "scores")
    count, n = scores.shape

    def fill(users: slice, tracks: slice, out: NDArray[np.float32]) -> None:
        np.copyto(out, scores[users, tracks])

    return _search(fill, count, n, k, Lists.of(exclude, count, n), _blocked(allowed_rows(allow, n), n), threads)


def _search(
    fill: Fill, count: int, n: int, k: int, exclude: Lists | None, blocked: NDArray[np.bool_], threads: int
) -> TopK:
    """Share tiles of users out over workers; the tiles don't depend on the number of workers."""
    if k < 1:
        raise DataError(f"k = {k}; expected at least 1")
    answer = TopK.empty(count, k)
    lists = exclude or Lists.empty(count)

    kept = min(k, n)
    step = max(1, min(USERS, LONGEST // k))

    def work(first: int) -> None:
        users = slice(first, min(first + step, count))
        answer.rows[users, :kept], answer.scores[users, :kept] = _tile_of_users(fill, users, n, kept, lists, blocked)

    starts = range(0, count, step)
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, starts))
    else:
        for first in starts:
            work(first)
    return answer


def _tile_of_users(
    fill: Fill, users: slice, n: int, k: int, exclude: Lists, blocked: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    size = users.stop - users.start
    wide = TRACKS * (USERS // size)  # few users: longer tiles of the same area, so that calls cost nothing
    shape = (size, min(wide, -(-max(n, 1) // kernels.LANES) * kernels.LANES))
    area = np.empty(shape, np.float32)
    keys = np.empty((size, k + max(k, 2 * kernels.LANES)), np.int64)
    floors = np.full(size, -np.inf, np.float32)
    state = (np.zeros(size, np.int64), floors, floors.view(np.int32))
    cursor, stop = exclude.indptr[users].copy(), exclude.indptr[users.start + 1 : users.stop + 1]
    for first in range(0, n, shape[1]):
        last = min(first + shape[1], n)
        area[:, last - first :] = -np.inf
        fill(users, slice(first, last), area[:, : last - first])
        tile = area.reshape(size, -1, kernels.LANES)
        kernels.scan(tile, tile.view(np.int32), first, cursor, stop, exclude.indices, blocked, keys, state, k)
    kernels.finish(keys, state[0], k)
    return kernels.decode(keys[:, :k])


def _matrix(values: NDArray[Any], name: str) -> NDArray[np.float32]:
    values = np.asarray(values, dtype=np.float32)
    if values.ndim != 2:
        raise DataError(f"{name} have shape {values.shape}; expected two dimensions")
    return values


def _blocked(rows: NDArray[np.int32] | None, n: int) -> NDArray[np.bool_]:
    if rows is None:
        return np.empty(0, np.bool_)
    blocked = np.ones(n, np.bool_)
    blocked[rows] = False
    return blocked
