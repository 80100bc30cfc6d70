"""Where an id still stands as a word: text, Parquet, gzipped files, arrays of text, names of files."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recsys.forgetting.who import Who

SOUND = {".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav", ".aiff", ".aif", ".mp4"}
BLOCK = 1 << 24


def files_of(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file below some folders, each once, in order."""
    there = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    yield from {path.resolve(): path for path in there if not path.is_symlink()}.values()


def traces(folders: Iterable[Path], who: Who, looked: Counter[str]) -> list[str]:
    """Files that still name a listener, in their text or their name; ``looked`` counts files by suffix."""
    found = []
    for path in files_of(folders):
        looked[path.suffix or "other"] += 1
        if who.searchable and (who.word.search(path.name.encode()) or mentions(path, who)):
            found.append(str(path))
    return found


def mentions(path: Path, who: Who) -> bool:
    """Whether a file names a listener, as a word; sound is not looked into."""
    if path.suffix.lower() in SOUND:
        return False
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return any(who.word.search(text.encode()) for text in _texts(path))
        return any(who.word.search(block) for block in _blocks(path, len(who.id)))
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return False


def _blocks(path: Path, overlap: int) -> Iterator[bytes]:
    """A file unzipped, block by block; each begins with the end of the one before."""
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if zipped else open(path, "rb") as stream:
        before = b""
        while block := stream.read(BLOCK):
            yield before + block
            before = block[-overlap - 8 :]


def _texts(path: Path) -> Iterator[str]:
    """Every distinct text in a Parquet file, nested ones too, and its metadata."""
    table = pq.read_table(path)
    yield str(table.schema.metadata or "")
    for name in table.column_names:
        yield name
        for value in _leaves(table[name].combine_chunks()):
            yield from (text for text in value.unique().to_pylist() if text)


def _leaves(column: Any) -> Iterator[Any]:
    kind = column.type
    if isinstance(column, pa.ChunkedArray):
        for chunk in column.chunks:
            yield from _leaves(chunk)
    elif pa.types.is_dictionary(kind):
        yield from _leaves(column.dictionary)
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _leaves(part)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(column.flatten())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield column
