"""Entries of playlist files to tracks: by id, path, file name, MBID or ISRC, then artist and title."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from recsys.sources.playlist_files import Entry
from recsys.tables import Catalogue, IdMap


def normalised(*parts: str | None) -> str:
    """Text without case, accents and punctuation, for comparing names.

    >>> normalised("Björk", "Jóga!")
    'bjork|joga'
    """
    return "|".join(_bare(part or "") for part in parts)


class Matcher:
    """Finds the track row of an entry; what could be several tracks by a file name is none of them.

    >>> import pandas as pd
    >>> songs = Catalogue(pd.DataFrame({"title": ["Jóga", "Army"], "artist": "Björk", "path": ["a/1.mp3", "a/2.mp3"]}))
    >>> matcher = Matcher(IdMap(["t1", "t2"]), songs)
    >>> [matcher.row(e) for e in (Entry(1, ["t2"]), Entry(2, [], ["2.mp3"]), Entry(3, title="Joga", artist="BJORK"))]
    [1, 1, 0]
    """

    def __init__(self, tracks: IdMap, catalogue: Catalogue) -> None:
        columns = {name: catalogue.frame[name].tolist() for name in ("path", "mbid", "isrc", "artist", "title")}
        self.ids = {str(key): row for row, key in enumerate(tracks.ids)}
        self.paths = _rows(columns["path"])
        self.files = _single(_base(path) for path in columns["path"])
        self.codes = _rows(code.casefold() if code else None for code in columns["mbid"])
        self.codes |= _rows(code.casefold() if code else None for code in columns["isrc"])
        named = zip(columns["artist"], columns["title"], strict=True)
        self.names = _rows(normalised(artist, title) if artist and title else None for artist, title in named)

    def row(self, entry: Entry) -> int:
        """The track row, −1 if there is none."""
        tails = [re.split(r"[/:]", key)[-1] for key in entry.keys]
        stems = [base.rpartition(".")[0] or base for path in entry.paths if (base := _base(path))]
        name = normalised(entry.artist, entry.title) if entry.artist and entry.title else None
        tries = (
            (self.ids, [*entry.keys, *tails]),
            (self.paths, entry.paths),
            (self.files, [_base(path) for path in entry.paths]),
            (self.codes, [key.casefold() for key in tails]),
            (self.ids, stems),
            (self.names, [name]),
        )
        found = (table.get(key, -1) for table, keys in tries for key in keys if key)
        return next((row for row in found if row >= 0), -1)


def _rows(values: Iterable[str | None]) -> dict[str, int]:
    """The first row of each value."""
    made: dict[str, int] = {}
    for row, value in enumerate(values):
        if value:
            made.setdefault(value, row)
    return made


def _single(values: Iterable[str | None]) -> dict[str, int]:
    """The row of each value that stands in one row only."""
    values = list(values)
    counts = Counter(values)
    return _rows(value if counts[value] == 1 else None for value in values)


def _base(path: str | None) -> str | None:
    return path.replace("\\", "/").rpartition("/")[2] or None if path else None


def _bare(text: str) -> str:
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", "".join(letters).casefold()))
