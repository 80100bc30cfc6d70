"""A piece in, a lead sheet out as MusicXML 4.0: its melody on one staff, chord symbols above, in bars.

Times are counted in beats and rounded to a quarter of one. What comes before the first downbeat is a bar of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.producers.notation.harte import FLAT, SHARP, SHARP_KEYS, parse
from recsys.producers.notation.midi import SHARPS
from recsys.producers.notation.score import Metre, Notes, Piece
from recsys.producers.notation.tables import Segments

STEPS = 4  # of a beat
LENGTHS = {16: ("whole", 0), 12: ("half", 1), 8: ("half", 0), 6: ("quarter", 1), 4: ("quarter", 0), 3: ("eighth", 1),
           2: ("eighth", 0), 1: ("16th", 0)}  # steps: name and dots  # fmt: skip
KINDS = {"maj": "major", "min": "minor", "7": "dominant", "maj7": "major-seventh", "min7": "minor-seventh",
         "dim": "diminished", "hdim7": "half-diminished", "aug": "augmented", "sus4": "suspended-fourth"}  # fmt: skip
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
    'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)


class Symbol(NamedTuple):
    """What begins at a step: a note (pitch) or a rest (None), and how many steps it lasts."""

    start: int
    length: int
    pitch: int | None


def write_musicxml(path: str | os.PathLike[str], piece: Piece, line: Notes, chords: Segments | None = None) -> None:
    """Write the lead sheet of a piece, whole or not at all.

    Args:
        piece: its beats, metre, key and title.
        line: the melody; of notes at a time the later begins where it begins.
        chords: labelled stretches in Harte's syntax.
    """
    manifest.write_bytes(Path(path), musicxml(piece, line, chords))


def musicxml(piece: Piece, line: Notes, chords: Segments | None = None) -> bytes:
    """The file as bytes.

    >>> text = musicxml(Piece(title="A"), Notes.of([(0.0, 0.5, 60, 80), (0.5, 1.5, 66, 80)])).decode()
    >>> text.count("<note>"), "<alter>1</alter>" in text
    (3, True)
    """
    metre = Metre((piece.metre or Metre()).beats, 4)
    grid, lead = _grid(piece, metre)
    symbols = _symbols(line, grid)
    labels = _labels(chords, grid)
    last = max([symbol.start + symbol.length for symbol in symbols] + [start + 1 for start, _ in labels] + [1])
    bars = _bars(last, metre.beats * STEPS, lead * STEPS)
    root = Element("score-partwise", version="4.0")
    SubElement(SubElement(root, "work"), "work-title").text = _plain(piece.title)
    SubElement(SubElement(SubElement(root, "part-list"), "score-part", id="P1"), "part-name").text = "Melody"
    part = SubElement(root, "part", id="P1")
    for number, (start, end) in enumerate(bars, 0 if lead else 1):
        measure = SubElement(part, "measure", number=str(number))
        if lead and number == 0:
            measure.set("implicit", "yes")
        if start == bars[0][0]:
            _attributes(measure, piece.key, metre, _tempo(grid))
        _fill(measure, symbols, labels, (start, end), piece.key)
    return HEAD.encode() + ElementTree.tostring(root, "utf-8")


def _grid(piece: Piece, metre: Metre) -> tuple[NDArray[np.float64], int]:
    """Rising times of beats, 0 among or before them, and how many come before the first downbeat."""
    beats = np.asarray(piece.beats, np.float64)
    if len(beats) < 2:
        return np.arange(0, 2, 0.5), 0
    gap = beats[1] - beats[0]
    before = beats[0] - gap * np.arange(int(np.ceil(beats[0] / gap - 0.5)), 0, -1)
    first = np.flatnonzero(piece.downbeats[: len(beats)])
    lead = (len(before) + int(first[0])) % metre.beats if len(first) else 0
    return np.concatenate([before, beats]), lead


def _steps(times: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.int64]:
    """Times in steps from the first beat; beyond the last beat they go on as there."""
    usual = grid[-1] - grid[-2]
    more = np.maximum(times - grid[-1], 0) / usual
    return np.maximum(np.rint((np.interp(times, grid, np.arange(len(grid))) + more) * STEPS), 0).astype(np.int64)


def _symbols(line: Notes, grid: NDArray[np.float64]) -> list[Symbol]:
    """Notes and rests one after another from step 0 on."""
    starts, ends = _steps(line.onset, grid), _steps(line.offset, grid)
    kept = np.flatnonzero(np.append(np.diff(starts) > 0, True)) if len(starts) else np.empty(0, np.int64)
    made, now = [], 0
    for place, row in enumerate(kept):
        start = int(starts[row])
        limit = int(starts[kept[place + 1]]) if place + 1 < len(kept) else int(ends[row])
        if start > now:
            made.append(Symbol(now, start - now, None))
        length = max(min(int(ends[row]), limit) - start, 1)
        made.append(Symbol(start, length, int(line.pitch[row])))
        now = start + length
    return made


def _labels(chords: Segments | None, grid: NDArray[np.float64]) -> list[tuple[int, str]]:
    """Steps at which a chord begins, the last of those that fall together."""
    if chords is None:
        return []
    starts = _steps(chords.intervals[:, 0], grid).tolist()
    return sorted(dict(zip(starts, chords.labels, strict=True)).items())


def _bars(last: int, size: int, lead: int) -> list[tuple[int, int]]:
    """First and last + 1 step of each bar, as far as there is anything."""
    edges = [0, *([lead] if lead else [])]
    while edges[-1] < last:
        edges.append(edges[-1] + size)
    return list(pairwise(edges))


def _fill(
    measure: Element,
    symbols: Sequence[Symbol],
    labels: Sequence[tuple[int, str]],
    bar: tuple[int, int],
    key: int | None,
) -> None:
    """Notes, rests and chord symbols of a bar, in order."""
    first, end = bar
    waiting = [(start, label) for start, label in labels if first <= start < end]
    now = first
    for symbol in [*symbols, Symbol(symbols[-1].start + symbols[-1].length if symbols else 0, end, None)]:
        a, b = max(symbol.start, now), min(symbol.start + symbol.length, end)
        if a >= b:
            continue
        cuts = sorted({a, b, *(start for start, _ in waiting if a < start < b)})
        for piece, until in pairwise(cuts):
            while waiting and waiting[0][0] <= piece:
                _harmony(measure, waiting.pop(0)[1])
            for at, length in _written(piece, until):
                ties = at > symbol.start, at + length < symbol.start + symbol.length
                _note(measure, symbol.pitch, length, ties, key)
        now = b


def _written(start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch as lengths that can be written."""
    while start < end:
        length = next(length for length in LENGTHS if length <= end - start)
        yield start, length
        start += length


