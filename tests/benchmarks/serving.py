"""The server under load from a second process: ``python -m tests.benchmarks serving``, or with bundles that are there.

``python -m tests.benchmarks.serving MILLION [HUNDRED]`` measures folders that ``serving_world`` wrote before; without
any they are made first, which takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import numpy as np

from recsys import bundle
from recsys.engine import Engine
from recsys.manifest import write_bytes
from tests.benchmarks import Row
from tests.benchmarks.load import Load
from tests.benchmarks.serving_world import hundred, million, track_id

RATE, SECONDS, CONNECTIONS = 850.0, 20.0, 32
SWAPPING, SWAPS = 60.0, 5
ASKED = 2_000
HISTORY = 30


class Server(NamedTuple):
    """One that runs: where, how long until it was ready, and its process."""

    port: int
    seconds: float
    process: int

    def megabytes(self) -> float:
        """Its memory now, mapped pages included."""
        with open(f"/proc/{self.process}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


@contextmanager
def server(path: Path) -> Iterator[Server]:
    """``recsys serve`` in a process of its own, ready."""
    words = [sys.executable, "-m", "recsys", "serve", str(path), "--port", "0"]
    started = time.perf_counter()
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        port = next(
            int(found[1]) for line in process.stderr if (found := re.search(r"listening on http://.*:(\d+)", line))
        )
        while httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False).status_code != 200:
            time.sleep(0.01)
        yield Server(port, time.perf_counter() - started, process.pid)
    finally:
        process.terminate()
        process.communicate()


def load(port: int, requests: list[Any], seconds: float, rate: float, connections: int = CONNECTIONS) -> Load:
    """Ask from another process."""
    words = [sys.executable, "-m", "tests.benchmarks.load", str(port), str(seconds), str(rate), str(connections)]
    ran = subprocess.run(words, input=json.dumps(requests), capture_output=True, text=True, check=True)
    return Load(**json.loads(ran.stdout))


def measure(near: Path | None = None, taste: Path | None = None) -> list[Row]:
    """All of it."""
    with TemporaryDirectory() as name:
        near = near or million(Path(name) / "million")
        rows = [*_engine(near), *_similar(near), *_swaps(near, Path(name))]
        taste = taste or hundred(Path(name) / "hundred")
        return [*rows, *_recommend(taste)]


def _engine(path: Path) -> list[Row]:
    """The part of an answer that is not HTTP, in this process."""
    from recsys.serving.answers.library import Library
    from recsys.serving.answers.similar import Near, similar
    from recsys.serving.live import opened
    from recsys.settings import Settings

    stand = opened(bundle.resolve(path), Library([]), Settings())
    spent = np.empty(ASKED)
    for i, track in enumerate(_tracks(len(stand.tracks), ASKED)):
        start = time.perf_counter()
        similar(stand, Near(track))
        spent[i] = time.perf_counter() - start
    middle, late = np.percentile(spent[100:], [50, 99]) * 1e3
    note = f"{len(stand.tracks):,} tracks x 128, top 10 with titles and reasons"
    return [Row("/similar, engine part, p50", middle, "ms", note=note), Row("/similar, engine part, p99", late, "ms")]


def _similar(path: Path) -> list[Row]:
    with server(path) as one:
        requests = [f"/similar/{track}" for track in _tracks(len(Engine.open(path).tracks), ASKED)]
        before = one.megabytes()
        load(one.port, requests, 2, 0, 8)
        most = load(one.port, requests, SECONDS, 0, 8)
        steady = load(one.port, requests, SECONDS, RATE)
        rows = [
            Row("serve, start to ready", one.seconds, "s", note="the command, cold process, files in the page cache"),
            Row("serve, memory when ready", before, "MB", note="resident, mapped pages included"),
            Row("serve, memory after the load", one.megabytes(), "MB"),
        ]
    return [
        *rows,
        *_told("/similar", steady, f"open loop at {RATE:g}/s"),
        *_told("/similar", most, "8 connections, closed"),
    ]


def _recommend(path: Path) -> list[Row]:
    """Histories that are folded in, and listeners that are known; the ranker orders both."""
    rng, tracks = np.random.default_rng(2), len(Engine.open(path).tracks)
    folded = [
        ["/recommend", {"history": [{"track": track_id(int(t))} for t in rng.integers(0, tracks, HISTORY)], "n": 20}]
        for _ in range(200)
    ]
    known = [f"/recommend/{user}?n=20" for user in rng.choice(Engine.open(path).users.ids, 200)]
    rows = []
    with server(path) as one:
        for name, requests in (("/recommend, fold-in and ranker", folded), ("/recommend, known, ranker", known)):
            load(one.port, requests, 3, 0, 1)
            rows += _told(name, load(one.port, requests, SECONDS, 0, 1), f"{tracks:,} tracks, 1 connection, closed")
            rows += _told(name, load(one.port, requests, SECONDS, 10, 8), f"{tracks:,} tracks, open loop at 10/s")
    return rows


def _swaps(path: Path, folder: Path) -> list[Row]:
    """Load while CURRENT moves between two bundles of the same content."""
    first = bundle.resolve(path)
    names = [f"2026010{i}T000000Z-0000000{i}" for i in (1, 2)]
    for name in names:
        shutil.copytree(first, folder / "two" / name, copy_function=os.link)
    write_bytes(folder / "two" / bundle.CURRENT, f"{names[0]}\n".encode())
    requests = [f"/similar/{track}" for track in _tracks(len(Engine.open(path).tracks), ASKED)]
    with server(folder / "two") as one:

        def swap() -> None:
            for i in range(SWAPS):
                time.sleep(SWAPPING / (SWAPS + 1))
                write_bytes(folder / "two" / bundle.CURRENT, f"{names[(i + 1) % 2]}\n".encode())

        thread = threading.Thread(target=swap)
        thread.start()
        found = load(one.port, requests, SWAPPING, 200.0)
        thread.join()
        text = httpx.get(f"http://127.0.0.1:{one.port}/metrics", trust_env=False).text
        done = re.search(r'swaps_total\{result="ok"\} (\d+)', text)
    note = f"{done[1] if done else 0} swaps in {SWAPPING:g} s, {found.answers:,} requests at 200/s"
    return [
        Row("swaps under load, failed requests", found.failed, "", note=note),
        Row("swaps under load, p99", found.p99, "ms", note=f"longest {found.longest:.0f} ms"),
    ]


def _told(name: str, found: Load, note: str) -> list[Row]:
    note = f"{note}; {found.answers:,} answers, {found.failed} failed, longest {found.longest:.1f} ms"
    return [
        Row(f"{name}, rate", found.rate, "1/s", note=note),
        Row(f"{name}, p50", found.p50, "ms"),
        Row(f"{name}, p99", found.p99, "ms"),
    ]


def _tracks(total: int, count: int) -> list[str]:
    return [track_id(int(i)) for i in np.random.default_rng(1).integers(0, total, count)]


if __name__ == "__main__":
    for row in measure(*map(Path, sys.argv[1:])):
        print(f"{row.name:<48} {row.value:>12,.3f} {row.unit:<4} {row.note}")
