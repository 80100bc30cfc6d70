"""JSON lines (or one JSON array): an object per row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from recsys.errors import DataError
from recsys.sources.chunks import Chunk, Faults, as_arrow
from recsys.sources.rejects import shown
from recsys.sources.text import first_byte, open_text, position

AHEAD = 10_000
ROWS = 20_000
DECODE = json.JSONDecoder().decode
Record = tuple[int, dict[str, Any] | None, str]


class Records:
    """A file of JSON objects, one per line, or one array of them (then the line is the place in the array).

    Column names are the keys of the first 10,000 objects.

    Args:
        path: the file, gzipped or not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_text(path) as stream:
            ahead = [record for _, record, _ in islice(self._records(stream), AHEAD) if record is not None]
        self.first = ahead[0] if ahead else {}
        self.names = list(dict.fromkeys(key for record in ahead for key in record))

    def batches(self) -> Iterator[tuple[list[Record], int]]:
        """(up to 20,000 numbered records, bytes read)."""
        with open_text(self.path) as stream:
            every = self._records(stream)
            while batch := list(islice(every, ROWS)):
                yield batch, position(stream)

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """The wanted keys as columns; a key that an object lacks is missing."""
        for batch, done in self.batches():
            good = [(line, record) for line, record, _ in batch if record is not None]
            columns = {name: as_arrow([record.get(name) for _, record in good]) for name in wanted}
            lines = np.array([line for line, _ in good], np.int64)
            yield Chunk(columns, lines, False, faults_of(batch), done)

    def _records(self, stream: IO[bytes]) -> Iterator[Record]:
        return self._array(stream) if first_byte(self.path) == b"[" else _lines(stream)

    def _array(self, stream: IO[bytes]) -> Iterator[Record]:
        try:
            items = json.loads(stream.read())
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.path} is not valid JSON: {error}; expected an array of objects") from error
        for place, item in enumerate(items, 1):
            yield (place, item, "") if isinstance(item, dict) else (place, None, f"not an object: {shown(item)}")


def faults_of(batch: list[Record]) -> Faults:
    """(line, reason) of the records that could not be read."""
    return [(line, reason) for line, record, reason in batch if record is None]


def _lines(stream: IO[bytes]) -> Iterator[Record]:
    for number, raw in enumerate(stream, 1):
        if raw.strip():
            yield number, *_record(raw)


def _record(raw: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        record = DECODE(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None, f"not valid JSON: {shown(raw.decode('utf-8', 'replace').strip())}"
    return (record, "") if isinstance(record, dict) else (None, f"not a JSON object: {shown(record)}")
