"""The commands on 100 k listeners x 100 k tracks with genres and numbers of tracks: wall time and peak memory.

The log is made by code (see ``ials.planted``); genres and numbers are drawn at random, so they cost time and say
nothing. Nothing is chosen beforehand: every command runs with its defaults.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from tests.benchmarks import Row
from tests.benchmarks.ials import planted

USERS, TRACKS, DRAWS, GENRES, NUMBERS = 100_000, 100_000, 33_000_000, 60, 8


def measure() -> list[Row]:
    """Write the log, then each command in a process of its own."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        plays = _write(folder)
        steps = {
            "ingest": f"ingest --plays {folder}/plays.parquet --tracks {folder}/tracks.parquet --out {folder}/t",
            "train, everything by default": f"train --tables {folder}/t --out {folder}/b",
        }
        return [row for step, words in steps.items() for row in _timed(step, words.split(), plays)]


def _write(folder: Path) -> int:
    """The log and its tracks; returns how many rows of plays there are."""
    rng = np.random.default_rng(0)
    matrix = planted(0, USERS, TRACKS, DRAWS, judges=1).train.tocoo()
    pd.DataFrame({"user_id": matrix.row, "track_id": matrix.col, "count": matrix.data}).to_parquet(
        folder / "plays.parquet"
    )
    genre = rng.integers(0, GENRES, TRACKS)
    centres = rng.normal(size=(GENRES, NUMBERS))
    values = centres[genre] + rng.normal(size=(TRACKS, NUMBERS))
    numbers = {f"trait_{n}": values[:, n] for n in range(NUMBERS)}
    names = {"artist": [f"artist {a}" for a in rng.integers(0, TRACKS // 8, TRACKS)]}
    genres = [[f"genre {g}"] for g in genre]
    pd.DataFrame({"track_id": np.arange(TRACKS), **names, "genre": genres, **numbers}).to_parquet(
        folder / "tracks.parquet"
    )
    return int(matrix.nnz)


def _timed(step: str, words: list[str], plays: int) -> list[Row]:
    """Wall seconds and peak memory of one command."""
    started = time.perf_counter()
    process = subprocess.Popen([str(Path(sys.executable).with_name("recsys")), "-q", *words])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"recsys {' '.join(words)} ended with {process.returncode}")
    note = f"{USERS:,} listeners x {TRACKS:,} tracks, {plays:,} rows, genres and numbers"
    return [
        Row(f"large log: {step}", time.perf_counter() - started, "s", note=note),
        Row(f"large log: {step}, peak memory", usage.ru_maxrss / 2**20, "GiB", note=note),
    ]
