"""Lists per second: all listeners of a sample world times some recipes, as Parquet parts, killed and resumed.

Run: python -m tests.measure.many_lists --folder /tmp/nights [--tracks 2000 --listeners 300 --workers 2]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from recsys.engine import Engine
from recsys.listing import Desk, make
from recsys.playlists.recipes import parse_recipe
from tests.measure.nights import world

KEYS = ["listener", "name"]
RECIPES = """version = 1
[defaults]
n = 50
not_heard_days = 0
[recipe.daily]
kind = "mix"
mixes = 3
[recipe.weekly]
kind = "discover"
[recipe.radio]
kind = "radio"
seeds = ["{seed}"]
"""


class Spent(NamedTuple):
    """What a run took: seconds, seconds of processor time of all its processes, peak memory of the largest in MB."""

    seconds: float
    processor: float
    memory: float


def spent(words: list[str], *, killed_at: int | None = None, parts: Path) -> Spent:
    """Run a command; with ``killed_at`` only until so many parts are there, then it is killed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        time.sleep(0.2)
        if killed_at is not None and len(list(parts.glob("part-*.parquet"))) >= killed_at:
            process.kill()
    if killed_at is None and process.wait():
        raise SystemExit(f"{' '.join(words)} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.perf_counter() - started, busy, after.ru_maxrss / 1024)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--tracks", type=int, default=2000)
    options.add_argument("--listeners", type=int, default=300)
    options.add_argument("--recipes", nargs="*", default=["daily", "weekly", "radio"])
    options.add_argument("--killed-at", type=int, default=1, help="parts that are there when the first run is killed")
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    bundle = world(given.folder, given.tracks, given.listeners)
    engine = Engine.open(bundle)
    recipes, out = given.folder / "recipes.toml", given.folder / "many"
    recipes.write_text(RECIPES.format(seed=engine.most_played(1)[0]))
    shutil.rmtree(out, ignore_errors=True)
    parts = out / "parts"
    told = {"recipes": recipes, "bundle": bundle, "out": parts, "ledger": out / "ledger", "workers": given.workers}
    words = [sys.executable, "-m", "recsys", "playlist", "run", *given.recipes, "--for", "all", "--batch"]
    words += [str(word) for name, value in told.items() for word in (f"--{name}", value)]
    spent(words, killed_at=given.killed_at, parts=parts)
    there = {path.name: path.stat().st_mtime_ns for path in parts.glob("part-*.parquet")}
    kept = sum(len(pd.read_parquet(parts / name)[KEYS].drop_duplicates()) for name in there)
    second = spent([*words, "--resume"], parts=parts)
    again = {name: (parts / name).stat().st_mtime_ns for name in there}
    rows = pd.read_parquet(parts)
    lists = len(rows[KEYS].drop_duplicates())
    print(f"{lists} lists for {rows['listener'].nunique()} listeners, {len(rows) / lists:.1f} tracks each")
    print(f"killed after {kept} lists, which the second run left alone: {again == there}")
    made = lists - kept
    print(f"second run: {made / second.seconds:.1f} lists/s by {given.workers} processes ({second.seconds:.1f} s)")
    print(f"{1000 * second.processor / made:.0f} ms of processor time per list; largest process {second.memory:.0f} MB")
    desk = Desk(engine, now=float(engine.listening.newest or 0))
    times = []
    for user in engine.users.ids[:30]:
        who = desk.listener(user)
        started = time.perf_counter()
        make(desk, "one", parse_recipe({"kind": "discover", "n": 50}), who)
        times.append(1000 * (time.perf_counter() - started))
    print(f"one list of 50: {np.median(times[1:]):.0f} ms at the median, {np.max(times[1:]):.0f} at most")


if __name__ == "__main__":
    main()