def _note(measure: Element, pitch: int | None, length: int, ties: tuple[bool, bool], key: int | None) -> None:
    note = SubElement(measure, "note")
    named = [name for name, there in zip(("stop", "start"), ties, strict=True) if there and pitch is not None]
    if pitch is None:
        SubElement(note, "rest")
    else:
        told = SubElement(note, "pitch")
        _spelled(told, _names(key)[pitch % 12], "step", "alter")
        SubElement(told, "octave").text = str(pitch // 12 - 1)
    SubElement(note, "duration").text = str(length)
    for name in named:
        SubElement(note, "tie", type=name)
    kind, dots = LENGTHS[length]
    SubElement(note, "type").text = kind
    for _ in range(dots):
        SubElement(note, "dot")
    if named:
        notations = SubElement(note, "notations")
        for name in named:
            SubElement(notations, "tied", type=name)


def _harmony(measure: Element, label: str) -> None:
    chord = parse(label)
    if chord.root is None:
        if chord.known:
            told = SubElement(measure, "harmony")
            SubElement(SubElement(told, "root"), "root-step", text="").text = "C"
            SubElement(told, "kind", text="N.C.").text = "none"
        return
    told = SubElement(measure, "harmony")
    _spelled(SubElement(told, "root"), label.partition(":")[0].partition("/")[0], "root-step", "root-alter")
    SubElement(told, "kind").text = KINDS.get(chord.quality or "", "other")


def _spelled(parent: Element, name: str, step: str, alter: str) -> None:
    """A letter with its accidentals as two elements."""
    SubElement(parent, step).text = name[0]
    if change := name.count("#") - name.count("b"):
        SubElement(parent, alter).text = str(change)


def _names(key: int | None) -> Sequence[str]:
    major = 0 if key is None else key % 12 if key < 12 else (key + 3) % 12
    return SHARP if key is None or major in SHARP_KEYS else FLAT


def _attributes(measure: Element, key: int | None, metre: Metre, tempo: float) -> None:
    told = SubElement(measure, "attributes")
    SubElement(told, "divisions").text = str(STEPS)
    if key is not None:
        sign = SubElement(told, "key")
        SubElement(sign, "fifths").text = str(SHARPS[(key % 12 + 3 * (key >= 12)) % 12])
        SubElement(sign, "mode").text = "minor" if key >= 12 else "major"
    time = SubElement(told, "time")
    SubElement(time, "beats").text, SubElement(time, "beat-type").text = str(metre.beats), str(metre.value)
    clef = SubElement(told, "clef")
    SubElement(clef, "sign").text, SubElement(clef, "line").text = "G", "2"
    SubElement(measure, "sound", tempo=f"{tempo:.2f}")


def _tempo(grid: NDArray[np.float64]) -> float:
    return 60 / float(np.median(np.diff(grid)))


def _plain(text: str) -> str:
    """A text without what XML cannot hold."""
    return "".join(letter for letter in text if letter.isprintable())
