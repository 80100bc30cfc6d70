"""Parquet files, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.errors import DataError
from recsys.sources.chunks import Chunk

ROWS = 1 << 20


class Parquet:
    """A Parquet file; text columns are read as dictionaries, which is how they are stored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.schema = pq.read_schema(path)
        self.names = list(self.schema.names)
        if len(set(self.names)) < len(self.names):
            raise DataError(f"{path}: found columns {', '.join(self.names)}; expected each name once")

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """The wanted columns in batches of at most 1,048,576 rows."""
        coded = [name for name in wanted if self.schema.field(name).type in (pa.string(), pa.large_string())]
        size, start = self.path.stat().st_size, 0
        with pq.ParquetFile(self.path, read_dictionary=coded, pre_buffer=False) as file:
            total = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(ROWS, columns=list(wanted)):
                lines = np.arange(start + 1, start + 1 + len(batch), dtype=np.int64)
                start += len(batch)
                columns = {name: batch.column(name) for name in wanted}
                yield Chunk(columns, lines, text=False, done=size * start // total)
