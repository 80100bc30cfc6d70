"""Score files in, notes counted in beats out: POP909 folders, MusicXML, ABC. Read only as far as rhythm needs."""

from __future__ import annotations

import itertools
import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARPS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1, "Bb": -2, "Eb": -3, "Ab": -4}


class Score(NamedTuple):
    """Notes of each part, rows of (start, length) in beats and pitch; whether each beat begins a bar; usual BPM."""

    parts: list[Floats]
    bars: NDArray[np.bool_]
    bpm: float | None = None


class Bar(NamedTuple):
    """Start and length in quarters, and the time signature."""

    start: float
    length: float
    signature: tuple[int, int]


# POP909


def pop909(folder: Path) -> Score:
    """A song of POP909: ``NNN.mid`` and ``beat_midi.txt`` (time, half bar, bar)."""
    beats = np.loadtxt(folder / "beat_midi.txt")
    times, places = beats[:, 0], np.arange(len(beats))
    parts = []
    for notes in midi_parts(folder / f"{folder.name}.mid"):
        notes = notes[(notes[:, 0] >= times[0]) & (notes[:, 0] < times[-1] - 0.1)]
        starts, ends = (np.interp(notes[:, side] + 1e-3, times, places) for side in (0, 1))
        parts.append(np.column_stack([starts, ends - starts, notes[:, 2]]))
    return Score(parts, beats[:, 2] > 0, 60 / float(np.median(np.diff(times))))


def midi_parts(path: Path) -> list[Floats]:
    """Notes of each track of a MIDI file: rows of (onset, offset) in seconds and pitch."""
    data = path.read_bytes()
    tracks, ticks_per_quarter = struct.unpack(">HH", data[10:14])
    place, events = 14, []
    for _ in range(tracks):
        length = struct.unpack(">I", data[place + 4 : place + 8])[0]
        events.append(list(_events(data, place + 8, place + 8 + length)))
        place += 8 + length
    tempos = sorted((tick, value) for track in events for tick, kind, _, value in track if kind == "tempo")
    ticks = np.array([0, *(tick for tick, _ in tempos), 2**30])
    quarters = np.array([500_000, *(value for _, value in tempos)]) / 1e6 / ticks_per_quarter
    seconds = np.concatenate([[0], np.cumsum(np.diff(ticks) * quarters)])
    parts = []
    for track in events:
        open_notes: dict[int, list[int]] = {}
        notes = []
        for tick, kind, pitch, _ in track:
            if kind == "on":
                open_notes.setdefault(pitch, []).append(tick)
            elif kind == "off" and open_notes.get(pitch):
                notes.append((*np.interp([open_notes[pitch].pop(0), tick], ticks, seconds), pitch))
        if notes:
            parts.append(np.array(notes))
    return parts


