"""How well the instrument tagger names real notes, with a confusion matrix, and the families in rendered songs.

    python -m tests.measure.instruments --notes philharmonia [--songs pop909] [--weights instruments.safetensors]

The folder of notes holds ``labels.csv`` (audio_file, instrument, midi_pitch, dynamic) and sounds. Nothing in it
trained the weights or chose anything. Of the fifteen instruments there, the bass clarinet counts as a clarinet and the
contrabassoon as a bassoon; the tagger's most probable class is taken among the thirteen that remain, and among all.
The folder of songs holds ``labels.csv`` and ``notes/<clip>.csv`` with the column gm_program.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.audio.decode import windows
from recsys.producers.instruments.names import FAMILIES, INSTRUMENTS
from recsys.producers.instruments.tagger import WEIGHTS, Tagger
from recsys.producers.labelling.hearing import mel_windows
from tests.measure.instrument_notes import PLAYED

ALSO = {"bass clarinet": "clarinet", "contrabassoon": "bassoon"}
DRAWS = 2000
Floats = NDArray[np.float64]


class Clips(NamedTuple):
    """Probabilities (n, classes) of the tagger, and what a file says of each sound."""

    probabilities: Floats
    instrument: NDArray[np.str_]
    pitch: Floats


def heard(folder: Path, tagger: Tagger) -> Clips:
    """The tagger over every sound of a folder; windows of one sound are averaged."""
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = [
        tagger.probabilities(mel_windows(windows(folder / row["audio_file"], count=3, seconds=30.0))) for row in rows
    ]
    names = np.array([row["instrument"] for row in rows])
    return Clips(
        np.array([one.mean(axis=0) for one in told]), names, np.array([float(row["midi_pitch"]) for row in rows])
    )


def interval(right: NDArray[np.bool_], groups: NDArray[np.generic], seed: int = 0) -> tuple[float, float, float]:
    """Share of right ones and the 95 % interval over groups drawn with replacement."""
    found, place = np.unique(groups, return_inverse=True)
    hits, sizes = np.bincount(place, right), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(found), size=(DRAWS, len(found)))
    shares = hits[drawn].sum(1) / sizes[drawn].sum(1)
    return float(right.mean()), *np.quantile(shares, [0.025, 0.975]).tolist()


def macro_f1(truth: NDArray[np.str_], named: NDArray[np.str_]) -> float:
    """Mean over the classes of the truth of the harmonic mean of precision and recall."""
    scores = []
    for name in np.unique(truth):
        both = ((truth == name) & (named == name)).sum()
        scores.append(2 * both / ((truth == name).sum() + (named == name).sum()))
    return float(np.mean(scores))


def confusion(truth: NDArray[np.str_], named: NDArray[np.str_]) -> str:
    """A table: one row per true instrument, what it was taken for in the columns."""
    rows, columns = np.unique(truth).tolist(), np.unique(named).tolist()
    lines = ["| true \\\\ named | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for row in rows:
        counts = [int(((truth == row) & (named == column)).sum()) for column in columns]
        lines.append(f"| {row} | " + " | ".join(str(count or "") for count in counts) + " |")
    return "\n".join(lines)


def reliability(probability: Floats, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over ``bins`` equally wide bins."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [abs(probability[place == b].sum() - right[place == b].sum()) for b in range(bins)]
    return float(np.sum(gaps) / len(right))


def report(clips: Clips, classes: tuple[str, ...]) -> str:
    """All numbers as text."""
    mapped = np.array([ALSO.get(name, name) for name in clips.instrument])
    wanted = sorted(set(mapped))
    columns = [classes.index(name) for name in wanted]
    named = np.array(wanted)[clips.probabilities[:, columns].argmax(1)]
    any_of = np.array(list(INSTRUMENTS))[clips.probabilities[:, : len(INSTRUMENTS)].argmax(1)]
    kin = clips.probabilities[:, [classes.index(name) for name in FAMILIES]]
    family = np.array([FAMILIES[place] in INSTRUMENTS[name] for place, name in zip(kin.argmax(1), mapped, strict=True)])
    truth = np.array([[name in INSTRUMENTS[one] for name in FAMILIES] for one in mapped])
    lines = [f"{len(mapped)} sounds, {len(wanted)} classes"]
    for told, right in (("among them", named == mapped), ("among all", any_of == mapped), ("family", family)):
        for by, groups in (("pitches", clips.pitch), ("instruments", clips.instrument)):
            share, low, high = interval(right, groups)
            lines.append(f"accuracy {told}: {share:.3f} [{low:.3f}, {high:.3f}] over {by}")
    lines.append(f"macro F1 among them: {macro_f1(mapped, named):.3f}")
    lines.append(f"ECE of family probabilities: {reliability(kin.ravel(), truth.ravel()):.3f}")
    own = clips.probabilities[:, columns]
    error = reliability(own.ravel(), (mapped[:, None] == wanted).ravel())
    lines.append(f"ECE of the probabilities of the {len(wanted)}: {error:.3f}")
    return "\n".join([*lines, "", confusion(clips.instrument, named)])


def songs(folder: Path, tagger: Tagger) -> str:
    """Of each family that some songs have: area under the ROC curve, and the mean probability with and without it."""
    programmes = {preset[1]: name for name, (_, _, presets) in PLAYED.items() for preset in presets if preset[0] == 0}
    told, truth = [], []
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        mel = mel_windows(windows(folder / row["audio_file"], count=3, seconds=30.0))
        told.append(tagger.probabilities(mel).mean(axis=0))
        with (folder / "notes" / f"{row['clip']}.csv").open(encoding="utf-8") as file:
            playing = {programmes[int(note["gm_program"])] for note in csv.DictReader(file)}
        truth.append({family for name in playing for family in INSTRUMENTS[name]})
    lines = [f"{len(rows)} songs", "| family | songs | ROC area | with | without |", "|---|---|---|---|---|"]
    for family in FAMILIES:
        there, share = np.array([family in one for one in truth]), np.array(told)[:, tagger.classes.index(family)]
        with_it, without = share[there], share[~there]
        wins = (with_it[:, None] > without).mean() if there.any() and not there.all() else np.nan
        means = f"{with_it.mean() if there.any() else np.nan:.2f} | {without.mean() if not there.all() else np.nan:.2f}"
        lines.append(f"| {family} | {there.sum()} | {wins:.2f} | {means} |")
    return "\n".join(lines)


def main() -> None:
    """Hear, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    tagger = Tagger.open(chosen.weights)
    if chosen.notes:
        print(report(heard(chosen.notes, tagger), tagger.classes))
    if chosen.songs:
        print(songs(chosen.songs, tagger))


if __name__ == "__main__":
    main()
