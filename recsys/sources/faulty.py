"""Which rows of a chunk are bad, and why: the first thing wrong with a row is its reason."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from recsys.sources.cells import blank
from recsys.sources.chunks import Chunk, Faults
from recsys.sources.coding import Encoded, encode, faults
from recsys.sources.rejects import shown

Mask = NDArray[np.bool_]


class Faulty:
    """Bad rows of one chunk.

    >>> chunk = Chunk({"user": pa.array(["ann", None])}, np.array([2, 3]), text=True)
    >>> faulty = Faulty(chunk)
    >>> users = faulty.ids("user", "user")
    >>> faulty.good, faulty.rows()
    (array([ True, False]), [(3, 'user id is missing')])
    """

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.good = np.ones(len(chunk.lines), bool)
        self.reasons: dict[int, str] = {}

    def ids(self, column: str, noun: str) -> Encoded:
        """Code a column of ids; rows whose id can't be one are bad."""
        coded = encode(self.chunk.columns[column], self.chunk.text)
        reasons = faults(coded, noun)
        if len(reasons) == 1 and not (coded.codes < 0).any():
            return coded
        wrong = np.zeros(len(coded.values) + 1, bool)
        wrong[list(reasons)] = True
        for row in np.flatnonzero(wrong[coded.codes] & self.good):
            self._mark(int(row), reasons[int(coded.codes[row])])
        return coded

    def unwanted(self, coded: Encoded, some: Container[Any] | None, reason: str) -> None:
        """Rows whose id is among some are left out for this reason, whatever else is wrong with them."""
        if not some:
            return
        theirs = np.array([value in some for value in coded.values.to_pylist()] + [False], bool)
        for row in np.flatnonzero(theirs[coded.codes]):
            self._mark(int(row), reason)

    def mark(self, wrong: Mask, what: str, column: str | None = None) -> None:
        """Rows of a mask are bad; the value found is shown, or said to be missing."""
        if not wrong.any():
            return
        values = None if column is None else self.chunk.columns[column]
        missing = np.zeros(len(wrong), bool) if values is None else blank(values)
        for row in np.flatnonzero(wrong & self.good):
            self._mark(int(row), _reason(what, values, int(row), bool(missing[row])))

    def rows(self) -> Faults:
        """(line, reason) of what is bad, lines that could not be split included, in the file's order."""
        own = [(int(self.chunk.lines[row]), reason) for row, reason in self.reasons.items()]
        return sorted(own + self.chunk.faults, key=lambda fault: fault[0])

    @property
    def seen(self) -> int:
        """Rows of the chunk, good and bad."""
        return len(self.good) + len(self.chunk.faults)

    def _mark(self, row: int, reason: str) -> None:
        self.good[row] = False
        self.reasons[row] = reason


def _reason(what: str, values: pa.Array | None, row: int, missing: bool) -> str:
    if values is None:
        return what
    subject = what.partition(" ")[0]
    return f"{subject} is missing" if missing else f"{what}: {shown(values[row].as_py())}"
