"""Entries of playlist files to tracks: by id, MBID or ISRC, path, file name, then artist, title and length."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsys.sources.playlist_entries import Entry
from recsys.tables import Catalogue, IdMap

APART = 5.0  # seconds that two lengths of one recording may differ
ALIKE = 0.87  # names less alike than this are different names
NEAR = 0.6  # names less alike than this are not worth telling
GUEST = re.compile(r"\s*[(\[]?\s*\b(feat|ft|featuring)\b\.?\s.*$|\s*[(\[]with\s[^)\]]*[)\]]", re.IGNORECASE)
EDITION = re.compile(
    r"\s*([(\[]|\s[-–]\s)[^()\[\]]*\b(remaster(ed)?|reissue|deluxe|explicit|clean|mono|stereo|bonus track)\b.*$",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"^\d{1,3}\s*[-.–]\s+")
OTHER = {"live", "remix", "mix", "acoustic", "instrumental", "demo", "karaoke", "unplugged", "reprise", "cover", "edit"}


def normalised(*parts: str | None) -> str:
    """Text without case, accents and punctuation, for comparing names.

    >>> normalised("Björk", "Jóga!")
    'bjork|joga'
    """
    return "|".join(_bare(part or "") for part in parts)


class Match(NamedTuple):
    """The track row of an entry (−1: none), by what it was found, and what came nearest otherwise."""

    row: int
    by: str | None = None
    nearest: tuple[int, float] | None = None


class Matcher:
    """Finds the track row of an entry; what could be several tracks by a file name is none of them.

    >>> songs = Catalogue(pd.DataFrame({"title": ["Jóga", "Army"], "artist": "Björk", "path": ["a/1.mp3", "a/2.mp3"]}))
    >>> matcher = Matcher(IdMap(["t1", "t2"]), songs)
    >>> [matcher.row(e) for e in (Entry(1, ["t2"]), Entry(2, [], ["2.mp3"]), Entry(3, title="Joga", artist="BJORK"))]
    [1, 1, 0]
    >>> matcher.match(Entry(4, title="Joga (2011 Remaster)", artist="Bjork feat. Nobody")).by
    'a name like it'
    """

    def __init__(self, tracks: IdMap, catalogue: Catalogue) -> None:
        columns = {name: _texts(catalogue.frame[name]) for name in ("path", "mbid", "isrc", "artist", "title")}
        self.ids = {str(key): row for row, key in enumerate(tracks.ids)}
        self.paths = _rows(columns["path"])
        self.files = _single(_base(path) for path in columns["path"])
        self.codes = _rows(code.casefold() if code else None for code in columns["mbid"])
        self.codes |= _rows(code.casefold() if code else None for code in columns["isrc"])
        self.names = _groups(
            normalised(artist, title) if artist and title else None
            for artist, title in zip(columns["artist"], columns["title"], strict=True)
        )
        self.artists, self.titles = columns["artist"], columns["title"]
        self.seconds = catalogue.frame["duration"].to_numpy(np.float64, na_value=np.nan)

    def row(self, entry: Entry) -> int:
        """The track row, −1 if there is none."""
        return self.match(entry).row

    def match(self, entry: Entry) -> Match:
        """The track row, by what it was found, and the nearest name where it was not."""
        tails = [re.split(r"[/:]", key)[-1] for key in entry.keys]
        stems = [base.rpartition(".")[0] or base for path in entry.paths if (base := _base(path))]
        tries = (
            ("id", self.ids, entry.keys),
            ("MBID or ISRC", self.codes, [key.casefold() for key in tails]),
            ("path", self.paths, entry.paths),
            ("file name", self.files, [_base(path) for path in entry.paths]),
            ("id", self.ids, [*tails, *stems]),
        )
        for by, table, keys in tries:
            for key in keys:
                if key and (row := table.get(key, -1)) >= 0:
                    return Match(row, by)
        return self._by_name(entry)

    def _by_name(self, entry: Entry) -> Match:
        if not entry.title or not entry.artist:
            return Match(-1)
        if same := self.names.get(normalised(entry.artist, entry.title)):
            return Match(self._closest(same, entry), "artist and title")
        scored = [(row, self._likeness(row, entry)) for row in self._alike(entry)]
        best = max(scored, key=lambda pair: pair[1], default=(-1, 0.0))
        if best[1] < NEAR:
            return Match(-1)
        near = [row for row, likeness in scored if likeness == best[1]]
        row = self._closest(near, entry)
        certain = best[1] >= ALIKE and not self._apart(row, entry) > APART
        return Match(row, "a name like it") if certain else Match(-1, nearest=(row, best[1]))

    def _closest(self, rows: Sequence[int], entry: Entry) -> int:
        """Among rows of the same name the one whose length fits best."""
        return min(rows, key=lambda row: np.nan_to_num(self._apart(row, entry), nan=APART))

    def _apart(self, row: int, entry: Entry) -> float:
        """Seconds between two lengths, NaN where one is unknown."""
        return abs(float(self.seconds[row]) - (entry.duration if entry.duration else float("nan")))

    def _alike(self, entry: Entry) -> list[int]:
        """Rows by the same artist or of the same title, without guests, editions and the like."""
        by_artist = self._of_artist.get(_performer(entry.artist or ""), [])
        return list(dict.fromkeys([*by_artist, *self._of_title.get(_song(entry.title or ""), [])]))

    def _likeness(self, row: int, entry: Entry) -> float:
        """0 to 1: the less alike of artist and title; a live take or remix is another song."""
        theirs, ours = _song(entry.title or ""), _song(self.titles[row] or "")
        if (set(theirs.split()) & OTHER) != (set(ours.split()) & OTHER):
            return 0.0
        artists = _ratio(_performer(entry.artist or ""), _performer(self.artists[row] or ""))
        return min(_ratio(theirs, ours), artists)

    @cached_property
    def _of_artist(self) -> dict[str, list[int]]:
        return _groups(_performer(artist) if artist else None for artist in self.artists)

    @cached_property
    def _of_title(self) -> dict[str, list[int]]:
        return _groups(_song(title) if title else None for title in self.titles)


def _texts(column: pd.Series[Any]) -> list[str | None]:
    return [value if isinstance(value, str) and value else None for value in column]


def _rows(values: Iterable[str | None]) -> dict[str, int]:
    """The first row of each value."""
    return {value: rows[0] for value, rows in _groups(values).items()}


def _groups(values: Iterable[str | None]) -> dict[str, list[int]]:
    """The rows of each value."""
    made: defaultdict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if value:
            made[value].append(row)
    return dict(made)


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


def _song(title: str) -> str:
    """A title without track number, guests and notes on the edition.

    >>> _song("03 - Jóga (feat. X) [2011 Remaster]"), _song("Army of Me (Live)")
    ('joga', 'army of me live')
    """
    plain = EDITION.sub("", NUMBERED.sub("", title))
    return _bare(GUEST.sub("", plain)) or _bare(title)


def _performer(artist: str) -> str:
    """An artist without guests and article.

    >>> _performer("The Beatles feat. Björk"), _performer("Beatles, The")
    ('beatles', 'beatles')
    """
    plain = _bare(GUEST.sub("", artist))
    return plain.removeprefix("the ").removesuffix(" the") or _bare(artist)


def _ratio(first: str, second: str) -> float:
    return 1.0 if first == second else SequenceMatcher(None, first, second, autojunk=False).ratio()
