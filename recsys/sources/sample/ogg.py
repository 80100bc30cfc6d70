"""An Ogg file in, the same with a chosen serial number out.

The encoder gives every stream a random serial number, which is part of every page and of its checksum; with a fixed
one the same sound gives the same bytes.
"""

from __future__ import annotations

import struct
import zlib

HEADER = 27  # bytes of a page before its table of segments
ALL = 0xFFFFFFFF
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def with_serial(content: bytes, serial: int) -> bytes:
    """The file with this serial number in every page, checksums renewed."""
    pages, at = [], 0
    while at < len(content):
        segments = content[at + 26]
        size = HEADER + segments + sum(content[at + HEADER : at + HEADER + segments])
        page = content[at : at + 14] + struct.pack("<I", serial) + content[at + 18 : at + 22] + bytes(4)
        page += content[at + 26 : at + size]
        pages.append(page[:22] + struct.pack("<I", checksum(page)) + page[26:])
        at += size
    return b"".join(pages)


def checksum(page: bytes) -> int:
    """The page's CRC-32 as Ogg wants it: bits the other way round than zlib's, starting from 0, not inverted.

    >>> f"{checksum(b'123456789'):08x}"
    '89a1897f'
    """
    mirrored = zlib.crc32(page.translate(MIRRORED), ALL) ^ ALL
    return int(f"{mirrored:032b}"[::-1], 2)
