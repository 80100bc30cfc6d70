"""Folders of recordings with their notes in, clips to learn from out: MAESTRO, Slakh, GuitarSet, or plain files.

Beside each sound file, or in a folder beside its own, lies what it is: a MIDI file of the same name (MAESTRO),
``all_src.mid`` beside ``mix.flac`` (Slakh), a ``.jams`` file whose name begins its own (GuitarSet), or a CSV file with
onset_s, offset_s, midi_pitch and velocity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys.producers.harmony.hearing import stretches
from recsys.producers.notation import read_midi
from tests.measure.note_made import Music, Part

SOUNDS = (".wav", ".flac", ".mp3", ".ogg")
TOLD = (".mid", ".midi", ".csv", ".jams")
Floats = NDArray[np.float64]


def recordings(folder: Path) -> list[tuple[Path, Path]]:
    """Sound files and what tells their notes."""
    told = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in TOLD]
    by_stem: dict[str, list[Path]] = {}
    for path in told:
        by_stem.setdefault(path.stem, []).append(path)
    found = []
    for sound in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS):
        mixed = sound.with_name("all_src.mid")
        near = [path for path in by_stem.get(sound.stem, []) if _related(path, sound)]
        near += [path for path in told if path.suffix == ".jams" and sound.stem.startswith(path.stem)]
        if mixed.exists() and sound.stem == "mix":
            near = [mixed]
        if near:
            found.append((sound, near[0]))
    return found


def _related(told: Path, sound: Path) -> bool:
    return told.parent == sound.parent or told.parent.parent == sound.parent.parent


def rows_of(path: Path) -> Floats:
    """Rows of onset, offset, pitch, velocity; drums left out.

    Raises:
        ValueError: nothing can be read.
    """
    if path.suffix == ".csv":
        table = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
        names = ("onset_s", "offset_s", "midi_pitch")
        loud = table["velocity"] if "velocity" in (table.dtype.names or ()) else np.full(table.shape, 80)
        return np.column_stack([*(table[name].astype(float) for name in names), loud.astype(float)])
    if path.suffix == ".jams":
        stored = json.loads(path.read_text())["annotations"]
        lists = [one["data"] for one in stored if one["namespace"] == "note_midi"]
        return np.array([(n["time"], n["time"] + n["duration"], round(n["value"]), 80) for one in lists for n in one])
    notes = read_midi(path).notes
    return np.column_stack([notes.onset, notes.offset, notes.pitch, notes.velocity]).astype(float)


def clips(sound: Path, told: Path, seconds: float) -> Iterator[tuple[Music, NDArray[np.float32]]]:
    """Stretches of a recording, with their notes."""
    rows = rows_of(told)
    rows = rows[(rows[:, 2] >= 21) & (rows[:, 2] <= 108) & (rows[:, 1] > rows[:, 0])]
    for part in stretches(sound, seconds):
        here = rows[(rows[:, 0] >= part.start) & (rows[:, 0] < part.start + part.seconds - 0.05)].copy()
        here[:, :2] = np.minimum(here[:, :2] - part.start, part.seconds)
        yield Music([Part(0, here)] if len(here) else []), part.samples
