"""How well the instrument tagger names real notes, with a confusion matrix, and the families in rendered songs.

    python -m tests.measure.instruments --notes philharmonia [--songs pop909] [--weights instruments.safetensors]
        [--picture confusion.svg]

The folder of notes holds ``labels.csv`` (audio_file, instrument, midi_pitch, dynamic) and sounds. Nothing in it
trained the weights or chose between weights. Of the fifteen instruments there, the bass clarinet counts as a clarinet
and the contrabassoon as a bassoon; the most probable class is taken among the thirteen that remain, and among all.
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
from tests.measure.instrument_picture import picture

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


def macro_f1(
    truth: NDArray[np.str_], named: NDArray[np.str_], groups: NDArray[np.generic], seed: int = 0
) -> tuple[float, float, float]:
    """Mean over the classes of the truth of the harmonic mean of precision and recall; 95 % interval over groups."""
    found, place = np.unique(groups, return_inverse=True)
    classes = np.unique(truth)
    counts = np.zeros((3, len(found), len(classes)))  # of each class: true, named, both
    for k, name in enumerate(classes):
        for table, those in zip(counts, (truth == name, named == name, (truth == name) & (named == name)), strict=True):
            table[:, k] = np.bincount(place, those, len(found))
    drawn = np.random.default_rng(seed).multinomial(len(found), np.full(len(found), 1 / len(found)), DRAWS)
    true, called, both = (np.vstack([np.ones(len(found)), drawn]) @ table for table in counts)
    scores = (2 * both / np.maximum(true + called, 1)).sum(1) / np.maximum((true > 0).sum(1), 1)
    return float(scores[0]), *np.quantile(scores[1:], [0.025, 0.975]).tolist()


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


def classes_of(clips: Clips) -> NDArray[np.str_]:
    """The tagger's class of each sound."""
    return np.array([ALSO.get(name, name) for name in clips.instrument])


def among(clips: Clips, classes: tuple[str, ...]) -> NDArray[np.str_]:
    """The most probable of the classes that there are."""
    wanted = np.unique(classes_of(clips))
    return wanted[clips.probabilities[:, [classes.index(name) for name in wanted]].argmax(1)]


def report(clips: Clips, classes: tuple[str, ...]) -> str:
    """All numbers as text."""
    mapped, named = classes_of(clips), among(clips, classes)
    wanted = np.unique(mapped)
    columns = [classes.index(name) for name in wanted]
    any_of = np.array(list(INSTRUMENTS))[clips.probabilities[:, : len(INSTRUMENTS)].argmax(1)]
    kin = clips.probabilities[:, [classes.index(name) for name in FAMILIES]]
    family = np.array([FAMILIES[place] in INSTRUMENTS[name] for place, name in zip(kin.argmax(1), mapped, strict=True)])
    truth = np.array([[name in INSTRUMENTS[one] for name in FAMILIES] for one in mapped])
    lines = [f"{len(mapped)} sounds, {len(wanted)} classes"]
    for told, right in (("among them", named == mapped), ("among all", any_of == mapped), ("family", family)):
        for by, groups in (("pitches", clips.pitch), ("instruments", clips.instrument)):
            share, low, high = interval(right, groups)
            lines.append(f"accuracy {told}: {share:.3f} [{low:.3f}, {high:.3f}] over {by}")
    for told, names, by, groups in (
        ("among them", named, "pitches", clips.pitch),
        ("among them", named, "instruments", clips.instrument),
        ("among all", any_of, "pitches", clips.pitch),
    ):
        score, low, high = macro_f1(mapped, names, groups)
        lines.append(f"macro F1 {told}: {score:.3f} [{low:.3f}, {high:.3f}] over {by}")
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
    parser.add_argument("--picture", type=Path, help="an SVG file for the confusion matrix of the notes")
    chosen = parser.parse_args()
    tagger = Tagger.open(chosen.weights)
    if chosen.notes:
        clips = heard(chosen.notes, tagger)
        print(report(clips, tagger.classes))
        if chosen.picture:
            chosen.picture.write_text(picture(clips.instrument, among(clips, tagger.classes)), encoding="utf-8")
    if chosen.songs:
        print(songs(chosen.songs, tagger))


if __name__ == "__main__":
    main()
