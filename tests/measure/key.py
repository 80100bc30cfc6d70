"""Keys against annotated clips: ``python -m tests.measure.key --data FOLDER… [--librosa]``.

Each FOLDER holds ``labels.csv`` with ``audio_file`` and ``key`` (as ``C:maj``). Clips are sorted by name and dealt
alternately into the parts ``choose`` (for design) and ``report``; a column tells them apart. The key is that of the
whole path of the program: windows of at most 30 s, described and merged. ``--librosa`` measures librosa's CQT chroma
with Krumhansl's profiles in the same way. Rendered clips overstate real recordings.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recsys.audio import tonal
from recsys.audio.decode import windows
from recsys.audio.spectra import Spectra

KEYS = [tonal.key_name(key) for key in range(24)]
SPELLINGS = {"Db": "C#", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb", "Cb": "B", "Fb": "E", "E#": "F", "B#": "C"}
KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
RELATIONS = ("same", "fifth", "relative", "parallel", "other")
POINTS = dict(zip(RELATIONS, (1.0, 0.5, 0.3, 0.2, 0.0), strict=True))


def relation(true: int, found: float) -> str:
    """What a found key is to the true one, by the rules of MIREX audio key detection."""
    if math.isnan(found):
        return "other"
    steps, same_mode = (int(found) - true) % 12, (found < 12) == (true < 12)
    if same_mode:
        return {0: "same", 7: "fifth"}.get(steps, "other")
    return {0: "parallel", 9 if true < 12 else 3: "relative"}.get(steps, "other")


def mirex_score(true: int, found: float) -> float:
    """1 for the same key, .5 a fifth above, .3 relative, .2 parallel, else 0; 0 when unknown."""
    return POINTS[relation(true, found)]


def parse(label: str) -> int:
    """The number of a key written as ``Eb:min``."""
    tonic, mode = label.split(":")
    return tonal.PITCH_NAMES.index(SPELLINGS.get(tonic, tonic)) + (12 if mode.startswith("min") else 0)


def estimate(path: Path) -> float:
    """The key of one file, NaN when unknown."""
    return tonal.merge([tonal.describe(Spectra(sound)) for sound in windows(path)]).values["key"]


def estimate_by_librosa(path: Path) -> float:
    """The key of one file by the mean of librosa's CQT chroma and the correlation with Krumhansl's profiles."""
    import librosa

    chroma = np.mean([librosa.feature.chroma_cqt(y=s.samples, sr=s.rate).mean(axis=1) for s in windows(path)], axis=0)
    fits = [np.corrcoef(chroma, np.roll(profile, tonic))[0, 1] for profile in KRUMHANSL for tonic in range(12)]
    return float(np.argmax(fits))


def measured(folder: Path, estimate: Callable[[Path], float]) -> pd.DataFrame:
    """One row per clip: part, relation and points."""
    labels = pd.read_csv(folder / "labels.csv").sort_values("clip", ignore_index=True)
    found = [relation(parse(row.key), estimate(folder / row.audio_file)) for row in labels.itertuples()]
    parts = np.where(np.arange(len(labels)) % 2 == 0, "choose", "report")
    return pd.DataFrame({"part": parts, "relation": found, "points": [POINTS[name] for name in found]})


def table(folders: Sequence[Path], estimate: Callable[[Path], float]) -> pd.DataFrame:
    """Weighted score and shares of each relation, per folder and part."""
    rows = []
    for folder in folders:
        whole = measured(folder, estimate)
        for part in ("choose", "report", "all"):
            chosen = whole if part == "all" else whole[whole.part == part]
            shares = {name: (chosen.relation == name).mean() for name in RELATIONS}
            rows.append({"data": folder.name, "part": part, "n": len(chosen), "mirex": chosen.points.mean(), **shares})
    return pd.DataFrame(rows)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--librosa", action="store_true")
    given = parser.parse_args()
    chosen = estimate_by_librosa if given.librosa else estimate
    print(table(given.data, chosen).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
