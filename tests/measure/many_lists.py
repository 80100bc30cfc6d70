"""Lists per second: all listeners of a sample world times some recipes, as Parquet parts, by two processes.

Run: python -m tests.measure.many_lists --folder /tmp/nights [--tracks 2000 --listeners 300 --workers 2]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd

from recsys import api
from recsys.engine import Engine
from recsys.listing import Desk, make
from recsys.playlists.recipes import parse_recipe
from tests.measure.nights import world

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


def processor() -> float:
    """Seconds of processor time of this process and of those it waited for."""
    told = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in told)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--tracks", type=int, default=2000)
    options.add_argument("--listeners", type=int, default=300)
    options.add_argument("--sample", type=int, default=300, help="listeners that lists are made for")
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    bundle = world(given.folder, given.tracks, given.listeners)
    engine = Engine.open(bundle)
    recipes = given.folder / "recipes.toml"
    recipes.write_text(RECIPES.format(seed=engine.most_played(1)[0]))
    out = given.folder / "many"
    shutil.rmtree(out, ignore_errors=True)
    told = {
        "recipes": recipes,
        "bundle": bundle,
        "listeners": engine.users.ids[: given.sample].tolist(),
        "batch": True,
        "time": engine.listening.newest,
    }
    started, before = time.perf_counter(), processor()
    made = api.playlist_run(**told, out=out / "parts", ledger=out / "ledger", workers=given.workers)
    seconds, spent = time.perf_counter() - started, processor() - before
    lists, rows = made.facts["playlists"], pd.read_parquet(out / "parts")
    print(f"{lists} lists, {len(rows) / lists:.1f} tracks each, of {given.tracks} tracks")
    print(f"{lists / seconds:.1f} lists/s by {given.workers} processes, start included ({seconds:.1f} s)")
    print(f"{1000 * spent / lists:.0f} ms of processor time per list, start included")
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
