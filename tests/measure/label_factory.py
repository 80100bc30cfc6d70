"""Composed music with exact labels out: python -m tests.measure.label_factory FOLDER --count 100.

Each clip is a composition for a chance band at a chance tempo, rendered with FluidSynth where it is installed:
``NAME.ogg``, ``notes/NAME.csv``, ``beats/NAME.csv``, ``chords/NAME.lab``, and a row of ``labels.csv``: audio_file,
artist_group, key, tempo_bpm, instruments, origin. Clips that are there are not made again.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from recsys.producers.generation import composing
from recsys.producers.generation.arranging import Band, arrange
from recsys.producers.generation.composer import stored
from recsys.producers.generation.composing import Wish
from recsys.producers.notation import write_beats, write_lab, write_midi, write_notes
from recsys.verbs.sounding import sound

MELODY = (0, 4, 11, 22, 40, 42, 52, 56, 60, 64, 65, 68, 71, 73, 75, 80)
CHORDS = (0, 1, 4, 6, 16, 19, 24, 25, 26, 27, 46, 48, 50, 89)
BASS = (32, 33, 34, 35, 38, 43, None)
COLUMNS = ("audio_file", "artist_group", "key", "tempo_bpm", "instruments", "origin")


def clip(folder: Path, number: int, seed: int, seconds: float) -> dict[str, object]:
    """Make one clip; its row."""
    rng = np.random.default_rng([seed, number])
    tempo, name = float(rng.integers(60, 170)), f"composed-{seed}-{number:05d}"
    bars = max(round(seconds * tempo / 240), 4)
    band = Band(
        int(rng.choice(MELODY)), int(rng.choice(CHORDS)), BASS[rng.integers(len(BASS))], bool(rng.random() < 0.6)
    )
    song = composing.compose(stored(), Wish(bars, int(rng.integers(24)), tempo, heat=float(rng.uniform(0.8, 1.1))), rng)
    piece, chords = arrange(song, band, name)
    if not (folder / f"{name}.ogg").is_file():
        for part in ("midi", "notes", "beats", "chords"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        write_midi(folder / "midi" / f"{name}.mid", piece, chords, ["AI-generated"])
        write_notes(folder / "notes" / f"{name}.csv", piece.notes)
        write_beats(folder / "beats" / f"{name}.csv", piece.beats, piece.downbeats)
        write_lab(folder / "chords" / f"{name}.lab", chords)
        sound(folder / f"{name}.ogg", piece, "AI-generated")
    programs = ";".join(str(part.program) for part in piece.parts if not part.drums)
    row = (f"{name}.ogg", name, song.key, tempo, programs, "generated")
    return dict(zip(COLUMNS, row, strict=True))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--count", type=int, default=100)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--seconds", type=float, default=30.0)
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    rows = [clip(given.folder, number, given.seed, given.seconds) for number in range(given.count)]
    with open(given.folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} clips in {given.folder}")


if __name__ == "__main__":
    main()
