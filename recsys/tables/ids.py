"""Outside ids to rows and back: the only place where the two meet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from recsys.errors import DataError, UnknownId

Missing = Literal["raise", "drop", "mark"]


class IdMap:
    """Sorted unique ids, all integers or all strings; the row of an id is its place in that order.

    Integer ids stay integers; a string that spells an integer finds its integer id, so that ids typed on
    a command line work as well.

    Args:
        ids: any iterable of ids; duplicates are dropped. Integers if every id is one, otherwise strings.
        noun: what an id names, for messages.

    >>> tracks = IdMap(["b", "a", "c", "a"], noun="track")
    >>> tracks.rows(["c", "a"])
    array([2, 0], dtype=int32)
    >>> tracks.rows(["c", "zz"], missing="mark")
    array([ 2, -1], dtype=int32)
    >>> list(tracks.at([0, 2]))
    ['a', 'c']
    >>> IdMap([30, 10]).rows(["10"])
    array([0], dtype=int32)
    """

    def __init__(self, ids: Iterable[Any] | NDArray[Any], noun: str = "id") -> None:
        self.noun = noun
        self.ids = _sorted_unique(ids)

    @classmethod
    def sorted(cls, ids: NDArray[Any], noun: str = "id") -> IdMap:
        """Wrap ids that are known to be sorted and unique (int64 or object of str), without checking."""
        made = cls.__new__(cls)
        made.noun, made.ids = noun, ids
        return made

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, found: object) -> bool:
        return bool(self.rows([found], missing="mark")[0] >= 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and np.array_equal(self.ids, other.ids)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"IdMap({len(self)} {self.noun}s)"

    @property
    def integer(self) -> bool:
        """Whether the ids are integers (else strings)."""
        return self.ids.dtype != object

    def rows(self, ids: NDArray[Any] | Iterable[Any], missing: Missing = "raise") -> NDArray[np.int32]:
        """The rows of outside ids, int32.

        Args:
            ids: ids to look up, shape (n,).
            missing: "raise" UnknownId for the first unknown one, "drop" unknown ones, or "mark" them −1.

        Raises:
            UnknownId: an id is unknown and ``missing`` is "raise".
        """
        asked = list(ids) if not isinstance(ids, np.ndarray) else ids
        mine = self._like_mine(asked)
        rows = np.array([self._row(i) for i in mine], np.int32) if len(mine) <= FEW else self._many(mine)
        if missing == "drop":
            return rows[rows >= 0]
        if missing == "raise" and (rows < 0).any():
            found = asked[int(np.argmax(rows < 0))]
            raise UnknownId(self.noun, found, self.nearest(found))
        return rows

    def at(self, rows: ArrayLike) -> NDArray[Any]:
        """The outside ids of rows; same shape as ``rows``."""
        return self.ids[np.asarray(rows)]

    def nearest(self, found: object, n: int = 3) -> list[Any]:
        """Known ids that are spelt most like ``found``, best first."""
        word = str(found)
        same_start = [i for i in self.ids if str(i)[:2].lower() == word[:2].lower()]
        pool = (same_start or list(self.ids))[:20_000]
        alike = [(SequenceMatcher(None, word.lower(), str(i).lower()).quick_ratio(), i) for i in pool]
        return [i for _, i in sorted(alike, key=lambda pair: -pair[0])[:n]]

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of all ids in order: two artefacts with the same fingerprint agree on every row."""
        digest = hashlib.sha256(f"{self.integer}:{len(self)}:".encode())
        if self.integer:
            digest.update(np.ascontiguousarray(self.ids, dtype="<i8").tobytes())
        else:
            digest.update("\0".join(self.ids).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]

    @cached_property
    def _index(self) -> pd.Index[Any]:
        return pd.Index(self.ids)

    def _row(self, found: Any) -> int:
        try:
            return int(self._index.get_loc(found))
        except KeyError:
            return -1

    def _many(self, found: NDArray[Any]) -> NDArray[np.int32]:
        return self._index.get_indexer(pd.Index(found)).astype(np.int32)

    def _like_mine(self, asked: Any) -> NDArray[Any]:
        if self.integer:
            return (
                np.array([_integer_or_none(i) for i in asked], dtype=np.int64) if len(asked) else np.empty(0, np.int64)
            )
        return np.array([str(i) for i in asked], dtype=object)


FEW = 16  # ids that are quicker looked up one by one
NO_INTEGER = np.iinfo(np.int64).min


def _integer_or_none(value: Any) -> int:
    try:
        return int(value) if str(int(value)) == str(value).strip() else NO_INTEGER
    except (TypeError, ValueError, OverflowError):
        return NO_INTEGER


def _sorted_unique(ids: Iterable[Any] | NDArray[Any]) -> NDArray[Any]:
    values = ids if isinstance(ids, np.ndarray) else np.array(list(ids), dtype=object)
    if values.ndim != 1:
        raise DataError(f"ids have shape {values.shape}; expected one dimension")
    if values.dtype.kind in "iu":
        return np.unique(values.astype(np.int64))
    if len(values) and all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values):
        return np.unique(values.astype(np.int64))
    if any(v is None or v != v for v in values):
        raise DataError("an id is missing (None or NaN); expected an integer or a string for each row")
    return np.array(sorted({str(v) for v in values}), dtype=object)
