"""Files of rows in, the same files without one listener's rows out: Parquet, delimited text, JSON lines, gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recsys import manifest
from recsys.errors import DataError
from recsys.forgetting.who import Who, is_listener
from recsys.sources.delimited import Delimited
from recsys.sources.text import first_byte, open_text

TEXTS = (".csv", ".tsv", ".txt", ".dat", ".json", ".jsonl", ".ndjson")


def without(path: Path, who: Who, *, write: bool = True) -> int:
    """Rewrite a file of rows without those of a listener; returns how many there were. Other files are left alone.

    Args:
        write: False = only count.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix in (".parquet", ".pq"):
        return _parquet(path, who, write)
    if suffix not in TEXTS or path.stat().st_size == 0:
        return 0
    try:
        kept, lost = _objects(path, who) if first_byte(path) in (b"{", b"[") else _lines(path, who)
    except (DataError, ValueError):  # no table; the search for words looks at it
        return 0
    if lost and write:
        content = b"".join(kept)
        manifest.write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return lost


def _parquet(path: Path, who: Who, write: bool) -> int:
    try:
        names = [name for name in pq.read_schema(path).names if is_listener(name)]
        held = pq.read_table(path, columns=names) if names else None
    except pa.ArrowException:
        return 0
    if held is None:
        return 0
    theirs = np.zeros(held.num_rows, bool)
    for name in names:
        if not pa.types.is_nested(held.schema.field(name).type):
            mine = [value for value in pc.unique(held[name]).to_pylist() if who.named(_text(value))]
            found = pc.is_in(held[name], pa.array(mine, held.schema.field(name).type))
            theirs |= found.to_numpy(zero_copy_only=False).astype(bool)
    if theirs.any() and write:
        rewrite_table(path, ~theirs)
    return int(theirs.sum())


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def rewrite_table(path: Path, keep: Any, change: Callable[[pa.Table], pa.Table] = lambda table: table) -> None:
    """A Parquet file with only some of its rows, and perhaps other changes."""
    made = io.BytesIO()
    pq.write_table(change(pq.read_table(path).filter(pa.array(keep))), made)
    manifest.write_bytes(path, made.getvalue())


def _lines(path: Path, who: Who) -> tuple[list[bytes], int]:
    """The other lines under a header that names a column of listeners, and how many were theirs."""
    shape = Delimited(path)
    places = [place for place, name in enumerate(shape.names) if is_listener(name)]
    if not places:
        return [], 0
    token, kept, lost = who.id.encode(), [], 0
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            if number > shape.header_line and token in line and _theirs(line, shape.delimiter, places, who):
                lost += 1
            else:
                kept.append(line)
    return kept, lost


def _theirs(line: bytes, delimiter: str, places: list[int], who: Who) -> bool:
    cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=delimiter), [])
    return any(who.named(cells[place].strip()) for place in places if place < len(cells))


def _objects(path: Path, who: Who) -> tuple[list[bytes], int]:
    """The other objects of JSON lines or of one array, and how many were theirs, by a key that names listeners."""
    with open_text(path) as stream:
        if first_byte(path) == b"[":
            found = json.loads(stream.read())
            kept = [one for one in found if not _named(one, who)]
            return [json.dumps(kept, ensure_ascii=False).encode() + b"\n"], len(found) - len(kept)
        token, lines, lost = who.id.encode(), [], 0
        for line in stream:
            if token in line and _named(_parsed(line), who):
                lost += 1
            else:
                lines.append(line)
        return lines, lost


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _named(record: Any, who: Who) -> bool:
    return isinstance(record, dict) and any(
        isinstance(value, str | int) and who.named(str(value)) for key, value in record.items() if is_listener(key)
    )
