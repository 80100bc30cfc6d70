"""Keys over time against annotated clips: ``python -m tests.measure.local_keys --data FOLDER…``.

Each FOLDER holds ``labels.csv`` with ``clip``, ``audio_file`` and ``key``, and ``localkeys/CLIP.lab`` where they
change. Shares of annotated time in the right key, and the MIREX score averaged over that time; beside it the same with
the one key that the front end hears in the whole clip. Clips are dealt alternately into ``choose`` and ``report``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recsys.producers.harmony.chords import harmony
from recsys.producers.harmony.hearing import hear
from recsys.producers.harmony.keys import decoded_keys, key_label, main_key
from recsys.producers.notation import Segments, read_lab
from tests.measure.key import KEYS, estimate, mirex_score, parse

STEP = 0.1  # seconds at which keys are compared
assert len(KEYS) == 24


def truth(folder: Path, row: pd.Series) -> Segments:
    """Annotated keys of a clip; its one key where they don't change."""
    place = folder / "localkeys" / f"{row['clip']}.lab"
    return read_lab(place) if place.exists() else Segments(np.array([[0, row.duration_s]]), [row.key])


def score(true: Segments, found: Segments) -> tuple[float, float, int]:
    """Shares of time in the right key, and MIREX score over time; how many moments were compared."""
    times = np.arange(STEP / 2, true.intervals.max(), STEP)
    points = []
    for time in times:
        mine, theirs = _at(found, time), _at(true, time)
        if theirs is not None:
            points.append(mirex_score(parse(theirs), float("nan") if mine is None else parse(mine)))
    return float(np.equal(points, 1).mean()), float(np.mean(points)), len(points)


def _at(segments: Segments, time: float) -> str | None:
    inside = np.flatnonzero((segments.intervals[:, 0] <= time) & (time < segments.intervals[:, 1]))
    return segments.labels[inside[0]] if len(inside) else None


def measured(folder: Path) -> pd.DataFrame:
    """One row per clip."""
    labels = pd.read_csv(folder / "labels.csv").sort_values("clip", ignore_index=True)
    rows = []
    for place, row in labels.iterrows():
        true, path = truth(folder, row), folder / row.audio_file
        heard = harmony(hear(path))
        found = decoded_keys(heard)
        whole = estimate(path)
        one = [] if np.isnan(whole) else [key_label(int(whole))]
        still = Segments(np.array([[0, row.duration_s]])[: len(one)], one)
        mine, theirs, main = score(true, found), score(true, still), main_key(heard)
        rows.append(
            {
                "part": ("choose", "report")[place % 2],
                "right": mine[0],
                "mirex": mine[1],
                "one key, right": theirs[0],
                "one key, mirex": theirs[1],
                "main key, mirex": mirex_score(parse(row.key), float("nan") if main is None else main),
                "changes": len(found.labels) - 1,
                "true changes": len(true.labels) - 1,
            }
        )
    return pd.DataFrame(rows)


def table(folders: Sequence[Path]) -> pd.DataFrame:
    """Means over clips, per folder and part."""
    rows = []
    for folder in folders:
        whole = measured(folder)
        for part in ("choose", "report", "all"):
            chosen = whole if part == "all" else whole[whole.part == part]
            means = chosen.drop(columns="part").mean().to_dict()
            rows.append({"data": folder.name, "part": part, "n": len(chosen), **means})
    return pd.DataFrame(rows)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    print(table(parser.parse_args().data).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
