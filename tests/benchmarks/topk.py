"""Batch top-100 of 100,000 tracks × 128 dimensions: ours against implicit.recommend, with the GEMM limit beside it."""

from __future__ import annotations

import resource
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recsys.index import exact
from recsys.tables import TopK
from tests.benchmarks import Row

USERS, TRACKS, DIMENSIONS, K, THREADS, ROUNDS = 20_000, 100_000, 128, 100, 2, 3
T = TypeVar("T")
NOMINAL = 100_000  # users of the memory check


def world(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32], sp.csr_array]:
    """Vectors whose lengths spread as popularity does, and 100 to 200 seen tracks per user."""
    rng = np.random.default_rng(seed)
    users = rng.standard_normal((USERS, DIMENSIONS), dtype=np.float32)
    tracks = rng.standard_normal((TRACKS, DIMENSIONS), dtype=np.float32)
    tracks *= rng.lognormal(-2, 0.4, (TRACKS, 1)).astype(np.float32)
    seen = rng.integers(100, 201, USERS)
    owner = np.repeat(np.arange(USERS), seen)
    track = (TRACKS * rng.random(len(owner)) ** 2).astype(np.int64)
    matrix = sp.csr_array((np.ones(len(owner), np.float32), (owner, track)), shape=(USERS, TRACKS))
    matrix.sum_duplicates()
    return users, tracks, matrix


def theirs(
    users: NDArray[np.float32], tracks: NDArray[np.float32], seen: sp.csr_array
) -> Callable[[], tuple[NDArray[np.int32], NDArray[np.float32]]]:
    """implicit's batch recommend on the same vectors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from implicit.cpu.als import AlternatingLeastSquares
    model = AlternatingLeastSquares(factors=DIMENSIONS, num_threads=THREADS)
    model.user_factors, model.item_factors = users, tracks
    ids, plain = np.arange(USERS), sp.csr_matrix(seen)
    return lambda: model.recommend(ids, plain, N=K, filter_already_liked_items=True)


def gemm_only(users: NDArray[np.float32], tracks: NDArray[np.float32]) -> None:
    """The matrix product alone, in the same tiles: no top-100 by products of all pairs can be faster."""

    def work(first: int) -> None:
        some = users[first : first + exact.USERS]
        area = np.empty((len(some), exact.TRACKS), np.float32)
        for start in range(0, TRACKS, exact.TRACKS):
            part = tracks[start : start + exact.TRACKS]
            np.matmul(some, part.T, out=area[:, : len(part)])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(0, len(users), exact.USERS)))


def same_lists(ours: TopK, rows: NDArray[np.int32], scores: NDArray[np.float32]) -> float:
    """Share of places with the same track, or with scores that differ by rounding only."""
    close = np.isclose(ours.scores, scores, rtol=1e-5, atol=1e-5)
    return float(((ours.rows == rows) | close).mean())


def peak_bytes(users: NDArray[np.float32], tracks: NDArray[np.float32], seen: sp.csr_array) -> int:
    """Largest resident set of this process so far, after lists for NOMINAL users were made and kept."""
    parts = [exact.top_k(users, tracks, K, exclude=seen, threads=THREADS) for _ in range(NOMINAL // USERS)]
    assert sum(len(p) for p in parts) == NOMINAL
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure() -> list[Row]:
    """Users per second, the two alternated in one run; the best round of each counts."""
    users, tracks, seen = world()
    peak = peak_bytes(users, tracks, seen)
    recommend = theirs(users, tracks, seen)
    spent: dict[str, list[float]] = {"ours": [], "implicit": [], "gemm": []}
    with threadpool_limits(1, user_api="blas"):
        for _ in range(ROUNDS):
            ours, a = _timed(lambda: exact.top_k(users, tracks, K, exclude=seen, threads=THREADS))
            (rows, scores), b = _timed(recommend)
            _, c = _timed(lambda: gemm_only(users, tracks))
            for name, seconds in zip(spent, (a, b, c), strict=True):
                spent[name].append(seconds)
    rate = {name: USERS / min(times) for name, times in spent.items()}
    shape = f"{TRACKS:,} tracks x {DIMENSIONS}, {THREADS} threads"
    return [
        Row("top-100, batch", rate["ours"], "users/s", "implicit.recommend", rate["implicit"],
            rate["ours"] / rate["implicit"], shape),
        Row("top-100, GEMM alone", rate["gemm"], "users/s", "ours", rate["ours"], rate["ours"] / rate["gemm"],
            "the limit; ratio = share of it that we reach"),
        Row("top-100, same places as implicit up to ties", same_lists(ours, rows, scores), "share"),
        Row("top-100, peak memory", peak / 1e9, "GB", note=f"whole process, {NOMINAL:,} users x {shape}"),
    ]  # fmt: skip


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return call(), time.perf_counter() - start
