"""A folder of short sounds that are easy to tell apart, with a table of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.targets import Target

KINDS = ("clicks", "noise", "tone")
RATE = 22050


def clip(kind: str, seed: int) -> NDArray[np.float32]:
    """1.2 seconds of a kind."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(1.2 * RATE)) / RATE
    sounds = {
        "clicks": 0.5 * (time % 0.25 < 0.002),
        "noise": 0.1 * rng.normal(size=len(time)),
        "tone": 0.3 * np.sin(2 * np.pi * rng.uniform(200, 900) * time),
    }
    return (sounds[kind] + 0.002 * rng.normal(size=len(time))).astype(np.float32)


def write_clips(folder: Path, count: int = 18) -> pd.DataFrame:
    """Sounds and ``labels.csv``: kind, tags, energy (a number), calm, artist (two files each)."""
    (folder / "audio").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(count):
        kind, energy = KINDS[i % 3], round(float(i % 3 + 0.1 * rng.normal()), 3)
        soundfile.write(folder / "audio" / f"{i:02}.wav", clip(kind, i), RATE)
        tags = f"{kind};steady" if kind != "clicks" else kind
        rows.append((f"audio/{i:02}.wav", kind, tags, energy, -energy, f"artist {i // 2}"))
    frame = pd.DataFrame(rows, columns=["audio_file", "kind", "tags", "energy", "calm", "artist"])
    frame.to_csv(folder / "labels.csv", index=False)
    return frame


def made(n: int = 60, d: int = 6, *, seed: int = 0, name: str = "mood") -> tuple[Examples, Target]:
    """Examples without sound: two descriptors tell three classes apart, with some noise; groups of two."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    descriptors = rng.normal(size=(n, d)).astype(np.float32)
    descriptors[:, 0] += 2.5 * codes
    descriptors[:, 1] -= 2.5 * (codes == 1)
    paths = tuple(f"{i}.wav" for i in range(n))
    groups = (np.arange(n) // 2).astype(np.int32)
    mel = np.zeros((n, 1, 160, 64), np.float16)
    names = tuple(f"d{i}" for i in range(d))
    examples = Examples(paths, mel, np.ones((n, 1), bool), descriptors, names, groups, paths)
    return examples, Target(name, "single", KINDS, np.eye(3, dtype=np.float32)[codes])
