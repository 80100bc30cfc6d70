"""Text files as UTF-8 bytes: unzipped, without byte order mark, UTF-16 translated."""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path
from typing import IO, cast

from recsys.errors import DataError

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_text(path: Path) -> IO[bytes]:
    """A text file, standing at its first character; the caller closes it.

    Raises:
        DataError: the content is not text.
    """
    stream = cast(IO[bytes], gzip.open(path)) if _zipped(path) else path.open("rb")  # noqa: SIM115
    try:
        start = stream.read(8192)
        if start.startswith(UTF16):
            with stream:
                return io.BytesIO((start + stream.read()).decode("utf-16").encode("utf-8"))
        if b"\0" in start:
            raise DataError(f"{path} is not text (it has zero bytes); expected CSV, TSV, JSON lines or Parquet")
        stream.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
        return stream
    except BaseException:
        stream.close()
        raise


def position(stream: IO[bytes]) -> int:
    """Bytes of the file on disk that have been read."""
    return int((getattr(stream, "fileobj", None) or stream).tell())


def first_byte(path: Path) -> bytes:
    """The first byte that is no blank, b"" if there is none."""
    with open_text(path) as stream:
        while (byte := stream.read(1)).isspace():
            pass
        return byte


def _zipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"