def _events(data: bytes, place: int, end: int) -> Iterator[tuple[int, str, int, int]]:
    """(tick, on / off / tempo, pitch, value) of one track."""
    tick, status = 0, 0
    while place < end:
        step, place = _number(data, place)
        tick += step
        if data[place] == 0xFF:
            kind = data[place + 1]
            size, place = _number(data, place + 2)
            if kind == 0x51:
                yield tick, "tempo", 0, int.from_bytes(data[place : place + 3], "big")
            place += size
            continue
        if data[place] in (0xF0, 0xF7):
            size, place = _number(data, place + 1)
            place += size
            continue
        if data[place] & 128:
            status, place = data[place], place + 1
        if status >> 4 in (8, 9):
            yield tick, "on" if status >> 4 == 9 and data[place + 1] else "off", data[place], data[place + 1]
        place += 1 if status >> 4 in (12, 13) else 2


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of variable length, and the place after it."""
    value = 0
    while True:
        value, place = value << 7 | data[place] & 127, place + 1
        if data[place - 1] < 128:
            return value, place


# MusicXML


def musicxml(path: Path) -> Score:
    """A score in ``.mxl`` or ``.xml``; repeats are not played."""
    if path.suffix == ".mxl":
        with zipfile.ZipFile(path) as packed:
            inner = next(name for name in packed.namelist() if "META-INF" not in name and name.endswith("ml"))
            root = ElementTree.fromstring(packed.read(inner))
    else:
        root = ElementTree.parse(path).getroot()
    found = [_xml_part(part) for part in root.findall("part")]
    return in_beats([notes for notes, _ in found if len(notes)], max((bars for _, bars in found), key=len))


def _xml_part(part: ElementTree.Element) -> tuple[Floats, list[Bar]]:
    notes: list[list[float]] = []
    bars: list[Bar] = []
    tied: dict[int, int] = {}
    division, start, signature = 1.0, 0.0, (4, 4)
    for measure in part.findall("measure"):
        here = latest = reach = 0.0
        for element in measure:
            length = float(element.findtext("duration", "0")) / division
            if element.tag == "attributes":
                division = float(element.findtext("divisions", str(division)))
                beats, kind = element.findtext("time/beats", ""), element.findtext("time/beat-type", "")
                signature = (int(beats), int(kind)) if beats.isdigit() and kind.isdigit() else signature
            elif element.tag in ("backup", "forward"):
                here += length if element.tag == "forward" else -length
            elif element.tag == "note" and element.find("grace") is None:
                latest = latest if element.find("chord") is not None else here
                here = here if element.find("chord") is not None else here + length
                _add_note(element, start + latest, length, notes, tied)
            reach = max(reach, here)
        bars.append(Bar(start, reach, signature))
        start += reach
    return np.array(notes), bars


def _add_note(
    element: ElementTree.Element, start: float, length: float, notes: list[list[float]], tied: dict[int, int]
) -> None:
    step = element.findtext("pitch/step")
    if step is None:
        return
    octave, alter = int(element.findtext("pitch/octave", "4")), float(element.findtext("pitch/alter", "0"))
    pitch = 12 * (octave + 1) + STEPS[step] + int(alter)
    ties = {tie.get("type") for tie in element.findall("tie")}
    if "stop" in ties and pitch in tied:
        place = tied.pop(pitch)
        notes[place][1] = start + length - notes[place][0]
    else:
        notes.append([start, length, pitch])
        place = len(notes) - 1
    if "start" in ties:
        tied[pitch] = place


# ABC

TOKEN = re.compile(r"(\|[\]:|]?|:\|)|\((\d)[:\d]*|([_^=]*)([A-Ga-gzx])([,']*)(\d*)(/*)(\d*)|([<>])")


def abc(path: Path) -> Score:
    """One tune of one voice; repeats are not played."""
    head, body = {}, ""
    for line in path.read_text("latin-1").splitlines():
        line = line.split("%")[0].strip()
        if re.match(r"[A-Za-z]:", line):
            head[line[0]] = line[2:].strip()
        else:
            body += line
    metre = {"C": "4/4", "C|": "2/2"}.get(head.get("M", "C"), head.get("M", "4/4"))
    signature = (int(metre.split("/")[0]), int(metre.split("/")[1]))
    unit = [int(number) for number in head.get("L", "1/8").split("/")]
    return in_beats(*_tune(body, signature, 4 * unit[0] / unit[1], _key(head.get("K", "C"))))


def _key(name: str) -> dict[str, int]:
    """Letters that a key signature alters."""
    found = re.match(r"([A-G]b?)(m?)", name)
    sharps = SHARPS.get(found[1], 0) - (3 if found[2] else 0) if found else 0
    return dict.fromkeys("FCGDAEB"[: max(0, sharps)], 1) | dict.fromkeys("BEADGCF"[: max(0, -sharps)], -1)


def _tune(body: str, signature: tuple[int, int], unit: float, key: dict[str, int]) -> tuple[list[Floats], list[Bar]]:
    body = re.sub(r'"[^"]*"|![^!]*!|\{[^}]*\}|\[[0-9]|\[[A-Z]:[^\]]*\]', "", body)
    notes: list[list[float]] = []
    lines, time, left, factor, dotted = [0.0], 0.0, 0, 1.0, 1.0
    for token in TOKEN.finditer(body):
        line, tuplet, accidental, letter, marks, times, slashes, parts, broken = token.groups()
        if line:
            lines += [time] if time > lines[-1] else []
        elif tuplet:
            left, factor = int(tuplet), {2: 3 / 2, 3: 2 / 3, 4: 3 / 4, 6: 2 / 3}.get(int(tuplet), 1.0)
        elif broken and notes:
            change = 1.5 if broken == ">" else 0.5
            time += notes[-1][1] * (change - 1)
            notes[-1][1] *= change
            dotted = 2 - change
        elif letter:
            length = unit * int(times or 1) / (int(parts) if parts else 2 ** len(slashes)) * dotted
            length, left, dotted = (length * factor, left - 1, 1.0) if left else (length, 0, 1.0)
            if letter not in "zx":
                shift = accidental.count("^") - accidental.count("_") if accidental else key.get(letter.upper(), 0)
                octave = letter.islower() + marks.count("'") - marks.count(",")
                notes.append([time, length, 60 + STEPS[letter.upper()] + 12 * octave + shift])
            time += length
    bounds = [*lines, time] if time > lines[-1] else lines
    return [np.array(notes)], [Bar(a, b - a, signature) for a, b in itertools.pairwise(bounds)]


# Beats


def in_beats(parts: list[Floats], bars: list[Bar]) -> Score:
    """Quarters turned into beats: a dotted note in compound metres, else the lower number of the signature."""
    places: list[float] = []
    first: list[bool] = []
    for bar in bars:
        over, under = bar.signature
        beat = 12 / under if over % 3 == 0 and over > 3 and under >= 8 else 4 / under
        pick_up = not places and bar.length < over * 4 / under - 1e-6
        offset = bar.length % beat if pick_up else 0.0
        inside = bar.start + np.arange(offset, bar.length - 1e-6, beat)
        places += list(inside)
        first += [place == 0 and not pick_up for place in range(len(inside))]
    places.append(bars[-1].start + bars[-1].length)
    index = np.arange(len(places))
    out = []
    for notes in parts:
        notes = notes[(notes[:, 0] >= places[0]) & (notes[:, 0] < places[-1])]
        starts, ends = (np.interp(side, places, index) for side in (notes[:, 0], notes[:, 0] + notes[:, 1]))
        out.append(np.column_stack([starts, ends - starts, notes[:, 2]]))
    return Score(out, np.array(first, bool))
