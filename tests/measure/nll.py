"""Nats per step of sets of rolls: python -m tests.measure.nll FOLDER_OF_NPZ --out RESULTS [--seeds 5] [--arms tied].

One model per set, learned from its train part, stopped by its valid part. A row (set, arm, seed, shift) that is done is
not done again, and one that was killed goes on; so it can be run a row at a time (--rows 1).
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product
from pathlib import Path

import numpy as np

from recsys import api

SETS = ("JSB_Chorales", "Nottingham", "MuseData", "Piano_midi")
PUBLISHED = {"JSB_Chorales": 5.56, "Nottingham": 2.31, "MuseData": 5.60, "Piano_midi": 7.05}  # RNN-NADE
WANTED = {"JSB_Chorales": 5.15, "Nottingham": 2.31, "MuseData": 5.60, "Piano_midi": 7.05}


def learned(folder: Path, out: Path, name: str, arm: str, shift: int, seed: int, threads: int) -> dict[str, float]:
    """What one row found."""
    place = out / f"{name}-{arm}-{shift}-{seed}"
    if not (place / "metrics.json").is_file():
        began = time.process_time()
        words = {} if arm == "usual" else {"arm": arm}
        said = {"out": place, "seed": seed, "threads": threads, "shift": shift or None, "progress": told}
        api.learn_generation(rolls=folder / f"{name}.npz", **said, **words)
        (place.parent / f"{place.name}.cpu").write_text(str(time.process_time() - began))
    found = json.loads((place / "metrics.json").read_text())
    spent = out / f"{place.name}.cpu"
    return {**found, "cpu": float(spent.read_text()) if spent.is_file() else float("nan")}


def told(what: str, done: int, total: int) -> None:
    """Progress of a row."""
    print(f"  {done}/{total} {what}", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--sets", nargs="+", default=SETS)
    asked.add_argument("--arms", nargs="+", default=["usual"])
    asked.add_argument("--shifts", nargs="+", type=int, default=[0])
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--rows", type=int, default=10**9, help="new rows at most")
    asked.add_argument("--threads", type=int, default=1)
    given = asked.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rows: dict[tuple[str, str, int], list[dict[str, float]]] = {}
    left = given.rows
    for name, arm, shift, seed in product(given.sets, given.arms, given.shifts, range(given.seeds)):
        done = (given.out / f"{name}-{arm}-{shift}-{seed}" / "metrics.json").is_file()
        if not done and left <= 0:
            continue
        left -= not done
        print(name, arm, shift, seed, flush=True)
        found = learned(given.folder, given.out, name, arm, shift, seed, given.threads)
        rows.setdefault((name, arm, shift), []).append(found)
    print("| set | arm | moved by | seeds | valid nats per step | RNN-NADE | asked | epochs | CPU s |\n|" + "---|" * 9)
    for (name, arm, shift), found in rows.items():
        values = np.array([one["valid_nll"] for one in found])
        spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        epochs, cpu = (np.mean([one[what] for one in found]) for what in ("epochs", "cpu"))
        print(f"| {name} | {arm} | {shift} | {len(values)} | {values.mean():.3f}{spread} | {PUBLISHED[name]} | "
              f"{WANTED[name]} | {epochs:.0f} | {cpu:.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
