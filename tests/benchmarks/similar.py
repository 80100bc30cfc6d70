"""Similar tracks by row, one query at a time on one thread: latency, recall and opening, at three sizes."""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys.index import Index
from recsys.tables import Embeddings
from tests.benchmarks import Row

SIZES = (30_000, 200_000, 1_000_000)
DIMENSIONS, HIDDEN, K, QUERIES = 128, 20, 10, 2_000


def clustered(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors around 1,000 centres in HIDDEN dimensions, turned into DIMENSIONS with a little noise."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((1_000, HIDDEN), dtype=np.float32)
    hidden = centres[rng.integers(0, 1_000, n)] + 0.5 * rng.standard_normal((n, HIDDEN), dtype=np.float32)
    vectors = hidden @ rng.standard_normal((HIDDEN, DIMENSIONS), dtype=np.float32)
    for start in range(0, n, 100_000):
        part = vectors[start : start + 100_000]
        part += 0.2 * rng.standard_normal(part.shape, dtype=np.float32)
    return vectors


def latencies(index: Index, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Milliseconds of each query."""
    spent = np.empty(len(rows))
    for i, row in enumerate(rows):
        start = time.perf_counter()
        index.neighbours(row, K)
        spent[i] = time.perf_counter() - start
    return spent * 1e3


def measure() -> list[Row]:
    """p50, p99 and recall at each size; building, size on disk and opening at the largest."""
    rows: list[Row] = []
    for n in SIZES:
        space = Embeddings.normalised(clustered(n), "collaborative")
        start = time.perf_counter()
        index = Index.build({"collaborative": space}, threads=2)
        built = time.perf_counter() - start
        with tempfile.TemporaryDirectory() as name:
            index.save(Path(name))
            hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in Path(name).glob("*.faiss")}
            size = sum(p.stat().st_size for p in Path(name).iterdir()) / n
            del index, space
            start = time.perf_counter()
            opened = Index.open(Path(name), hashes, threads=1)
            opening = time.perf_counter() - start
            rows += _rows(n, opened, built, opening, size)
    return rows


def _rows(n: int, index: Index, built: float, opening: float, size: float) -> list[Row]:
    sample = np.random.default_rng(1).choice(n, QUERIES, replace=False)
    latencies(index, sample[:100])
    spent = latencies(index, sample)
    recall = index.recall(K, sample[:1_000])
    label, how = f"similar, {n:,} tracks", f"{index.facts()[0]['kind']}, effort {index.facts()[0]['efforts'] or '-'}"
    return [
        Row(f"{label}, p50", float(np.percentile(spent, 50)), "ms", note=how),
        Row(f"{label}, p99", float(np.percentile(spent, 99)), "ms", note=how),
        Row(f"{label}, recall@{K}", recall, "share", note="against exact search"),
        Row(f"{label}, opening", opening, "s", note=f"built in {built:.0f} s, {size:.0f} bytes a track on disk"),
    ]
