"""Ingest of a 20 M row Parquet log: seconds and peak memory, against plain pandas in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks import Row

ROWS, USERS, TRACKS, CHUNK = 20_000_000, 200_000, 100_000, 1 << 20
ROUNDS = 2
TAIL = """
import json, resource
seconds = time.perf_counter() - start
scale = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e9
print(json.dumps([seconds, peak, *shape, nnz]))
"""
OURS = """
import sys, time
start = time.perf_counter()
from recsys.sources import gather
gathered = gather([sys.argv[1]])
shape, nnz = gathered.dataset.plays.shape, len(gathered.dataset.plays) + gathered.counts["duplicates"]
"""
PEER = """
import sys, time
start = time.perf_counter()
import numpy as np, pandas as pd, scipy.sparse as sp
log = pd.read_parquet(sys.argv[1])
user, users = pd.factorize(log.user_id, sort=True)
track, tracks = pd.factorize(log.track_id, sort=True)
made = sp.csr_array((np.ones(len(log), np.float32), (user, track)), shape=(len(users), len(tracks)))
shape, nnz = made.shape, len(log)
"""


def measure() -> list[Row]:
    """Integer and string ids, ours and the peer in turn, each in a process of its own."""
    rows: list[Row] = []
    for kind in ("integer", "string"):
        with TemporaryDirectory() as folder:
            log = Path(folder, "plays.parquet")
            write_log(log, kind)
            runs = [(_run(OURS, log), _run(PEER, log)) for _ in range(ROUNDS)]
        assert all(ours[2:] == peer[2:] for ours, peer in runs), runs
        ours, peer = (min(run[side] for run in runs) for side in (0, 1))
        note = f"{ROWS:,} rows, {kind} ids, with times; start of Python included"
        for place, name, unit in ((0, "seconds", "s"), (1, "peak", "GB")):
            value, other = ours[place], peer[place]
            rows.append(Row(f"ingest {kind} ids {name}", value, unit, "pandas to CSR", other, other / value, note))
    return rows


def write_log(path: Path, kind: str, rows: int = ROWS) -> None:
    """A power-law log, written piece by piece: popularity and activity fall like rank to the −0.8."""
    rng = np.random.default_rng(0)
    users, tracks = (np.cumsum(np.arange(1, n + 1) ** -0.8) for n in (USERS, TRACKS))
    names = pa.array([f"{n:032x}" for n in rng.permutation(USERS + TRACKS)])
    with pq.ParquetWriter(path, _piece(rng, users, tracks, names, kind, 1).schema) as writer:
        for start in range(0, rows, CHUNK):
            writer.write_table(_piece(rng, users, tracks, names, kind, min(CHUNK, rows - start)))


def _piece(
    rng: np.random.Generator, users: np.ndarray, tracks: np.ndarray, names: pa.Array, kind: str, n: int
) -> pa.Table:
    user = np.searchsorted(users / users[-1], rng.random(n))
    track = np.searchsorted(tracks / tracks[-1], rng.random(n))
    time = rng.integers(1_600_000_000, 1_700_000_000, n)
    if kind == "integer":
        return pa.table({"user_id": user, "track_id": track, "timestamp": time})
    return pa.table(
        {"user_id": names.take(pa.array(user)), "track_id": names.take(pa.array(USERS + track)), "timestamp": time}
    )


def _run(script: str, log: Path) -> list[float]:
    done = subprocess.run([sys.executable, "-c", script + TAIL, str(log)], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))
