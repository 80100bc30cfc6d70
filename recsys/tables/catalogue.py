"""What is known about each track, one row per track row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.tables.where import where_mask

TEXT = ("title", "artist", "album", "licence", "isrc", "mbid", "path")
LISTS = ("genre", "tags")
NUMBERS = {"year": "year of release", "duration": "seconds"}
FLAGS = ("explicit", "generated")  # generated: made by a machine
COLUMNS = (*TEXT, *LISTS, *NUMBERS, *FLAGS)


class Catalogue:
    """Titles, artists and the rest; row i describes track row i. Missing is None or NaN, never "" or 0.

    Columns: title, artist, album, licence, isrc, mbid, path (text); genre, tags (lists of text); year,
    duration in seconds (numbers); explicit, generated (True, False or None); any further column is kept for filters.

    >>> songs = Catalogue(pd.DataFrame({"title": ["A", None], "artist": ["Ann", "Bo"]}))
    >>> len(songs), songs.name(0), songs.where("artist = 'bo'").tolist()
    (2, 'A – Ann', [False, True])
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        frame = frame.reset_index(drop=True)
        for column in COLUMNS:
            if column not in frame:
                frame[column] = np.nan if column in NUMBERS else None
        self.frame = frame

    def __len__(self) -> int:
        return len(self.frame)

    def where(self, text: str) -> NDArray[np.bool_]:
        """Tracks for which a filter such as ``year >= 1990`` holds, bool (n,); grammar in ``tables.where``."""
        return where_mask(self.frame, text)

    def name(self, row: int) -> str | None:
        """ "Title – Artist", or what there is of it."""
        parts = [self.values(c)[row] for c in ("title", "artist")]
        known = [p for p in parts if isinstance(p, str) and p]
        return " – ".join(known) if known else None

    def codes(self, column: str) -> NDArray[np.int32]:
        """Each track's value of a text column as a small integer, −1 where unknown; shape (n,)."""
        if column not in self.frame:
            raise DataError(f"the catalogue has no column {column!r}; expected one of {', '.join(self.frame)}")
        return pd.factorize(self.frame[column])[0].astype(np.int32)

    def values(self, column: str) -> NDArray[Any]:
        """A column as Python objects, shape (n,); kept, because answers take a few of them at a time."""
        if column not in self._values:
            self._values[column] = self.frame[column].to_numpy(object)
        return self._values[column]

    @cached_property
    def _values(self) -> dict[str, NDArray[Any]]:
        return {}

    @cached_property
    def artists(self) -> NDArray[np.int32]:
        """Artist codes, −1 where unknown, shape (n,)."""
        return self.codes("artist")

    @cached_property
    def albums(self) -> NDArray[np.int32]:
        """Album codes (same title by another artist is another album), −1 where unknown, shape (n,)."""
        album = self.frame["album"]
        both = album.astype(object).where(album.notna(), None)
        pairs = [None if a is None else (a, b) for a, b in zip(both, self.frame["artist"], strict=True)]
        return pd.factorize(pd.Series(pairs, dtype=object))[0].astype(np.int32)

    def take(self, rows: NDArray[Any]) -> Catalogue:
        """The catalogue of these track rows, in this order."""
        return Catalogue(self.frame.iloc[rows])

    @classmethod
    def empty(cls, n: int) -> Catalogue:
        """Nothing known about any of ``n`` tracks."""
        return cls(pd.DataFrame(index=range(n)))
