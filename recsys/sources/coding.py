"""Outside ids of many files to rows: each piece is coded by itself, all pieces meet once at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recsys.sources.cells import decoded
from recsys.sources.rejects import shown
from recsys.tables import IdMap

LONGEST = 512
LOOSE = 1 << 20
NOT_IDS = ["", "nan", "NaN", "NAN", "null", "NULL", "None", "<NA>", "\\N"]
INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"


@dataclass
class Encoded:
    """One column of ids: ``values[codes[i]]`` is the id of row i, code −1 where there is none.

    Attributes:
        codes: int32, shape (n,).
        values: arrow int64 or string, no missing ones; not sorted.
        text: whether values come from a file without types, where "12" may be the integer 12.
    """

    codes: NDArray[np.int32]
    values: pa.Array
    text: bool

    def take(self, keep: NDArray[np.bool_]) -> Encoded:
        """The rows of a mask, and only the values that they use."""
        return Encoded(self.codes[keep], self.values, self.text).compact()

    def compact(self) -> Encoded:
        """The same rows without values that no row uses."""
        used = np.zeros(len(self.values) + 1, bool)
        used[self.codes] = True
        if used[:-1].all():
            return self
        place = np.append(np.cumsum(used[:-1], dtype=np.int32) - 1, np.int32(-1))
        return Encoded(place[self.codes], self.values.filter(pa.array(used[:-1])), self.text)


def encode(column: pa.Array, text: bool) -> Encoded:
    """Code a column of ids of any arrow type."""
    ready = pa.types.is_dictionary(column.type) and not column.dictionary.null_count
    coded = column if ready else _plain_type(decoded(column)).dictionary_encode()
    values = _plain_type(coded.dictionary)
    codes = coded.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    made = Encoded(codes, values, text and values.type == pa.string())
    return made.compact() if ready else made


def faults(column: Encoded, noun: str) -> dict[int, str]:
    """What is wrong with which value, by its code; −1 stands for a missing id."""
    found = {-1: f"{noun} id is missing"}
    if column.values.type != pa.string():
        return found
    trimmed = pc.utf8_trim_whitespace(column.values)
    for flags, what in (
        (pc.is_in(trimmed, value_set=pa.array(NOT_IDS)), "is missing"),
        (pc.greater(pc.binary_length(column.values), LONGEST), f"has more than {LONGEST} bytes"),
        (pc.match_substring_regex(column.values, r"\p{Cc}"), "has control characters"),
    ):
        for code in np.flatnonzero(flags.to_numpy(zero_copy_only=False)):
            value = column.values[int(code)].as_py()
            found.setdefault(int(code), f"{noun} id {what}: {shown(value)}" if value else f"{noun} id {what}")
    return found


class Ids:
    """All ids of one noun, as they come; ``finish`` sorts them into an IdMap and translates every piece.

    The ids are integers when every value of every piece is one (text that spells an integer in a file
    without types counts); otherwise all of them are strings.

    >>> users = Ids("user")
    >>> first = users.add(encode(pa.array(["b", "a"]), text=True))
    >>> users.finish()
    IdMap(2 users)
    >>> users.rows(first)
    array([1, 0], dtype=int32)
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.pieces: list[Encoded] = []
        self.loose, self.limit = 0, LOOSE
        self.places: dict[int, NDArray[np.int32]] = {}

    def add(self, piece: Encoded) -> int:
        """Keep a piece; the number it gets asks for its rows later."""
        self.pieces.append(piece)
        self.loose += len(piece.values)
        if self.loose > self.limit:
            self._share()
        return len(self.pieces) - 1

    def finish(self) -> IdMap:
        """The sorted unique ids of all pieces."""
        distinct = list({id(piece.values): piece for piece in self.pieces}.values())
        kind = pa.int64() if distinct and all(map(_integers, distinct)) else pa.string()
        unique, places = _unified([piece.values.cast(kind) for piece in distinct], kind)
        order = pc.sort_indices(unique)
        rank = np.empty(len(unique), np.int32)
        rank[order.to_numpy()] = np.arange(len(unique), dtype=np.int32)
        self.places = {id(piece.values): rank[place] for piece, place in zip(distinct, places, strict=True)}
        ids = unique.take(order).to_numpy(zero_copy_only=False)
        return IdMap.sorted(ids if kind == pa.int64() else ids.astype(object), self.noun)

    def rows(self, number: int) -> NDArray[np.int32]:
        """Rows of a piece in the finished IdMap, int32; the piece's codes are given up."""
        piece = self.pieces[number]
        codes, piece.codes = piece.codes, piece.codes[:0]
        return self.places[id(piece.values)][codes]

    def _share(self) -> None:
        """Let pieces of one kind share one array of values, so that long logs keep each id once."""
        kinds: dict[tuple[bool, bool], dict[int, Encoded]] = {}
        for piece in self.pieces:
            kinds.setdefault((piece.text, piece.values.type == pa.int64()), {})[id(piece.values)] = piece
        for distinct in kinds.values():
            unique, places = _unified([p.values for p in distinct.values()], next(iter(distinct.values())).values.type)
            place = dict(zip(distinct, places, strict=True))
            for piece in self.pieces:
                if id(piece.values) in place:
                    piece.codes, piece.values = place[id(piece.values)][piece.codes], unique
        shared = {id(piece.values): len(piece.values) for piece in self.pieces}
        self.loose, self.limit = 0, max(LOOSE, sum(shared.values()))


def _unified(values: list[pa.Array], kind: pa.DataType) -> tuple[pa.Array, list[NDArray[np.int32]]]:
    """The unique values of arrays in order of appearance, and where each array's values are among them."""
    joined = pa.chunked_array(values, type=kind).combine_chunks().dictionary_encode()
    places = joined.indices.to_numpy(zero_copy_only=False)
    ends = np.cumsum([len(v) for v in values], dtype=np.int64)
    return joined.dictionary, np.split(places, ends[:-1]) if values else []


def _integers(piece: Encoded) -> bool:
    """Whether all values are integers, or nothing but spelling keeps them from it."""
    if piece.values.type == pa.int64() or not len(piece.values):
        return True
    return piece.text and bool(pc.all(pc.match_substring_regex(piece.values, INTEGER)).as_py())


def _plain_type(column: pa.Array) -> Any:
    """Ids as int64 or string: whole floats are integers (a column with gaps), anything else is spelt out."""
    kind = column.type
    if kind in (pa.int64(), pa.string()):
        return column
    if pa.types.is_floating(kind):
        return _from_floats(column)
    if pa.types.is_integer(kind) and not (kind == pa.uint64() and (pc.max(column).as_py() or 0) >= 2**63):
        return column.cast(pa.int64())
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


def _from_floats(column: pa.Array) -> pa.Array:
    known = pc.if_else(pc.is_nan(column), None, column)
    try:
        return known.cast(pa.int64())
    except pa.ArrowInvalid:
        return known.cast(pa.string())
