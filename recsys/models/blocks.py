"""What is known about tracks, block by block, as raw numbers; a later kind of content is one more maker.

Conventions:
    * A block's columns mean the same in every dataset: a word, a year, a measured quantity, a dimension of a space.
      So a track that came after training is described by the same columns, and nothing here is fitted.
    * A column's name is ``block=word`` or ``block#number``; names are kept as 64-bit hashes, which bounds their size.
    * Unknown is a row without entries (sparse) or NaN (dense), never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.tables.predicted import is_predicted

if TYPE_CHECKING:
    from recsys.tables import Catalogue, Dataset

WORDS = ("artist", "album", "genre", "tags")
NUMBERS = "numbers"
YEARS = np.arange(1950, 2031, 5)  # centres of the smooth bins of a year
NOT_CONTENT = ("year", "duration")  # numbers of the catalogue with a block of their own, or with none
CODES = ("id", "index", "row", "number", "position", "isrc", "unnamed")  # words in names of columns that only count


@dataclass(frozen=True, eq=False)
class Block:
    """One kind of knowledge about every track.

    Attributes:
        name: "artist", "genre", "tags", "year", "numbers", or the name of a content space.
        columns: uint64 hashes of the names of the columns, shape (d,).
        matrix: float32, CSR (tracks, d) of words, or dense (tracks, d) with NaN where unknown.
    """

    name: str
    columns: NDArray[np.uint64]
    matrix: Any

    @property
    def sparse(self) -> bool:
        """Whether the columns are words, most of which a track does not have."""
        return bool(sp.issparse(self.matrix))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which tracks the block says anything about, bool (tracks,)."""
        if self.sparse:
            return np.asarray(np.diff(self.matrix.indptr) > 0)
        return np.asarray(np.isfinite(self.matrix).any(axis=1))


Maker = Callable[["Dataset"], Iterable[Block]]
MAKERS: list[Maker] = []
Worded = tuple[NDArray[np.uint64], sp.csr_array]
_KEPT: WeakKeyDictionary[Catalogue, dict[str, Worded]] = WeakKeyDictionary()


def maker(function: Maker) -> Maker:
    """Register a function from a dataset to blocks; all models take them up."""
    MAKERS.append(function)
    return function


def blocks(dataset: Dataset, drop: Iterable[str] = ()) -> list[Block]:
    """Every block that says something about a track, except those named in ``drop``.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["jazz"], None], "tempo": [120.0, 90.0, np.nan]}))
    >>> plays = Interactions.empty(IdMap(["ann"]), IdMap(["x", "y", "z"]))
    >>> [(block.name, block.matrix.shape, block.known.tolist()) for block in blocks(Dataset(plays, songs))]
    [('genre', (3, 2), [True, True, False]), ('numbers', (3, 1), [True, True, False])]
    """
    left_out = set(drop)
    made = (block for function in MAKERS for block in function(dataset))
    return [block for block in made if block.name not in left_out and block.known.any()]


def has_content(dataset: Dataset) -> bool:
    """Whether anything is known about any track."""
    return bool(blocks(dataset))


def words(catalogue: Catalogue, columns: Iterable[str] = ("artist", "genre", "tags")) -> sp.csr_array:
    """Which words of some columns each track has, float32 CSR (tracks, words) of zeros and ones."""
    made = [_worded(catalogue, column)[1] for column in columns]
    return sp.csr_array(sp.hstack(made, format="csr"))


def named(name: str) -> np.uint64:
    """The hash that stands for the name of a column."""
    return np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))


def group_codes(dataset: Dataset, column: str) -> NDArray[np.uint64]:
    """Artist or album of each track as a hash, 0 where unknown, (tracks,); the same album title by another artist is
    another album."""
    frame = dataset.catalogue.frame
    values = frame[column].to_numpy(object)
    if column == "album":
        values = [f"{b} – {a}" if isinstance(a, str) else None for a, b in zip(values, frame["artist"], strict=True)]
    known: dict[str, np.uint64] = {}
    codes = np.zeros(len(frame), np.uint64)
    for row, value in enumerate(values):
        if isinstance(value, str) and value:
            word = value.casefold()
            codes[row] = known.get(word) or known.setdefault(word, named(f"{column}={word}"))
    return codes


@maker
def _catalogue_words(dataset: Dataset) -> Iterator[Block]:
    for column in WORDS:
        names, matrix = _worded(dataset.catalogue, column)
        yield Block(column, names, matrix)


@maker
def _years(dataset: Dataset) -> Iterator[Block]:
    """A year as membership in the nearest two bins, so that neighbouring years are alike."""
    year = dataset.catalogue.frame["year"].to_numpy(np.float64)
    width = YEARS[1] - YEARS[0]
    place = np.clip(year, YEARS[0], YEARS[-1])[:, None]
    share = np.nan_to_num(np.clip(1 - np.abs(place - YEARS) / width, 0, 1))
    names = np.array([named(f"year#{y}") for y in YEARS], np.uint64)
    yield Block("year", names, sp.csr_array(share.astype(np.float32)))


@maker
def _numbers(dataset: Dataset) -> Iterator[Block]:
    """Measured quantities of the catalogue: tempo, loudness, energy, ...; not what producers predicted."""
    frame = dataset.catalogue.frame
    chosen = [n for n in frame if _quantity(str(n), frame[n]) and not is_predicted(str(n), frame)]
    if chosen:
        values = np.column_stack([frame[name].to_numpy(np.float32, na_value=np.nan) for name in chosen])
        values[~np.isfinite(values)] = np.nan
        yield Block(NUMBERS, np.array([named(f"numbers#{name}") for name in chosen], np.uint64), values)


@maker
def _spaces(dataset: Dataset) -> Iterator[Block]:
    for name, space in dataset.contents.items():
        vectors = np.where(space.known[:, None], space.vectors, np.float32(np.nan))
        yield Block(name, np.array([named(f"{name}#{d}") for d in range(space.dimensions)], np.uint64), vectors)


def _quantity(name: str, column: Any) -> bool:
    """Whether a column measures something: numbers that vary, and whose name is not that of a code."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if name in NOT_CONTENT or not (is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype)):
        return False
    parts = name.casefold().replace("-", "_").replace(" ", "_").replace(":", "_").split("_")
    return not any(part in CODES for part in parts) and column.nunique(dropna=True) > 1


def _worded(catalogue: Catalogue, column: str) -> Worded:
    """Hashes of the words of one column, and which tracks have them, CSR of ones; kept as long as the catalogue."""
    kept = _KEPT.setdefault(catalogue, {})
    if column not in kept:
        kept[column] = _parsed(catalogue, column)
    return kept[column]


def _parsed(catalogue: Catalogue, column: str) -> Worded:
    number: dict[str, int] = {}
    tracks, found = [], []
    for track, value in enumerate(catalogue.frame[column]):
        for word in _items(value):
            tracks.append(track)
            found.append(number.setdefault(word.casefold(), len(number)))
    shape = len(catalogue), len(number)
    made = sp.csr_array((np.ones(len(tracks), np.float32), (tracks, found)), shape=shape)
    made.sum_duplicates()
    made.data[:] = 1
    return np.array([named(f"{column}={word}") for word in number], np.uint64), made


def _items(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, np.ndarray)):
        yield from (str(v) for v in value)
