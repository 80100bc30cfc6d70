"""Other versions found by harmony: ``python -m tests.measure.covers --data POP909 --font A.sf2 [--cache FOLDER]``.

Each clip of POP909 is played again in another key, at another tempo (.8 to 1.25), by other instruments of another sound
font, and looked for among all clips as they are: mean average precision, one right answer each, with intervals by
resampling of songs. Beside it the same by the vector of harmony, and by the timbre block of the content space.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.audio import timbre
from recsys.audio.decode import windows
from recsys.audio.sound import Sound
from recsys.audio.spectra import Spectra
from recsys.producers.harmony.chords import harmony
from recsys.producers.harmony.features import describe
from recsys.producers.harmony.hearing import of_sounds
from recsys.producers.harmony.sequences import Course, course, ranked
from recsys.producers.notation import Notes, Part, Piece, read_midi
from tests.measure.arrange import BACK, LEAD, sound

WIDTH = 77  # of the vector of harmony where there is none


def cover(path: Path, font: Path, rng: np.random.Generator) -> NDArray[np.float32]:
    """A MIDI file in another key, tempo and orchestra."""
    steps, factor = int(rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6])), float(np.exp(rng.uniform(-0.223, 0.223)))
    parts = []
    for place, part in enumerate(read_midi(path).parts):
        n = part.notes
        pitch = n.pitch if part.drums else (n.pitch + steps).clip(21, 108).astype(np.int16)
        program = None if part.drums else int(rng.choice(LEAD if place == 0 else BACK))
        parts.append(
            Part(Notes(n.onset * factor, n.offset * factor, pitch, n.velocity, n.confidence), program, "", part.drums)
        )
    return sound(Piece(parts), font, rng)


def known(sounds: list[Sound]) -> tuple[Course, NDArray, NDArray]:
    """Course, vector of harmony, vector of timbre."""
    heard = harmony(of_sounds(sounds))
    vector = describe(heard).vector
    described = timbre.describe(Spectra(sounds[0])).vector
    return course(heard), np.zeros(WIDTH, np.float32) if vector is None else vector, described


def versions(data: Path, font: Path, cache: Path | None, seed: int) -> Iterator[tuple[tuple, tuple]]:
    """What is known of each clip, and of its cover."""
    labels = pd.read_csv(data / "labels.csv").sort_values("clip", ignore_index=True)
    for place, row in enumerate(labels.itertuples()):
        kept = cache / f"cover_{seed}_{row.clip}.npy" if cache else None
        if kept is not None and kept.exists():
            samples = np.load(kept)
        else:
            samples = cover(data / "midi" / f"{row.clip}.mid", font, np.random.default_rng([seed, place]))
            if kept is not None:
                np.save(kept, samples)
        yield known(windows(data / row.audio_file, count=1, seconds=90.0)), known([Sound(samples)])


def places(scores: NDArray) -> NDArray:
    """Average precision of each query: one over the rank of the right answer, on the diagonal."""
    right = np.diag(scores)[:, None]
    return 1 / (1 + (scores > right).sum(1) + ((scores == right).sum(1) - 1) / 2)


def cosines(queries: list[NDArray], clips: list[NDArray], scaled: bool) -> NDArray:
    """Likeness of vectors; in standard units of the clips where they are ``scaled``."""
    q, c = np.stack(queries), np.stack(clips)
    if scaled:
        middle, spread = c.mean(axis=0), c.std(axis=0) + 1e-6
        q, c = (q - middle) / spread, (c - middle) / spread
    return (q / (np.linalg.norm(q, axis=1, keepdims=True) + 1e-9)) @ (
        c / (np.linalg.norm(c, axis=1, keepdims=True) + 1e-9)
    ).T


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--font", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    pairs = list(versions(given.data, given.font, given.cache, given.seed))
    clips, covers = zip(*pairs, strict=True)
    found = {
        "course of harmony": np.stack([ranked(one[0], [clip[0] for clip in clips]) for one in covers]),
        "vector of harmony": cosines([one[1] for one in covers], [clip[1] for clip in clips], False),
        "timbre": cosines([one[2] for one in covers], [clip[2] for clip in clips], True),
    }
    rng = np.random.default_rng(0)
    draws = rng.integers(len(pairs), size=(1000, len(pairs)))
    for name, scores in found.items():
        precision = places(scores)
        low, high = np.quantile(precision[draws].mean(1), [0.025, 0.975])
        share = (precision == 1).mean()
        print(f"{name}: MAP {precision.mean():.3f} [{low:.3f}, {high:.3f}], first {share:.3f}, n {len(pairs)}")


if __name__ == "__main__":
    main()
