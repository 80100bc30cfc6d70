"""Onsets, beats and tempo against annotated clips: ``python -m tests.measure.rhythm --data FOLDER``.

FOLDER holds ``bock_onsets``, ``pop909``, ``asap`` and ``nottingham``, each with ``labels.csv`` (``clip``,
``audio_file``, ``tempo_bpm`` …), ``onsets/CLIP.onsets`` or ``beats/CLIP.csv``. Clips are sorted by song and dealt
alternately into the parts ``choose`` (for design) and ``report``. Rendered clips overstate real recordings.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from recsys.audio.rhythm import hear
from recsys.evaluation import interval
from tests.measure.rhythm_metrics import f_measure, tempo_hit

Times = NDArray[np.floating]
SONG = {"bock_onsets": "clip", "pop909": "source_song", "asap": "title", "nottingham": "source_file"}


class Estimate(NamedTuple):
    """What an estimator says of one clip: times in seconds, beats per minute."""

    onsets: Times | None
    beats: Times
    downbeats: Times | None
    bpm: float


class Clip(NamedTuple):
    """One annotated clip; what is not annotated is None or NaN."""

    name: str
    path: Path
    onsets: Times | None
    beats: Times | None
    downbeats: Times | None
    bpm: float


def clips(folder: Path, part: str) -> Iterator[Clip]:
    """The clips of one data set that belong to ``part``: choose, report or all."""
    labels = pd.read_csv(folder / "labels.csv").sort_values([SONG[folder.name], "clip"])
    songs = {song: place % 2 for place, song in enumerate(labels[SONG[folder.name]].unique())}
    for row in labels.to_dict("records"):
        if part == "all" or part == ("choose", "report")[songs[row[SONG[folder.name]]]]:
            name = str(row["clip"])
            onsets, beats = folder / "onsets" / f"{name}.onsets", folder / "beats" / f"{name}.csv"
            yield Clip(
                name,
                folder / row["audio_file"],
                np.loadtxt(onsets, ndmin=1) if onsets.exists() else None,
                *(_beats(beats) if beats.exists() else (None, None)),
                float(row.get("tempo_bpm", np.nan)),
            )


def _beats(path: Path) -> tuple[Times, Times]:
    """All beats, and those that begin a bar."""
    rows = pd.read_csv(path)
    return rows["time_s"].to_numpy(), rows.loc[rows["is_downbeat"] == 1, "time_s"].to_numpy()


def ours(samples: Times, rate: int) -> Estimate:
    """By this package."""
    heard = hear(samples, rate)
    return Estimate(heard.onsets, heard.beats, heard.downbeats.times, heard.tempo.bpm)


def librosa_default(samples: Times, rate: int) -> Estimate:
    """By librosa's beat tracker; its onsets are left out, as its peak picking is not safe everywhere."""
    import librosa

    bpm, beats = librosa.beat.beat_track(y=samples, sr=rate, units="time")
    return Estimate(None, beats, None, float(np.ravel(bpm)[0]))


def scores(clip: Clip, estimate: Estimate) -> dict[str, float]:
    """All measures that the annotations of one clip allow."""
    out = {}
    if clip.onsets is not None and estimate.onsets is not None:
        out["onset_f50"] = f_measure(clip.onsets, estimate.onsets, 0.05)
    if clip.beats is not None:
        out["beat_f70"] = f_measure(clip.beats, estimate.beats, 0.07)
    if clip.downbeats is not None and estimate.downbeats is not None:
        out["downbeat_f70"] = f_measure(clip.downbeats, estimate.downbeats, 0.07)
    if not np.isnan(clip.bpm):
        out["acc1"] = tempo_hit(clip.bpm, estimate.bpm, 0.04)
        out["acc2"] = tempo_hit(clip.bpm, estimate.bpm, 0.04, octaves=True)
        out["acc2_1%"] = tempo_hit(clip.bpm, estimate.bpm, 0.01, octaves=True)
    return out


def measured(data: Path, part: str, estimate: Callable[[Times, int], Estimate], each: bool) -> pd.DataFrame:
    """One row per clip, by (data, clip); with ``each`` prints it. NaN where a clip has no such annotation."""
    rows = []
    for name in [name for name in SONG if (data / name).is_dir()]:
        for clip in clips(data / name, part):
            samples, rate = soundfile.read(clip.path, dtype="float32")
            said = estimate(samples, rate)
            rows.append({"data": name, "clip": clip.name, **scores(clip, said)})
            if each:
                print(f"true {clip.bpm:.1f} found {said.bpm:.1f}", rows[-1])
    return pd.DataFrame(rows).set_index(["data", "clip"])


def told(frame: pd.DataFrame) -> str:
    """Means per data set, and of tempo over all, with 95 % intervals over clips."""
    groups = {name: frame.loc[[name]] for name in frame.index.unique("data")}
    tempo = frame[[name for name in frame if name.startswith("acc")]]
    groups |= {"all": tempo.dropna(how="all")} if tempo.size else {}
    lines = {
        name: {"clips": str(len(group)), **{measure: _told(group[measure]) for measure in group}}
        for name, group in groups.items()
    }
    return pd.DataFrame(lines).T.fillna("").to_string()


def _told(column: pd.Series) -> str:
    known = column.dropna().to_numpy(float)
    return str(interval(known)) if len(known) else ""


def main() -> None:
    """Print one table per estimator, and what lies between them, clip by clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=["choose", "report", "all"], default="report")
    parser.add_argument("--librosa", action="store_true", help="also measure librosa's beat tracker")
    parser.add_argument("--each", action="store_true", help="print every clip")
    chosen = parser.parse_args()
    own = measured(chosen.data, chosen.part, ours, chosen.each)
    print(f"part: {chosen.part}\n{told(own)}")
    if chosen.librosa:
        peer = measured(chosen.data, chosen.part, librosa_default, chosen.each)
        print(f"librosa\n{told(peer)}\nours less librosa, paired\n{told(own[peer.columns] - peer)}")


if __name__ == "__main__":
    main()
