"""Chords against annotated clips: ``python -m tests.measure.chords --data FOLDER…``.

Each FOLDER holds ``labels.csv`` with ``clip`` and ``audio_file``, and ``chords/CLIP.lab``. Weighted chord symbol recall
of mir_eval, over major, minor and no chord (``majmin``) and over sevenths, a mean over clips by their annotated time,
with an interval by resampling of pieces. Clips are sorted by name and dealt alternately into ``choose`` and ``report``.
Rendered clips overstate real recordings.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import mir_eval.chord
import numpy as np
import pandas as pd

from recsys.producers.harmony.chords import decoded, harmony
from recsys.producers.harmony.hearing import hear
from recsys.producers.notation import Segments, read_lab

MEASURES = {"majmin": "majmin", "sevenths": "sevenths"}  # measure: vocabulary


def score(truth: Segments, found: Segments, measure: str) -> tuple[float, float]:
    """Seconds right, and seconds that count."""
    intervals, labels = truth.intervals, list(truth.labels)
    kept = intervals[:, 1] > intervals[:, 0]
    intervals, labels = intervals[kept], [label for label, keep in zip(labels, kept, strict=True) if keep]
    given, told = mir_eval.util.adjust_intervals(
        found.intervals, found.labels, intervals.min(), intervals.max(), "N", "N"
    )
    merged, mine, theirs = mir_eval.util.merge_labeled_intervals(intervals, labels, given, told)
    right = getattr(mir_eval.chord, measure)(mine, theirs)
    lengths, counts = mir_eval.util.intervals_to_durations(merged), right >= 0
    return float((lengths * right)[counts].sum()), float(lengths[counts].sum())


def measured(folder: Path) -> pd.DataFrame:
    """One row per clip: part, piece, seconds right and seconds that count of each measure, CPU seconds."""
    labels = pd.read_csv(folder / "labels.csv").sort_values("clip", ignore_index=True)
    rows = []
    for place, row in enumerate(labels.itertuples()):
        truth = read_lab(folder / "chords" / f"{row.clip}.lab")
        before = time.process_time()
        heard = harmony(hear(folder / row.audio_file))
        found = {name: decoded(heard, vocabulary) for name, vocabulary in MEASURES.items()}
        facts = {"clip": row.clip, "part": ("choose", "report")[place % 2], "cpu": time.process_time() - before}
        scores = {f"{name}_{what}": value for name in MEASURES for what, value in
                  zip(("right", "of"), score(truth, found[name], name), strict=True)}  # fmt: skip
        rows.append({**facts, "seconds": row.duration_s, **scores})
    return pd.DataFrame(rows)


def table(folders: Sequence[Path], seed: int = 0) -> pd.DataFrame:
    """Recall of each measure with an interval, per folder and part."""
    rng, rows = np.random.default_rng(seed), []
    for folder in folders:
        whole = measured(folder)
        for part in ("choose", "report", "all"):
            chosen = whole if part == "all" else whole[whole.part == part]
            row = {"data": folder.name, "part": part, "n": len(chosen)}
            for name in MEASURES:
                right, of = (chosen[f"{name}_{what}"].to_numpy() for what in ("right", "of"))
                draws = rng.integers(len(chosen), size=(1000, len(chosen)))
                low, high = np.quantile(right[draws].sum(1) / of[draws].sum(1), [0.025, 0.975])
                row |= {name: right.sum() / of.sum(), f"{name}_95": f"{low:.3f}–{high:.3f}"}
            rows.append({**row, "× real time": chosen.seconds.sum() / chosen.cpu.sum()})
    return pd.DataFrame(rows)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    given = parser.parse_args()
    print(table(given.data).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
