"""MPEG audio frames and the tags around them: where sound begins and ends, and what between is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# ISO/IEC 11172-3 and 13818-3: kilobits per second by (version 1 or 2, layer) and index
BITRATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LONGEST_FRAME = 5000


@dataclass
class Frames:
    """Frames of a stream: how long they last, bytes between two of them that are none, whether the last is cut."""

    seconds: float = 0.0
    junk: int = 0
    cut: bool = False


def _table() -> dict[int, tuple[int, float]]:
    """Bytes and seconds of a frame by its second and third byte, for all that are allowed."""
    table = {}
    for version, rates in RATES.items():
        for layer in (1, 2, 3):
            for index, kilobits in enumerate(BITRATES[1 if version == 3 else 2, layer], start=1):
                for place, rate in enumerate(rates):
                    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
                    for free_bits in range(8):  # padding, private, no checksum
                        padding, private, checksum = free_bits & 1, free_bits >> 1 & 1, free_bits >> 2
                        slot = 4 if layer == 1 else 1
                        size = (samples // 8 * kilobits * 1000 // rate // slot + padding) * slot
                        second = 0xE0 | version << 3 | (4 - layer) << 1 | checksum
                        third = index << 4 | place << 2 | padding << 1 | private
                        table[second << 8 | third] = (size, samples / rate)
    return table


FRAME = _table()


def is_frame(head: bytes) -> bool:
    """Whether these bytes begin as a frame does."""
    return len(head) >= 4 and head[0] == 0xFF and (head[1] << 8 | head[2]) in FRAME


def count(parts: Iterator[bytes]) -> Frames:
    """Walk from frame to frame; what is no frame is junk."""
    found, rest = Frames(), b""
    for part in parts:
        rest = _walk(rest + part, found)
    found.cut = is_frame(_walk(rest, found, last=True))
    return found


def _walk(data: bytes, found: Frames, *, last: bool = False) -> bytes:
    """Count the frames of ``data``; return what is left, to be put before the next part."""
    position, end = 0, len(data) - (4 if last else LONGEST_FRAME)
    while position <= end:
        entry = FRAME.get(data[position + 1] << 8 | data[position + 2]) if data[position] == 0xFF else None
        if entry is None:
            following = _next(data, position + 1, end)
            found.junk += following - position if found.seconds and following <= end else 0
            position = following
        elif position + entry[0] > len(data):
            break
        else:
            position += entry[0]
            found.seconds += entry[1]
    return data[position:]


def _next(data: bytes, position: int, end: int) -> int:
    """Where the next frame that is followed by another begins; the end when there is none."""
    while (position := data.find(b"\xff", position)) >= 0 and position <= end:
        entry = FRAME.get(data[position + 1] << 8 | data[position + 2])
        if entry and is_frame(data[position + entry[0] : position + entry[0] + 4]):
            return position
        position += 1
    return max(end + 1, 0) if position < 0 or position > end else position


def tags_before(file: BinaryIO) -> int:
    """Bytes of ID3v2 tags at the start."""
    position = 0
    while True:
        file.seek(position)
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 127:
            return position
        position += 10 + _syncsafe(head[6:10]) + (10 if head[5] & 0x10 else 0)


def tags_after(file: BinaryIO, size: int) -> int:
    """Bytes of ID3v1, APE and Lyrics3 tags at the end."""
    end = size
    while end > 0 and (length := _one_after(file, end)):
        end -= min(length, end)
    return size - end


def _one_after(file: BinaryIO, end: int) -> int:
    """Length of the tag that ends at ``end``; 0 when there is none."""
    if _at(file, end - 128, 3) == b"TAG":
        return 128 + (227 if _at(file, end - 355, 4) == b"TAG+" else 0)
    footer = _at(file, end - 32, 32)
    if footer[:8] == b"APETAGEX":
        with_header = int.from_bytes(footer[20:24], "little") & 0x80000000
        return max(int.from_bytes(footer[12:16], "little"), 32) + (32 if with_header else 0)
    if footer[-9:] == b"LYRICS200" and footer[-15:-9].isdigit():
        return int(footer[-15:-9]) + 15
    if footer[-10:-7] == b"3DI" and max(footer[-4:]) < 128:
        return _syncsafe(footer[-4:]) + 20
    return 0


def _at(file: BinaryIO, position: int, length: int) -> bytes:
    if position < 0:
        return b""
    file.seek(position)
    return file.read(length)


def _syncsafe(four: bytes) -> int:
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]
