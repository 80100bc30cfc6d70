"""A file's bytes in, where its sound lies and whether it is whole out."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from recsys.audio import flac, mpeg
from recsys.errors import DataError

CHUNK = 1 << 20
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
SUFFIXES_OF = {
    "mp3": {".mp3"},
    "flac": {".flac"},
    "ogg": {".ogg", ".oga", ".opus"},
    "mp4": {".m4a", ".mp4"},
    "wav": {".wav"},
    "aiff": {".aiff", ".aif"},
}


@dataclass
class Container:
    """How a file is built.

    Attributes:
        kind: mp3, flac, ogg, mp4, wav, aiff, or None when not recognised.
        digest: sha256 of the sound without tags, hex; of the whole file when the kind is not known.
        cut: it ends before it should.
        broken: frames of FLAC and pages of Ogg whose checksum is another, and gaps between pages.
        junk: bytes between the frames of an mp3, or after the pages of an Ogg file, that are no sound.
        seconds: length of the sound that is there, where counting frames tells.
    """

    kind: str | None
    digest: str = ""
    cut: bool = False
    broken: int = 0
    junk: int = 0
    seconds: float | None = None
    regions: list[tuple[int, int]] = field(default_factory=list)


def look(path: str) -> Container:
    """Recognise a file by its content, and hash its sound; constant memory.

    The same sound under other tags, another name or in another place has the same digest.

    Raises:
        DataError: the file is empty.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        if size == 0:
            raise DataError("the file is empty; expected sound")
        found = _recognise(file, size)
        parts = _ogg(file, found) if found.kind == "ogg" else _regions(file, found.regions)
        found.digest = _hash(parts)
        if found.kind == "mp3":
            _count(file, found)
        if found.kind == "flac":
            frames = flac.count(_regions(file, found.regions))
            found.broken, found.cut = frames.broken, found.cut or frames.cut
        return found


def _recognise(file: BinaryIO, size: int) -> Container:
    start = mpeg.tags_before(file)
    file.seek(start)
    head = file.read(12)
    if head[:4] == b"fLaC":
        return _flac(file, start, size)
    if head[:4] == b"OggS":
        return Container("ogg")
    if head[4:8] == b"ftyp":
        return _atoms(file, size)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _chunks(file, size, "wav", "<", (b"fmt ", b"data"))
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _chunks(file, size, "aiff", ">", (b"COMM", b"SSND"))
    if start or mpeg.is_frame(head):
        end = size - mpeg.tags_after(file, size)
        return Container("mp3", regions=[(start, max(end - start, 0))])
    return Container(None, regions=[(0, size)])


def _flac(file: BinaryIO, start: int, size: int) -> Container:
    """Frames after the last metadata block."""
    position, last = start + 4, False
    while not last:
        file.seek(position)
        head = file.read(4)
        if len(head) < 4:
            return Container("flac", cut=True, regions=[(start, size - start)])
        last = bool(head[0] & 0x80)
        position += 4 + int.from_bytes(head[1:], "big")
    end = size - mpeg.tags_after(file, size)
    return Container("flac", cut=position >= end, regions=[(position, max(end - position, 0))])


def _atoms(file: BinaryIO, size: int) -> Container:
    """The media data of an MP4 file."""
    found, position, index = Container("mp4"), 0, False
    while position + 8 <= size:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            length, header = int.from_bytes(file.read(8), "big"), 16
        length = size - position if length == 0 else length
        if length < header:
            break
        index |= name == b"moov"
        if name == b"mdat":
            found.regions.append((position + header, min(length, size - position) - header))
        found.cut |= position + length > size
        position += length
    found.cut |= not index
    return found


def _chunks(file: BinaryIO, size: int, kind: str, order: str, wanted: tuple[bytes, ...]) -> Container:
    """The format and the samples of a RIFF or AIFF file."""
    found, position = Container(kind), 12
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        streamed = kind == "wav" and length == 0xFFFFFFFF  # the true length is elsewhere, or the writer never knew it
        length = size - position - 8 if streamed else length
        if name in wanted:
            found.regions.append((position + 8, min(length, size - position - 8)))
            found.cut |= position + 8 + length > size
        position += 8 + length + length % 2
    return found


def _ogg(file: BinaryIO, found: Container) -> Iterator[bytes]:
    """The packets of an Ogg file but for the second, the comments; page headers are left out."""
    file.seek(0)
    packet, first, head, numbers = 0, b"", bytes(27), dict[bytes, int]()
    while (following := file.read(27))[:4] == b"OggS" and len(following) == 27:
        head = following
        first = first or head[14:18]
        laces = file.read(head[26])
        body = file.read(sum(laces))
        found.broken += _page_is_damaged(head, laces, body) + _gap(head, numbers)
        if packet > 1 or head[14:18] != first:
            yield body
        else:
            yield _without_comments(body, laces, packet)
            packet += sum(lace < 255 for lace in laces)
        found.cut = len(body) < sum(laces)
    found.cut |= not head[5] & 4  # the last page says so
    found.junk = len(following)
    for part in iter(lambda: file.read(CHUNK), b""):
        found.junk += len(part)
        yield part


def _page_is_damaged(head: bytes, laces: bytes, body: bytes) -> bool:
    """Whether a page has another checksum than its head tells (RFC 3533): zlib's, with all bits mirrored."""
    page = (head[:22] + bytes(4) + head[26:] + laces + body).translate(_MIRRORED)
    check = zlib.crc32(page, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return check.to_bytes(4, "big").translate(_MIRRORED) != head[22:26]


def _gap(head: bytes, numbers: dict[bytes, int]) -> bool:
    """Whether pages of this stream are missing before this one."""
    serial, number = head[14:18], int.from_bytes(head[18:22], "little")
    expected = numbers.get(serial, number)
    numbers[serial] = number + 1
    return number != expected


def _without_comments(body: bytes, laces: bytes, packet: int) -> bytes:
    """What of a page is not of packet 1; ``packet`` is the one it begins in."""
    kept, offset = b"", 0
    for lace in laces:
        kept += body[offset : offset + lace] if packet != 1 else b""
        offset += lace
        packet += lace < 255
    return kept


def _regions(file: BinaryIO, regions: list[tuple[int, int]]) -> Iterator[bytes]:
    for start, length in regions:
        file.seek(start)
        while length > 0 and (part := file.read(min(CHUNK, length))):
            length -= len(part)
            yield part


def _hash(parts: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _count(file: BinaryIO, found: Container) -> None:
    frames = mpeg.count(_regions(file, found.regions))
    if frames.seconds > 0:
        found.seconds, found.junk, found.cut = frames.seconds, frames.junk, frames.cut
