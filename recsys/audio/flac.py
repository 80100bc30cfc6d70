"""FLAC frames: each ends with a checksum of itself, so damage shows without decoding (RFC 9639, section 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

SYNC = re.compile(rb"\xff[\xf8\xf9]")
LONGEST_HEADER = 16
LONGEST_REST = 1 << 24  # bytes without enough frames, after which none is waited for: a frame has 2 MB at most
PATIENCE = 3  # headers after a frame that may turn out to be sound that looks like one


@dataclass
class Frames:
    """Frames of a stream: how many there are, how many have another checksum, whether the last is cut."""

    frames: int = 0
    broken: int = 0
    cut: bool = False


def count(parts: Iterator[bytes]) -> Frames:
    """Walk from frame to frame; memory is bounded by a few frames and a part."""
    found, rest = Frames(), b""
    for part in parts:
        rest = _walk(rest + part, found)
        if len(rest) > LONGEST_REST:
            found.broken, rest = found.broken + 1, rest[-LONGEST_HEADER:]
    _walk(rest, found, last=True)
    return found


def _walk(data: bytes, found: Frames, *, last: bool = False) -> bytes:
    """Count the frames that end in ``data``; return the rest, which begins with the next."""
    heads = chain(_heads(data), [len(data)] if last else [])
    waiting = list(islice(heads, PATIENCE + 1))
    while len(waiting) > (1 if last else PATIENCE):
        start, *ends = waiting
        whole = next((place for place, end in enumerate(ends) if _checksum(data[start:end]) == 0), None)
        found.frames += 1
        found.cut = whole is None and len(ends) == 1
        found.broken += whole is None and not found.cut
        waiting = ends[whole or 0 :]
        waiting += islice(heads, PATIENCE + 1 - len(waiting))
    return data[waiting[0] :] if waiting and not last else data[-LONGEST_HEADER:]


def _heads(data: bytes) -> Iterator[int]:
    """Where a frame may begin: the sync code, and a header whose checksum is right."""
    for found in SYNC.finditer(data, 0, max(len(data) - LONGEST_HEADER, 0)):
        if _is_head(data[found.start() : found.start() + LONGEST_HEADER]):
            yield found.start()


def _is_head(data: bytes) -> bool:
    """Whether a frame's header with a right checksum lies here."""
    size, rate = data[2] >> 4, data[2] & 15
    if not size or rate == 15 or data[3] & 1 or data[3] >> 4 > 10:
        return False
    number = next((ones for ones in range(8) if not data[4] << ones & 0x80), 8)
    if number in (1, 8):
        return False
    length = 4 + max(number, 1) + {6: 1, 7: 2}.get(size, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    check = 0
    for byte in data[:length]:
        check = _CRC8[check ^ byte]
    return length < len(data) and check == data[length]


def _checksum(data: bytes) -> int:
    """The frame's checksum of all of it, its own included: 0 when it is whole."""
    from recsys.audio.kernels import crc16

    return int(crc16(data))


def _table() -> list[int]:
    """CRC-8 of each byte, polynomial x⁸ + x² + x + 1."""
    table = list(range(256))
    for _ in range(8):
        table = [(value << 1 ^ 0x07) & 0xFF if value & 0x80 else value << 1 for value in table]
    return table


_CRC8 = _table()
