"""How far scores here are from those that come with mir_eval: ``python -m tests.measure.mir_fixtures --data FOLDER``.

FOLDER holds ``chord``, ``key`` and ``transcription``: reference, estimate and expected scores of each case. Chords,
keys and notes go through the readers and scores that the other programs use. Pitches in Hz become semitones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from recsys.producers.notation import Notes, read_lab
from tests.measure import chords, key, notes

Pair = tuple[float, float]  # expected, found


def main() -> None:
    """Parse, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    for task, compare in {"chord": of_chords, "key": of_keys, "transcription": of_notes}.items():
        apart: dict[str, list[float]] = {}
        for name, (expected, found) in (pair for case in cases(given.data / task) for pair in compare(*case).items()):
            apart.setdefault(name, []).append(abs(expected - found))
        for name, values in apart.items():
            print(
                f"{task}, {name}: {len(values)} cases, at most {max(values):.4f} apart, usually {np.mean(values):.4f}"
            )


def cases(folder: Path) -> Iterator[tuple[Path, Path, Mapping[str, float]]]:
    """Reference, estimate and expected scores of each case."""
    for path in sorted(folder.glob("output*.json")):
        number = path.stem.removeprefix("output")
        reference, estimate = (next(folder.glob(f"{side}{number}.*")) for side in ("ref", "est"))
        yield reference, estimate, json.loads(path.read_text())


def of_chords(reference: Path, estimate: Path, expected: Mapping[str, float]) -> dict[str, Pair]:
    """Recall of major and minor, and of sevenths."""
    both = read_lab(reference), read_lab(estimate)
    found = {measure: chords.score(*both, measure) for measure in chords.MEASURES}
    return {measure: (expected[measure], right / of) for measure, (right, of) in found.items()}


def of_keys(reference: Path, estimate: Path, expected: Mapping[str, float]) -> dict[str, Pair]:
    """The weighted score; of a key that is none, 0."""
    true, found = (_key(path) for path in (reference, estimate))
    return (
        {}
        if true is None
        else {"weighted": (expected["Weighted Score"], key.mirex_score(true, np.nan if found is None else found))}
    )


def _key(path: Path) -> int | None:
    words = next(line.split() for line in path.read_text().splitlines() if line.strip() and line[0] != "#")
    return key.parse(f"{words[0]}:{words[1][:3]}") if len(words) > 1 and words[1] in ("major", "minor") else None


def of_notes(reference: Path, estimate: Path, expected: Mapping[str, float]) -> dict[str, Pair]:
    """Precision, recall and F of onsets, F of onsets and offsets."""
    found = notes.score(_notes(reference), _notes(estimate))
    names = ("Precision_no_offset", "Recall_no_offset", "F-measure_no_offset", "F-measure")
    return {name: (expected[name], value) for name, value in zip(names, found, strict=True)}


def _notes(path: Path) -> Notes:
    rows = np.loadtxt(path, ndmin=2)
    return Notes.of(np.column_stack([rows[:, :2], 69 + 12 * np.log2(rows[:, 2] / 440), np.full(len(rows), 64)]))


if __name__ == "__main__":
    main()
