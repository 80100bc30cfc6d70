"""What a file is read into: pieces of some columns, with the line that each row stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Faults = list[tuple[int, str]]


@dataclass
class Chunk:
    """Some rows of one file.

    Attributes:
        columns: arrow arrays by the file's own column names, each of length n.
        lines: where each row stands, 1-based with the header as an editor shows it (row number in Parquet),
            int64, shape (n,).
        text: whether the file has no types, so that "12" may be a number.
        faults: (line, reason) of lines that could not be split into columns.
        done: bytes of the file read so far, for progress.
    """

    columns: dict[str, pa.Array]
    lines: NDArray[np.int64]
    text: bool
    faults: Faults = field(default_factory=list)
    done: int = 0


class Source(Protocol):
    """A file whose columns have names."""

    path: Path
    names: list[str]

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """The rows, piece by piece, with the wanted columns only."""
        ...


def as_arrow(values: list[Any]) -> pa.Array:
    """Python values as an arrow array: of their own type if they have one, spelt out as text if they are mixed.

    >>> as_arrow([1, None]).type, as_arrow([1, "a"]).to_pylist()
    (DataType(int64), ['1', 'a'])
    """
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return pa.array([None if v is None else _spelt(v) for v in values], pa.string())


def _spelt(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
