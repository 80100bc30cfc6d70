"""What the solver knows of each track of a catalogue: artist, album, recording, length, key and other numbers.

Made once per catalogue and shared by all lists; columns are read when they are first needed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.tables import Catalogue
from recsys.tables.predicted import numbers

TYPICAL_SECONDS = 210.0  # assumed where no track of the catalogue has a known duration
KINDS = "(digital(ly)? )?(remaster(ed)?|reissue|explicit|clean|mono|stereo|deluxe)( (version|mix|edition))?"
EDITION = rf"(\d{{4}} )?{KINDS}( \d{{4}})?"
REISSUE = re.compile(rf"\s*([(\[]{EDITION}[)\]]|\s[-–] {EDITION})$")
NOTES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
KEY = re.compile(r"([a-g])([#♯b♭]?)[\s:_-]*(major|maj|minor|min|m)?", re.IGNORECASE)
CAMELOT = re.compile(r"(1[0-2]|[1-9])\s*([AB])", re.IGNORECASE)
Floats = NDArray[np.float32]
Codes = NDArray[np.int32]


class Facts:
    """Arrays over all tracks of a catalogue; row i describes track row i.

    >>> songs = pd.DataFrame({"artist": ["Ann", "Bo"], "key": ["C major", "8A"], "tempo": [120, None]})
    >>> facts = Facts(Catalogue(songs))
    >>> facts.number("key").tolist(), facts.number("tempo").tolist(), facts.artist.tolist()
    ([0.0, 21.0], [120.0, nan], [0, 1])
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._numbers: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self.catalogue)

    @property
    def artist(self) -> Codes:
        """Artist codes, −1 where unknown, (tracks,)."""
        return self.catalogue.artists

    @property
    def album(self) -> Codes:
        """Album codes, −1 where unknown, (tracks,)."""
        return self.catalogue.albums

    @cached_property
    def recording(self) -> Codes:
        """Codes of the column ``recording``, −1 where there is none or it is unknown, (tracks,)."""
        there = "recording" in self.catalogue.frame
        return self.catalogue.codes("recording") if there else np.full(len(self), -1, np.int32)

    @cached_property
    def known_seconds(self) -> NDArray[np.bool_]:
        """Whether the length of each track is known, (tracks,)."""
        found = self._durations
        return np.isfinite(found) & (found > 0)

    @cached_property
    def seconds(self) -> NDArray[np.float64]:
        """Length of each track, the catalogue's median (210 s if none is known) where unknown, (tracks,)."""
        return np.where(self.known_seconds, self._durations, self.typical_seconds)

    @cached_property
    def typical_seconds(self) -> float:
        """What an unknown length counts as."""
        known = self._durations[self.known_seconds]
        return float(np.median(known)) if len(known) else TYPICAL_SECONDS

    @cached_property
    def _durations(self) -> NDArray[np.float64]:
        return self.catalogue.frame["duration"].to_numpy(np.float64, na_value=np.nan)

    def number(self, name: str) -> Floats:
        """A numeric column, as predicted where nothing was given, NaN where unknown, (tracks,); all NaN when there is
        no such column.

        ``key`` is 0 to 11 for C to B major and 12 to 23 for C to B minor, read from names, Camelot codes (also of
        the column ``camelot``) or numbers.
        """
        if name not in self._numbers:
            self._numbers[name] = self._key() if name == "key" else self._column(name)
        return self._numbers[name]

    def _column(self, name: str) -> Floats:
        return numbers(self.catalogue.frame, name).astype(np.float32)

    def _key(self) -> Floats:
        found = np.full(len(self), np.nan, np.float32)
        for column in ("camelot", "key"):
            if column in self.catalogue.frame:
                codes, values = pd.factorize(self.catalogue.frame[column])
                numbers = np.array([*map(key_number, values), np.nan], np.float32)
                found = np.where(np.isnan(numbers[codes]), found, numbers[codes])
        return found

    def versions(self, rows: NDArray[np.int32]) -> Codes:
        """Codes of some tracks that are equal for the same recording, −1 for one that is like no other, (rows,)."""
        titles, artists = self.catalogue.values("title")[rows], self.catalogue.values("artist")[rows]
        named = pd.factorize(pd.Series(map(_named, titles, artists), dtype=object))[0]
        return _joined(np.asarray(named, np.int32), self.recording[rows])


def _named(title: object, artist: object) -> tuple[str, str] | None:
    if isinstance(title, str) and isinstance(artist, str) and title.strip() and artist.strip():
        return normalised(title), normalised(artist)
    return None


def _joined(first: Codes, second: Codes) -> Codes:
    """Groups of what is equal in either code, numbered; −1 alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(first)
    at, node = [], []
    for start, codes in ((n, first), (n + int(first.max(initial=-1)) + 1, second)):
        known = np.flatnonzero(codes >= 0)
        at.append(known)
        node.append(start + codes[known])
    ends = np.concatenate(at), np.concatenate(node)
    size = int(max(ends[1].max(initial=-1) + 1, n))
    groups = connected_components(coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(size, size)), False)[1][:n]
    alone = np.bincount(groups, minlength=size)[groups] == 1
    return np.where(alone, -1, groups).astype(np.int32)


@lru_cache(maxsize=1 << 16)
def normalised(text: str) -> str:
    """Case, accents, punctuation and notes such as "(2011 remaster)" removed.

    >>> normalised("Déjà  Vu! (2011 Remaster)")
    'deja vu'
    """
    plain = unicodedata.normalize("NFKD", text).casefold().strip()
    plain = "".join(c for c in REISSUE.sub("", plain) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", plain)) or " ".join(text.casefold().split())


def key_number(value: object) -> float:
    """A key's number: 0 to 11 for C to B major, 12 to 23 for C to B minor; NaN when it can't be read.

    >>> [key_number(v) for v in ("C major", "F# minor", "Bb", "Am", "8A", "8B", 21, "?")]
    [0.0, 18.0, 10.0, 21.0, 21.0, 0.0, 21.0, nan]
    """
    if isinstance(value, int | float | np.number):
        return float(value) if 0 <= value < 24 else np.nan
    text = str(value).strip()
    if code := CAMELOT.fullmatch(text):
        major = (int(code[1]) - 8) * 7 % 12  # 8B is C major; each hour is a fifth
        return float(major if code[2].upper() == "B" else (major + 9) % 12 + 12)
    if name := KEY.fullmatch(text):
        pitch = (NOTES[name[1].lower()] + {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(name[2], 0)) % 12
        minor = name[3] is not None and (name[3] == "m" or name[3].lower().startswith("min"))
        return float(pitch + 12 * minor)
    return np.nan
