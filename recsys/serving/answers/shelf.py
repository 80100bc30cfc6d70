"""A bundle's tracks.parquet in, what lists say of a track out: columns stay as they lie, rows are told one by one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recsys.serving.answers.library import Library

TEXT = ("title", "artist", "album", "licence")
TOLD = (*TEXT, "genre", "genre_predicted", "duration", "explicit", "generated", "path")
REPEATED = ("artist", "album", "licence")  # columns whose values come again and again
KEPT = 100_000  # tracks whose card is kept once it was told
YES = {"true", "yes", "1", "ai"}
Card = dict[str, Any]


class Shelf:
    """What is known of each track, without a Python object for every cell.

    Attributes:
        names: columns there are, without the id.
    """

    def __init__(self, path: Path, ids: NDArray[Any], library: Library) -> None:
        self.path, self.ids, self.library = path, ids, library
        self.names = [name for name in pq.read_schema(path).names if name != "track_id"]
        self._columns = _read(path, [name for name in TOLD if name in self.names])
        self._cards: dict[int, Card] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def artists(self) -> NDArray[np.int32]:
        """A code for each track's artist, −1 where unknown, (tracks,)."""
        column = self._columns.get("artist")
        if not isinstance(column, pa.DictionaryArray):
            return np.full(len(self), -1, np.int32)
        return np.asarray(pc.fill_null(column.indices, -1), np.int32)

    def artist_rows(self, name: str) -> NDArray[np.int32]:
        """Rows of an artist's tracks."""
        column = self._columns.get("artist")
        code = column.dictionary.index(name).as_py() if isinstance(column, pa.DictionaryArray) else -1
        return np.flatnonzero(self.artists == code).astype(np.int32) if code >= 0 else np.empty(0, np.int32)

    def where_same(self, column: str, row: int) -> list[int]:
        """Rows that have the same value of a column as one, itself among them; none where it is unknown."""
        whole = self._whole.column(column)
        value = whole[row]
        return np.flatnonzero(pc.equal(whole, value).to_numpy() == 1).tolist() if value.is_valid else []

    def card(self, row: int) -> Card:
        """What lists say of a track; see ``schemas.Track``."""
        found = self._cards.get(row)
        if found is None:
            if len(self._cards) >= KEPT:
                self._cards.clear()
            found = self._cards[row] = self._card(row)
        return found

    def cards(self, rows: Iterable[int]) -> list[Card]:
        """The same of several, in order."""
        return [self.card(row) for row in rows]

    def _card(self, row: int) -> Card:
        value = self._value
        made: Card = {"id": str(self.ids[row]), **{name: _text(value(name, row)) for name in TEXT}}
        return made | {
            "genre": _labels(value("genre", row)) or _labels(value("genre_predicted", row)),
            "duration": _number(value("duration", row)),
            "explicit": _flag(value("explicit", row)),
            "generated": _flag(value("generated", row)),
            "audio": self.file(row) is not None,
        }

    def file(self, row: int) -> Path | None:
        """The sound file of a track, if there is one in the library."""
        return self.library.find(self._value("path", row))

    def name(self, row: int) -> str:
        """ "Title – Artist" of a track, or its id."""
        card = self.card(row)
        return " – ".join(card[part] for part in ("title", "artist") if card[part]) or str(card["id"])

    def values(self, column: str, rows: Iterable[int]) -> list[Any]:
        """A column that lists tell of, at some rows; None where unknown."""
        return [self._value(column, row) for row in rows]

    def frame(self, row: int) -> pd.DataFrame:
        """All that is known of one track, as a table of one row."""
        whole = self._whole.slice(row, 1)
        return pd.DataFrame({name: whole.column(name).to_pandas() for name in whole.column_names})

    @cached_property
    def _whole(self) -> pa.Table:
        return pq.read_table(self.path, columns=self.names)

    def _value(self, name: str, row: int) -> Any:
        column = self._columns.get(name)
        return None if column is None else column[row].as_py()


def _read(path: Path, names: list[str]) -> dict[str, pa.Array]:
    if not names:
        return {}
    table = pq.read_table(path, columns=names)
    return {name: _column(table.column(name), name in REPEATED) for name in names}


def _column(column: pa.ChunkedArray, repeated: bool) -> pa.Array:
    whole = column.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    text = pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type)
    return whole.dictionary_encode() if repeated and text else whole


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _labels(value: Any) -> list[str]:
    return [str(one) for one in value if one is not None] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _flag(value: Any) -> bool | None:
    if value is None or value != value:
        return None
    return value.strip().casefold() in YES if isinstance(value, str) else bool(value)
