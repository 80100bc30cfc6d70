"""Heard notes against the truth: ``python -m tests.measure.notes --data FOLDER… [--singles FOLDER] [--music FOLDER]``.

Each FOLDER of ``--data`` holds ``labels.csv`` with ``clip`` and ``audio_file``, and ``notes/CLIP.csv`` with onset_s,
offset_s and midi_pitch. Measures are those of mir_eval: onsets within 50 ms and pitches within half a semitone; with
offsets, those within 50 ms or a fifth of the note. Notes of one pitch that two parts begin together are two notes of
the truth, so that less than 1 can be reached. Means over clips, with intervals by resampling clips. ``--singles`` has
one note a file, its pitch in ``midi_pitch``: the note of the highest confidence counts. ``--music`` is only timed;
``--font`` plays drums, which like noise and a gliding voice should be heard as nothing.
Rendered sound overstates recordings.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import mir_eval.transcription
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.audio.sound import RATE, Sound
from recsys.producers.harmony.hearing import stretches
from recsys.producers.notation import Notes
from recsys.producers.transcription.models import NoteModel, open_model
from tests.measure.arrange import _glide
from tests.measure.note_made import Music, beaten
from tests.measure.note_sounds import coloured, played

Floats = NDArray[np.float64]
MEASURES = ("precision", "recall", "F1", "F1 with offsets")
CLOSE = 0.05  # seconds
RELATIONS = {
    12: "octave above",
    -12: "octave below",
    19: "twelfth above",
    -19: "twelfth below",
    1: "semitone",
    -1: "semitone",
}


def read_truth(path: Path) -> Notes:
    """The notes of a CSV file, drums left out where it says which they are."""
    table = pd.read_csv(path)
    table = table[table["midi_pitch"].between(21, 108)]
    rows = table[["onset_s", "offset_s", "midi_pitch"]].to_numpy(float)
    rows[:, 1] = np.maximum(rows[:, 1], rows[:, 0] + 0.01)
    return Notes.of(np.column_stack([rows, np.full(len(rows), 64)]))


def sides(notes: Notes) -> tuple[Floats, Floats]:
    """Intervals and frequencies as mir_eval wants them."""
    return np.column_stack([notes.onset, notes.offset]), 440 * 2 ** ((notes.pitch.astype(float) - 69) / 12)


def score(truth: Notes, found: Notes) -> tuple[float, float, float, float]:
    """Precision, recall and F1 of onsets, F1 of onsets and offsets.

    >>> notes = Notes.of([(0.0, 0.5, 60, 80), (0.5, 1.0, 64, 80)])
    >>> score(notes, notes.take(np.array([0])))
    (1.0, 0.5, 0.6666666666666666, 0.6666666666666666)
    """
    if not len(truth) or not len(found):
        same = float(len(truth) == len(found))
        return same, same, same, same
    both = (*sides(truth), *sides(found))
    onset = mir_eval.transcription.precision_recall_f1_overlap(*both, offset_ratio=None)
    offset = mir_eval.transcription.precision_recall_f1_overlap(*both)
    return float(onset[0]), float(onset[1]), float(onset[2]), float(offset[2])


def mistakes(truth: Notes, found: Notes) -> Counter[str]:
    """What was heard that is not there, by the nearest thing that is; and what was not heard."""
    pairs = mir_eval.transcription.match_notes(*sides(truth), *sides(found), offset_ratio=None) if len(found) else []
    counts = Counter(right=len(pairs), missed=len(truth) - len(pairs))
    matched = {mine for _, mine in pairs}
    for place in range(len(found)):
        if place not in matched:
            counts[_kind(truth, float(found.onset[place]), int(found.pitch[place]))] += 1
    return counts


def _kind(truth: Notes, onset: float, pitch: int) -> str:
    """Why a note may have been heard that is not there."""
    again = (truth.pitch == pitch) & (truth.onset < onset + 0.3) & (truth.offset > onset - 0.3)
    if again.any():
        return "same pitch at another time"
    together = truth.pitch[np.abs(truth.onset - onset) <= 2 * CLOSE]
    for step, name in RELATIONS.items():
        if (together + step == pitch).any():
            return name
    return "nothing near" if not len(together) else "another interval"


def measured(folder: Path, model: NoteModel, every: slice = slice(None)) -> tuple[pd.DataFrame, Counter[str]]:
    """One row per clip, and mistakes of all."""
    labels = pd.read_csv(folder / "labels.csv").sort_values("clip", ignore_index=True).iloc[every]
    rows, counts = [], Counter[str]()
    for row in labels.itertuples():
        truth, before = read_truth(folder / "notes" / f"{row.clip}.csv"), time.process_time()
        found = model.notes(stretches(folder / row.audio_file))
        cpu = time.process_time() - before
        rows.append({**dict(zip(MEASURES, score(truth, found), strict=True)), "cpu": cpu, "seconds": row.duration_s})
        rows[-1]["clip"] = row.clip
        counts += mistakes(truth, found)
    return pd.DataFrame(rows), counts


def table(folders: Sequence[Path], model: NoteModel, every: slice = slice(None), seed: int = 0) -> tuple[str, str]:
    """Means with intervals of each folder, and what was mistaken for what."""
    rng, rows, wrong = np.random.default_rng(seed), [], {}
    for folder in folders:
        clips, wrong[folder.name] = measured(folder, model, every)
        row: dict[str, object] = {"data": folder.name, "clips": len(clips)}
        for name in MEASURES:
            values = clips[name].to_numpy()
            low, high = np.quantile(values[rng.integers(len(values), size=(2000, len(values)))].mean(1), [0.025, 0.975])
            row[name] = f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"
        rows.append({**row, "× real time": round(clips.seconds.sum() / clips.cpu.sum())})
    shares = pd.DataFrame(wrong).fillna(0)
    shares = shares / (shares.loc["right"] + shares.loc["missed"])
    return pd.DataFrame(rows).to_string(index=False), shares.round(4).to_string()


def singles(folder: Path, model: NoteModel) -> str:
    """The share of single notes whose pitch is right, with an interval over pitches; what others are taken for."""
    labels = pd.read_csv(folder / "labels.csv")
    heard = [_surest(model.notes(stretches(folder / path))) for path in labels["audio_file"]]
    away = np.array(heard) - labels["midi_pitch"].to_numpy()
    labels["right"] = np.abs(away) <= 0.5
    by_pitch = [group.to_numpy() for _, group in labels.groupby("midi_pitch")["right"]]
    rng, draws = np.random.default_rng(0), []
    for _ in range(2000):
        draws.append(np.concatenate([by_pitch[i] for i in rng.integers(len(by_pitch), size=len(by_pitch))]).mean())
    low, high = np.quantile(draws, [0.025, 0.975])
    others = Counter("silent" if np.isnan(a) else f"{a:+.0f}" for a in away[~labels["right"]])
    by = labels.groupby("instrument")["right"].mean().round(2).to_dict() if "instrument" in labels else {}
    said = f"{len(labels)} single notes: pitch right {labels['right'].mean():.3f} [{low:.3f}, {high:.3f}]"
    return f"{said}\n  wrong by {others.most_common(12)}\n  {by}"


def _surest(notes: Notes) -> float:
    """The pitch of the note that is the surest; NaN where there is none."""
    return float(notes.pitch[notes.confidence.argmax()]) if len(notes) else float("nan")


def timed(folder: Path, model: NoteModel, clips: int = 12) -> str:
    """Seconds of music heard in a second of one core, decoding of the files included."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix in (".mp3", ".ogg", ".wav", ".flac"))[:clips]
    seconds, count, before = 0.0, 0, time.process_time()
    for path in paths:
        heard = list(stretches(path))
        seconds += sum(sound.seconds for sound in heard)
        count += len(model.notes(heard))
    cpu = time.process_time() - before
    return f"{len(paths)} files: {seconds / cpu:.0f} × real time on one core, {count / seconds:.1f} notes a second"


