"""Beats, notes and chords as plain tables: CSV for programs, .lab for annotation tools.

``NAME.beats.csv``: time_s, is_downbeat. ``NAME.notes.csv``: onset_s, offset_s, midi_pitch, velocity, confidence.
``NAME.chords.lab``, ``NAME.keys.lab``: start, end and label, with tabs between, in the syntax of ``harte``; the same as
CSV with a column more, so that the others stay readable to every program: start_s, end_s, label, confidence.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import DataError
from recsys.producers.notation.score import Notes

Pathlike = str | os.PathLike[str]
BEATS = ("time_s", "is_downbeat")
SEGMENTS = ("start_s", "end_s", "label", "confidence")
NOTES = ("onset_s", "offset_s", "midi_pitch", "velocity", "confidence")


class Segments(NamedTuple):
    """Labelled stretches of time: intervals in seconds float64 (n, 2), labels (n,), confidence float32 (n,) or None."""

    intervals: NDArray[np.float64]
    labels: list[str]
    confidence: NDArray[np.float32] | None = None


def write_beats(path: Pathlike, beats: NDArray[np.floating], downbeats: NDArray[np.bool_]) -> None:
    """Write beats, microseconds kept."""
    rows = [(f"{time:.6f}", int(first)) for time, first in zip(beats, downbeats, strict=True)]
    _write_csv(path, BEATS, rows)


def read_beats(path: Pathlike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times in seconds, and which begin a bar.

    Raises:
        DataError: other columns, or something that is no number.
    """
    rows = _numbers(path, BEATS)
    return rows[:, 0], rows[:, 1] > 0


def write_notes(path: Pathlike, notes: Notes) -> None:
    """Write notes, microseconds kept; an unknown confidence is empty."""
    sure = ["" if np.isnan(value) else f"{value:.4f}" for value in notes.confidence]
    times = [[f"{time:.6f}" for time in side] for side in (notes.onset, notes.offset)]
    rows = zip(*times, notes.pitch.tolist(), notes.velocity.tolist(), sure, strict=True)
    _write_csv(path, NOTES, list(rows))


def read_notes(path: Pathlike) -> Notes:
    """Notes of a file that has at least the first four columns of ``NOTES``.

    Raises:
        DataError: a column is missing, a value is no number or out of range.
    """
    rows = _numbers(path, NOTES[:4], NOTES[4:])
    return Notes.of(rows[:, :4], rows[:, 4])


def write_lab(path: Pathlike, segments: Segments) -> None:
    """Write labelled stretches; milliseconds kept to a tenth."""
    rows = zip(segments.intervals.tolist(), segments.labels, strict=True)
    text = "".join(f"{start:.4f}\t{end:.4f}\t{label}\n" for (start, end), label in rows)
    manifest.write_bytes(Path(path), text.encode())


def write_segments(path: Pathlike, segments: Segments) -> None:
    """Write labelled stretches with how sure each is, empty where that is unknown."""
    sure = [""] * len(segments.labels) if segments.confidence is None else [f"{x:.4f}" for x in segments.confidence]
    times = [[f"{time:.4f}" for time in side] for side in segments.intervals.T]
    _write_csv(path, SEGMENTS, list(zip(*times, segments.labels, sure, strict=True)))


def read_lab(path: Pathlike) -> Segments:
    """Labelled stretches; blanks or tabs between the columns.

    Raises:
        DataError: a line that has no start, end and label.
    """
    intervals, labels = [], []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        words = line.split(maxsplit=2)
        if not words or words[0].startswith("#"):
            continue
        try:
            intervals.append((float(words[0]), float(words[1])))
            labels.append(words[2].strip())
        except (ValueError, IndexError) as error:
            raise DataError(f"{path}, line {number}: {line!r}; expected start, end and label") from error
    return Segments(np.array(intervals, np.float64).reshape(-1, 2), labels)


def _write_csv(path: Pathlike, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    manifest.write_bytes(Path(path), text.getvalue().encode())


def _numbers(path: Pathlike, needed: Sequence[str], more: Sequence[str] = ()) -> NDArray[np.float64]:
    """Columns of a CSV file as float64 (n, columns); those of ``more`` that are missing or empty are NaN."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path} has no column {missing[0]}; expected {', '.join(needed)}")
        rows = list(_parsed(reader, path, [(name, _number) for name in needed] + [(name, _perhaps) for name in more]))
    return np.array(rows, np.float64).reshape(-1, len(needed) + len(more))


def _parsed(
    reader: csv.DictReader[str], path: Pathlike, columns: Sequence[tuple[str, Callable[[str], float]]]
) -> Iterator[list[float]]:
    for row in reader:
        try:
            yield [parse(row.get(name) or "") for name, parse in columns]
        except ValueError as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}; expected numbers") from error


def _number(text: str) -> float:
    value = {"true": 1.0, "false": 0.0}.get(text.strip().lower())
    return float(text) if value is None else value


def _perhaps(text: str) -> float:
    return float(text) if text.strip() else float("nan")
