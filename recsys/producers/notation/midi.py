"""A piece in, a Standard MIDI File (format 1) out, on whose bars and beats the music falls.

The tempo map puts every beat on a beat of the file, so an editor shows bars where they are heard.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from recsys import manifest
from recsys.errors import DataError
from recsys.producers.notation.clock import PER_QUARTER, Clock, Ticks, from_beats
from recsys.producers.notation.score import Metre, Notes, Part, Piece
from recsys.producers.notation.tables import Segments

DRUMS = 9  # the channel of the drums
SHARPS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)  # of the major key on each pitch class
Event = tuple[int, int, bytes]  # tick, place among the events of a tick, message


def write_midi(
    path: str | os.PathLike[str], piece: Piece, chords: Segments | None = None, remarks: Sequence[str] = ()
) -> None:
    """Write a piece, whole or not at all; the labels of chords become markers, remarks text at the beginning.

    Of two notes of one pitch in one part the earlier ends where the later begins.

    Raises:
        DataError: more than 15 instruments, or beats that don't rise.
    """
    manifest.write_bytes(Path(path), midi_bytes(piece, chords, remarks))


def midi_bytes(piece: Piece, chords: Segments | None = None, remarks: Sequence[str] = ()) -> bytes:
    """The file as bytes.

    >>> midi_bytes(Piece([Part(Notes.of([(0.0, 0.5, 60, 80)]))]))[:4]
    b'MThd'
    """
    metre = piece.metre or Metre()
    clock, beats = from_beats(np.asarray(piece.beats, np.float64), metre.value)
    tracks = [_conductor(piece, clock, beats, chords, remarks)]
    tracks += [_part(part, channel, clock) for part, channel in zip(piece.parts, _channels(piece.parts), strict=True)]
    head = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), PER_QUARTER)
    return head + b"".join(tracks)


def _channels(parts: Sequence[Part]) -> list[int]:
    """Each instrument's own channel; drums are on the tenth."""
    melodic = [channel for channel in range(16) if channel != DRUMS]
    wanted = sum(not part.drums for part in parts)
    if wanted > len(melodic):
        raise DataError(f"{wanted} instruments; a MIDI file holds at most 15 beside drums")
    free = iter(melodic)
    return [DRUMS if part.drums else next(free) for part in parts]


def _conductor(piece: Piece, clock: Clock, beats: Ticks, chords: Segments | None, remarks: Sequence[str] = ()) -> bytes:
    """The track of title, remarks, tempo, metre, key and chords."""
    events: list[Event] = [(0, 1, _meta(0x01, remark.encode())) for remark in remarks]
    if piece.title:
        events.append((0, 0, _meta(0x03, piece.title.encode())))
    if piece.key is not None:
        tonic, minor = piece.key % 12, int(piece.key >= 12)
        events.append((0, 2, _meta(0x59, struct.pack("bB", SHARPS[(tonic + 3 * minor) % 12], minor))))
    for tick, quarter in zip(clock.ticks.tolist(), clock.quarters.tolist(), strict=True):
        events.append((tick, 3, _meta(0x51, quarter.to_bytes(3, "big"))))
    if chords is not None:
        starts = clock.tick(chords.intervals[:, 0]).tolist()
        events += [(tick, 4, _meta(0x06, label.encode())) for tick, label in zip(starts, chords.labels, strict=True)]
    end = int(beats[-1]) + PER_QUARTER * 4 // (piece.metre or Metre()).value if len(beats) else 0
    return _track(events + _metres(piece, beats), end)


def _metres(piece: Piece, beats: Ticks) -> list[Event]:
    """The metre; what comes before the first downbeat is a bar of its own length."""
    if piece.metre is None:
        return []
    count, value = piece.metre
    step = PER_QUARTER * 4 // value
    first = np.flatnonzero(piece.downbeats[: len(beats)])
    lead = int(beats[first[0]]) // step % count if len(first) else 0
    if not lead:
        return [(0, 1, _signature(count, value))]
    return [(0, 1, _signature(lead, value)), (lead * step, 1, _signature(count, value))]


def _signature(count: int, value: int) -> bytes:
    return _meta(0x58, bytes([count, value.bit_length() - 1, 24, 8]))


def _part(part: Part, channel: int, clock: Clock) -> bytes:
    notes = _on_grid(part.notes, clock)
    events: list[Event] = [(0, 0, _meta(0x03, part.name.encode()))] if part.name else []
    if part.program is not None and not part.drums:
        events.append((0, 1, bytes([0xC0 | channel, part.program])))
    for start, end, pitch, velocity in notes:
        events.append((start, 6, bytes([0x90 | channel, pitch, velocity])))
        events.append((end, 5, bytes([0x80 | channel, pitch, 0])))
    return _track(events)


def _on_grid(notes: Notes, clock: Clock) -> list[tuple[int, int, int, int]]:
    """Start and end tick, pitch and velocity; at least a tick long, and off before the next of the same pitch."""
    notes = notes.untangled()
    starts, ends = clock.tick(notes.onset), clock.tick(notes.offset)
    made: list[tuple[int, int, int, int]] = []
    upcoming: dict[int, int] = {}  # the next start of each pitch
    for place in range(len(notes) - 1, -1, -1):
        start, pitch = int(starts[place]), int(notes.pitch[place])
        follows = upcoming.get(pitch)
        if follows is not None and start >= follows:
            start = max(follows - 1, 0)
        end = max(int(ends[place]), start + 1)
        made.append((start, end if follows is None else min(end, follows), pitch, int(notes.velocity[place])))
        upcoming[pitch] = start
    return [note for note in reversed(made) if note[1] > note[0]]


def _track(events: Iterable[Event], end: int = 0) -> bytes:
    """A chunk that ends at a tick, or with its last event."""
    body, now = bytearray(), 0
    for tick, _, message in sorted(events):
        body += variable(tick - now) + message
        now = tick
    body += variable(max(end - now, 0)) + b"\xff\x2f\x00"
    return struct.pack(">4sI", b"MTrk", len(body)) + bytes(body)


def _meta(kind: int, content: bytes) -> bytes:
    return bytes([0xFF, kind]) + variable(len(content)) + content


def variable(number: int) -> bytes:
    """A number of variable length: seven bits a byte, the highest bit says that more follow.

    >>> variable(200).hex()
    '8148'
    """
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))