def unmusical(font: Path, model: NoteModel, seconds: float = 60.0, seed: int = 11) -> str:
    """Notes a second, and their mean confidence, in what has no notes."""
    rng, rows = np.random.default_rng(seed), []
    count = round(seconds * RATE)
    drums = [played(Music([beaten(seconds, rng)]), font, rng)[:count] for _ in range(3)]
    made = {
        "silence": [np.zeros(count, np.float32)],
        "noise": [coloured(count, rng) * np.float32(10 ** -rng.uniform(0, 2)) for _ in range(3)],
        "a gliding voice": [_glide(count, rng).astype(np.float32) * np.float32(0.1) for _ in range(3)],
        "drums": [sound / np.float32(np.abs(sound).max() + 1e-6) * np.float32(0.5) for sound in drums],
    }
    for name, sounds in made.items():
        found = [model.notes([Sound(sound)]) for sound in sounds]
        sure = np.concatenate([notes.confidence for notes in found])
        rate = len(sure) / seconds / len(sounds)
        rows.append({"sound": name, "notes a second": rate, "confidence": sure.mean() if len(sure) else 0.0})
    return pd.DataFrame(rows).round(3).to_string(index=False)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--singles", type=Path)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--font", type=Path, help="plays drums, to be heard as nothing")
    parser.add_argument("--note-model", help="nmp.onnx, or other weights")
    parser.add_argument("--part", choices=("choose", "report", "all"), default="all")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    model = open_model(given.note_model)
    every = {"choose": slice(0, None, 2), "report": slice(1, None, 2), "all": slice(None)}[given.part]
    if given.data:
        print(*table(given.data, model, every), sep="\n\n")
    if given.singles:
        print(singles(given.singles, model))
    if given.music:
        print(timed(given.music, model))
    if given.font:
        print(unmusical(given.font, model))


if __name__ == "__main__":
    main()
