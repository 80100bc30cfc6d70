"""CSV, TSV and their like: blocks go through a fast parser, and line by line where a block has oddities."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from recsys.errors import DataError
from recsys.sources.chunks import Chunk, Faults, as_arrow
from recsys.sources.rejects import shown
from recsys.sources.text import open_text, position

BLOCK = 1 << 24
DELIMITERS = "\t,;|"
LONGEST_ROW = 20
NOT_TEXT = "is not UTF-8 text"


class Delimited:
    """A file of delimited lines with a header; the delimiter is the commonest of tab, comma, semicolon, bar.

    Args:
        path: the file, gzipped or not.
        names: column names of a file without a header.

    Raises:
        DataError: no line at all, or a first line that is not text.
    """

    def __init__(self, path: Path, names: Sequence[str] | None = None) -> None:
        self.path, self.headless = path, names is not None
        with open_text(path) as stream:
            self.header_line, first = self._first_line(stream)
        self.delimiter = max(DELIMITERS, key=lambda d: (first.count(d), -DELIMITERS.index(d)))
        cells = next(csv.reader([first], delimiter=self.delimiter))
        self.first = [cell.strip() for cell in cells]
        self.names = _distinct(self.first if names is None else list(names))

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """The rows after the header, in blocks of about 16 MB; only the wanted columns, all as text."""
        with open_text(self.path) as stream:
            yield from _Reading(self, stream, list(wanted)).chunks()

    def _first_line(self, stream: IO[bytes]) -> tuple[int, str]:
        for number, raw in enumerate(stream, 1):
            try:
                text = raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(f"{self.path}: the first line {NOT_TEXT}; save the file as UTF-8") from error
            if text.strip():
                return number, text
        raise DataError(f"{self.path} is empty; expected a header line and rows")


class _Reading:
    """One pass over a file: where it stands, and how a block becomes columns."""

    def __init__(self, file: Delimited, stream: IO[bytes], wanted: list[str]) -> None:
        self.stream, self.wanted, self.names, self.delimiter = stream, wanted, file.names, file.delimiter
        skipped = file.header_line - file.headless
        for _ in range(skipped):
            stream.readline()
        self.line = skipped + 1

    def chunks(self) -> Iterator[Chunk]:
        while block := self.stream.read(BLOCK) + self.stream.readline():
            yield self._fast(block) or self._careful(block)

    def _fast(self, block: bytes) -> Chunk | None:
        """The block in one go, or None unless each of its lines is plainly one row."""
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        table = self._parsed(block) if _regular(block) else None
        if table is None or len(table) != count:
            return None
        lines = np.arange(self.line, self.line + count, dtype=np.int64)
        self.line += count
        columns = {name: _trimmed(table.column(name).combine_chunks()) for name in self.wanted}
        return Chunk(columns, lines, text=True, done=position(self.stream))

    def _parsed(self, block: bytes) -> pa.Table | None:
        strings = pa.csv.ConvertOptions(
            include_columns=self.wanted,
            column_types=dict.fromkeys(self.wanted, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        )
        parse = pa.csv.ParseOptions(delimiter=self.delimiter, ignore_empty_lines=False)
        read = pa.csv.ReadOptions(column_names=self.names, block_size=1 << 22)
        try:
            return pa.csv.read_csv(pa.BufferReader(block), read, parse, strings)
        except pa.ArrowInvalid:
            return None

    def _careful(self, block: bytes) -> Chunk:
        places = [self.names.index(name) for name in self.wanted]
        rows: list[list[str]] = []
        lines: list[int] = []
        faults: Faults = []
        pending = deque(block.splitlines(keepends=True)) if b"\r" not in block else deque(_lines(block))
        while pending:
            start, row = self.line, self._next_row(pending)
            if isinstance(row, str):
                faults.append((start, row))
            elif row and len(row) != len(self.names):
                faults.append((start, f"wrong number of columns: {len(row)} where the header has {len(self.names)}"))
            elif row:
                rows.append([row[i] for i in places])
                lines.append(start)
        columns = {name: _trimmed(as_arrow([row[i] or None for row in rows])) for i, name in enumerate(self.wanted)}
        return Chunk(columns, np.array(lines, np.int64), True, faults, position(self.stream))

    def _next_row(self, pending: deque[bytes]) -> list[str] | str:
        """One row of cells, which may span lines inside quotes; [] for a blank line; or what is wrong."""
        taken = b""
        for extra in range(LONGEST_ROW):
            if len(pending) <= extra and not self._more(pending):
                break
            taken += pending[extra]
            row = self._cells(taken)
            if row is not None:
                self._drop(pending, extra + 1)
                return row
        raw = pending[0]
        self._drop(pending, 1)
        return f"quote is never closed: {shown(raw.decode('utf-8', 'replace').rstrip())}"

    def _more(self, pending: deque[bytes]) -> bool:
        if line := self.stream.readline():
            pending.append(line)
        return bool(line)

    def _drop(self, pending: deque[bytes], count: int) -> None:
        for _ in range(count):
            pending.popleft()
        self.line += count

    def _cells(self, raw: bytes) -> list[str] | str | None:
        """Cells of a complete row, what is wrong with it, or None if a quote is still open."""
        try:
            text = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            return f"{NOT_TEXT}: {shown(raw.decode('utf-8', 'replace').rstrip())}"
        if not text.strip():
            return []
        if '"' in text and _open_quote(text, self.delimiter):
            return None
        try:
            return (
                next(csv.reader([text], delimiter=self.delimiter))
                if "\n" not in text
                else _wrapped(text, self.delimiter)
            )
        except csv.Error as error:
            return f"can't be split into columns: {error}"


def _wrapped(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))


def _open_quote(text: str, delimiter: str) -> bool:
    try:
        next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _lines(block: bytes) -> list[bytes]:
    """Lines that end in a line feed; a lone carriage return is a blank like any other."""
    return [line + b"\n" for line in block.removesuffix(b"\n").replace(b"\r", b" ").split(b"\n")]


def _regular(block: bytes) -> bool:
    """No blank line, no lone carriage return, no quote left open in the last line."""
    last = block[block.rfind(b"\n", 0, -1) + 1 :]
    blank = block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block
    return not blank and block.count(b"\r") == block.count(b"\r\n") and last.count(b'"') % 2 == 0


def _trimmed(column: pa.Array) -> pa.Array:
    return pa.compute.utf8_trim_whitespace(column.cast(pa.string()))


def _distinct(names: list[str]) -> list[str]:
    """Names made unique: the second "x" becomes "x_2"; a nameless column "column_3"."""
    made: list[str] = []
    for place, name in enumerate(names, 1):
        name = name or f"column_{place}"
        made.append(name if name not in made else f"{name}_{place}")
    return made
