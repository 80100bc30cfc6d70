"""Make the composer's weights from POP909: python -m tests.measure.train_composer pop909_midi.tar.xz FOLDER [--write].

Goes on where it was killed. With --write the arrays take their place in the package.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from recsys.producers.generation.composer import WEIGHTS
from recsys.producers.generation.composer_learning import USUAL, learn_composer
from recsys.producers.generation.copies import Learned
from recsys.producers.generation.songs import NONE, Song
from tests.measure.pop909 import kept_songs


def follows(songs: list[Song], minor: bool) -> np.ndarray:
    """How often a chord of a bar follows another, in C or A, a little of all added."""
    counts = np.full((NONE + 1, NONE + 1), 1e-3, np.float64)
    for song in songs:
        chords = song.home().chords[::2]
        if (song.key >= 12) == minor:
            np.add.at(counts, (chords[:-1], chords[1:]), 1.0)
    return (counts / counts.sum(axis=1, keepdims=True)).astype(np.float16)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("archive", type=Path)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--epochs", type=int, default=USUAL.epochs)
    asked.add_argument("--width", type=int, default=256)
    asked.add_argument("--songs", type=int, default=120)
    asked.add_argument("--most", type=int, help="songs of the archive; default: all")
    asked.add_argument("--write", action="store_true")
    given = asked.parse_args()
    torch.set_num_threads(1)
    songs = kept_songs(given.archive, given.folder / f"songs-{given.most or 0}.npz", given.most)
    print({part: len(held) for part, held in zip(songs._fields, songs, strict=True)}, flush=True)
    weights, judged = learn_composer(
        songs.train,
        songs.valid[:20],
        0,
        lesson=replace(USUAL, epochs=given.epochs),
        width=given.width,
        songs=given.songs,
        kept=given.folder / "state",
        progress=lambda what, done, total: print(f"{done}/{total} {what} a note", flush=True),
    )
    learned = Learned.of(songs.train)
    chords = {"major": follows(songs.train, False), "minor": follows(songs.train, True)}
    arrays = {name: weight.astype(np.float16) for name, weight in weights.items()}
    place = WEIGHTS if given.write else given.folder / WEIGHTS.name
    np.savez_compressed(place, **arrays, **{f"follows|{k}": v for k, v in chords.items()},
                        **{f"learned|{k}": v for k, v in learned._asdict().items()})  # fmt: skip
    print(json.dumps({"nats_per_note": round(min(judged), 4), "bytes": place.stat().st_size}))


if __name__ == "__main__":
    main()
