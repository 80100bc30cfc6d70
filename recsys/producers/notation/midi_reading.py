"""A Standard MIDI File in, a piece out."""

from __future__ import annotations

import os
import struct
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.notation.clock import USUAL, Clock
from recsys.producers.notation.midi import DRUMS
from recsys.producers.notation.score import Metre, Notes, Part, Piece

LENGTHS = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}  # data bytes of a message by its kind
MOST_BEATS = 100_000


@dataclass
class _Track:
    """What one chunk holds: notes by channel in ticks, programs, and what concerns the whole file."""

    name: str = ""
    programs: dict[int, int] = field(default_factory=dict)
    notes: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = field(default_factory=lambda: defaultdict(deque))
    tempos: dict[int, int] = field(default_factory=dict)
    metres: list[tuple[int, Metre]] = field(default_factory=list)
    key: int | None = None
    end: int = 0


def read_midi(path: str | os.PathLike[str]) -> Piece:
    """Read a file of format 0 or 1: a part per track and channel; beats as the tempo map and metres have them.

    A note that is never switched off ends with its track; of equal pitches the first switched on goes off first.

    Raises:
        DataError: not a MIDI file, broken off, or timed by film frames.
        OSError: it cannot be read.
    """
    data = Path(path).read_bytes()
    try:
        tracks, division = _tracks(data)
    except (struct.error, IndexError) as error:
        raise DataError(f"{path} breaks off; expected a whole MIDI file") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    clock = _clock(tracks, division)
    parts = [part for track in tracks for part in _parts(track, clock)]
    beats, downbeats = _beats(tracks, clock)
    metres = sorted((tick, metre) for track in tracks for tick, metre in track.metres)
    key = next((track.key for track in tracks if track.key is not None), None)
    title = tracks[0].name if tracks and not tracks[0].notes else ""
    return Piece(parts, beats, downbeats, metres[-1][1] if metres else None, key, title)


def _tracks(data: bytes) -> tuple[list[_Track], int]:
    if data[:4] != b"MThd":
        raise ValueError(f"begins with {data[:4]!r}; expected a MIDI file")
    size, _, _, division = struct.unpack(">IHHH", data[4:14])
    if division & 0x8000 or division == 0:
        raise ValueError("timed by film frames; expected ticks of a quarter")
    place, found = 8 + size, []
    while place + 8 <= len(data):
        kind, length = struct.unpack(">4sI", data[place : place + 8])
        if kind == b"MTrk":
            if place + 8 + length > len(data):
                raise IndexError
            found.append(_track(data[place + 8 : place + 8 + length]))
        place += 8 + length
    return found, division


def _track(data: bytes) -> _Track:
    track, tick = _Track(), 0
    for step, status, content in _messages(data):
        tick += step
        if status == 0xFF:
            _meta(track, tick, content[0], content[1:])
            continue
        kind, channel = status >> 4, status & 15
        if kind == 0xC:
            track.programs.setdefault(channel, content[0])
        elif kind == 0x9 and content[1]:
            track.sounding[channel, content[0]].append((tick, content[1]))
        elif kind in (0x8, 0x9):
            _off(track, channel, content[0], tick)
    track.end = tick
    for (channel, pitch), started in track.sounding.items():
        for _ in range(len(started)):
            _off(track, channel, pitch, tick)
    return track


def _off(track: _Track, channel: int, pitch: int, tick: int) -> None:
    started = track.sounding[channel, pitch]
    if started:
        start, velocity = started.popleft()
        if tick > start:
            track.notes[channel].append((start, tick, pitch, velocity))


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Ticks since the last message, status, and its data (of a meta event: kind, then content)."""
    place, status = 0, 0
    while place < len(data):
        step, place = _number(data, place)
        if data[place] & 0x80:
            status, place = data[place], place + 1
        elif status < 0x80 or status >= 0xF0:
            raise ValueError(f"data byte {data[place]} without a message; the file is damaged")
        if status == 0xFF:
            size, start = _number(data, place + 1)
            yield step, status, data[place : place + 1] + data[start : start + size]
            place = start + size
        elif status in (0xF0, 0xF7):
            size, start = _number(data, place)
            yield step, 0xF0, b""
            place = start + size
        elif status >> 4 in LENGTHS:
            size = LENGTHS[status >> 4]
            content = data[place : place + size]
            if len(content) < size or max(content) > 127:
                raise ValueError("a message with a byte above 127; the file is damaged")
            yield step, status, content
            place += size
        else:
            raise ValueError(f"message {status:#x}, which no file may hold")


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = 0
    for _ in range(4):
        value, more = value << 7 | data[place] & 127, data[place] & 128
        place += 1
        if not more:
            return value, place
    raise ValueError("a number of more than four bytes; the file is damaged")


def _meta(track: _Track, tick: int, kind: int, content: bytes) -> None:
    if kind == 0x03 and not track.name:
        track.name = content.decode("utf-8", "replace")
    elif kind == 0x51 and len(content) == 3 and any(content):
        track.tempos[tick] = int.from_bytes(content, "big")
    elif kind == 0x58 and len(content) >= 2 and content[0] and content[1] < 7:
        track.metres.append((tick, Metre(content[0], 2 ** content[1])))
    elif kind == 0x59 and len(content) == 2 and track.key is None and -7 <= (sharps := _signed(content[0])) <= 7:
        minor = content[1] == 1
        major = sharps * 7 % 12
        track.key = (major + 9) % 12 + 12 if minor else major


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _clock(tracks: list[_Track], division: int) -> Clock:
    tempos = {0: USUAL}
    for track in tracks:
        tempos |= track.tempos
    ticks = np.array(sorted(tempos), np.int64)
    return Clock(ticks, np.array([tempos[int(tick)] for tick in ticks], np.int64), division)


def _parts(track: _Track, clock: Clock) -> Iterator[Part]:
    for channel, notes in sorted(track.notes.items()):
        table = np.array(notes, np.float64)
        seconds = [clock.seconds(table[:, side].astype(np.int64)) for side in (0, 1)]
        program = None if channel == DRUMS else track.programs.get(channel)
        yield Part(Notes.of(np.column_stack([*seconds, table[:, 2:]])), program, track.name, channel == DRUMS)


def _beats(tracks: list[_Track], clock: Clock) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times of beats up to the end, and which begin a bar, by the metres of the file."""
    end = max((track.end for track in tracks), default=0)
    metres = sorted((tick, metre) for track in tracks for tick, metre in track.metres)
    changes = metres if metres and metres[0][0] == 0 else [(0, Metre()), *metres]
    places, first, left = [np.empty(0)], [np.empty(0, np.bool_)], MOST_BEATS
    for (start, metre), stop in zip(changes, [tick for tick, _ in changes[1:]] + [end], strict=True):
        step = clock.per_quarter * 4 / metre.value
        count = min(max(int(np.ceil((stop - start) / step - 1e-9)), 0), left)
        left -= count
        places.append(start + np.rint(step * np.arange(count)))
        first.append(np.arange(count) % metre.beats == 0)
    return clock.seconds(np.concatenate(places).astype(np.int64)), np.concatenate(first)
