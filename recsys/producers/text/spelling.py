"""Strings in, those spelt like a given one out: exact by bisection, near by shared pieces and edit distance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
SIZE = 3  # letters of a piece
WIDTH = np.uint64(21)  # bits of a letter in a piece
TRIED = 60  # strings whose distance is counted
SHORT, LONG = 4, 8  # letters from which one edit, and two, are forgiven
STATE = ("letters", "ends", "pieces", "starts", "members")


class Near(NamedTuple):
    """A string by its place in the order, and how many edits away it is."""

    place: int
    edits: int


class Spellings:
    """Sorted distinct strings as arrays, which are read from disk only where a question needs them.

    Attributes:
        letters: uint8, all strings in UTF-8 one after another; ``ends`` int64 (n + 1,) cuts them.
        pieces: uint64 (p,), sorted codes of three letters; string places of piece i are
            ``members[starts[i]:starts[i + 1]]``.

    >>> songs = Spellings.of(["jazz", "piano", "rhapsody"])
    >>> songs.find("piano"), songs.find("pian"), songs.near("rapsody"), songs[2]
    (1, -1, [Near(place=2, edits=1)], 'rhapsody')
    """

    letters: NDArray[np.uint8]
    ends: Ints
    pieces: NDArray[np.uint64]
    starts: Ints
    members: NDArray[np.int32]

    @classmethod
    def of(cls, strings: Iterable[str]) -> Self:
        """Sort and store some strings."""
        made = cls()
        known = sorted(set(strings))
        coded = [text.encode() for text in known]
        made.letters = np.frombuffer(b"".join(coded), np.uint8)
        made.ends = np.concatenate([[0], np.cumsum([len(text) for text in coded], dtype=np.int64)]).astype(np.int64)
        codes, owner = _coded(known)
        order = np.lexsort((owner, codes))
        made.pieces, first = np.unique(codes[order], return_index=True)
        made.starts = np.append(first, len(codes)).astype(np.int64)
        made.members = owner[order].astype(np.int32)
        return made

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, place: int) -> str:
        return bytes(self.letters[self.ends[place] : self.ends[place + 1]]).decode()

    def find(self, text: str) -> int:
        """The place of a string, −1 when it is not there."""
        wanted, low, high = text.encode(), 0, len(self)
        while low < high:
            middle = (low + high) // 2
            found = bytes(self.letters[self.ends[middle] : self.ends[middle + 1]])
            if found == wanted:
                return middle
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return -1

    def near(self, text: str) -> list[Near]:
        """The strings with the fewest edits (insert, delete, change, swap), none beyond what the length forgives."""
        most = edits_forgiven(text)
        if not most or not len(self):
            return []
        tried = ((place, distance(text, self[place], most)) for place in self._alike(text, most))
        found = [Near(place, edits) for place, edits in tried if edits <= most]
        least = min((one.edits for one in found), default=0)
        return [one for one in found if one.edits == least]

    def _alike(self, text: str, most: int) -> list[int]:
        """Places of the strings that share most pieces with ``text``, and about its length."""
        asked = np.unique(_coded([text])[0])
        at = np.searchsorted(self.pieces, asked)
        there = [i for i, code in zip(at, asked, strict=True) if i < len(self.pieces) and self.pieces[i] == code]
        if not there:
            return []
        owners = np.concatenate([self.members[self.starts[i] : self.starts[i + 1]] for i in there])
        places, shared = np.unique(owners, return_counts=True)
        bytes_apart = np.abs((self.ends[places + 1] - self.ends[places]) - len(text.encode()))
        good = (shared >= max(1, len(asked) - (SIZE + 1) * most)) & (bytes_apart <= 4 * most)
        best = np.lexsort((places[good], -shared[good]))[:TRIED]
        return [int(place) for place in places[good][best]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to store."""
        return {name: getattr(self, name) for name in STATE}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Back from ``arrays()``."""
        made = cls()
        for name in STATE:
            setattr(made, name, arrays[name])
        return made


def edits_forgiven(text: str) -> int:
    """How many edits a typing error may be, by length: 0 up to 3 letters, 1 up to 7, then 2."""
    return 0 if len(text) < SHORT else 1 if len(text) < LONG else 2


def distance(a: str, b: str, most: int) -> int:
    """Edits between two strings, a swap of neighbours counting as one; ``most`` + 1 when there are more.

    Optimal string alignment (Damerau 1964 with each place edited once).

    >>> distance("quean", "queen", 2), distance("teh", "the", 1), distance("cat", "house", 2)
    (1, 1, 3)
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one != other))
            if i > 1 and j > 1 and one == b[j - 2] and a[i - 2] == other:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)


def _coded(strings: list[str]) -> tuple[NDArray[np.uint64], Ints]:
    """Codes of all pieces of some strings, their ends marked, and which string each piece is of."""
    lengths = np.array([len(text) + 2 for text in strings], np.int64)
    if not len(lengths):
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    letters = np.frombuffer(("^" + "$^".join(strings) + "$").encode("utf-32-le"), np.uint32).astype(np.uint64)
    codes = (letters[:-2] << (WIDTH + WIDTH)) | (letters[1:-1] << WIDTH) | letters[2:]
    owner = np.repeat(np.arange(len(strings)), lengths)
    inside = owner[:-2] == owner[2:]
    return codes[inside], owner[:-2][inside]
