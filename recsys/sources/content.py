"""Tables of features to content spaces: track ids with numeric columns, or with one column of vectors."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.settings import Ingest
from recsys.sources.cells import blank, is_text, numbers
from recsys.sources.chunks import Chunk, Source
from recsys.sources.coding import Ids
from recsys.sources.columns import find, missing
from recsys.sources.faulty import Faulty
from recsys.sources.read import Progress, guarded, open_source, plain_errors, stem
from recsys.sources.rejects import Rejects
from recsys.tables import Embeddings, IdMap

NAME = re.compile(r"^[A-Za-z0-9_-]+$")
TAKEN = ("collaborative", "hybrid")
Floats = NDArray[np.float64]


@dataclass
class Space:
    """One file: pieces of ids, and their rows of numbers."""

    vectors: bool
    numbers: list[int] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)


class ContentReader:
    """Reads files of features; each becomes a space named after the file.

    Numeric columns are scaled to mean 0 and deviation 1 over the tracks that have them, and a missing one is
    then 0, the mean; columns that never vary are left out. Vectors stay as they are. Either way, rows end with
    length 1. Text columns are left out. The first row of an id counts.
    """

    def __init__(self, tracks: Ids, settings: Ingest, rejects: Rejects) -> None:
        self.tracks, self.settings, self.rejects = tracks, settings, rejects
        self.spaces: dict[str, Space] = {}

    def read(self, files: Sequence[Path], progress: Progress | None = None) -> None:
        """Read files one after another.

        Raises:
            DataError: no track id, no numbers, a name that can't be a space's, or too many bad rows.
        """
        for number, file in enumerate(files, 1):
            name = self._name(file)
            self.spaces[name] = self._archive(file) if file.suffix == ".npz" else self._table(file)
            if progress:
                progress("content", number, len(files))
        self.rejects.check("content", self.settings.max_reject_share)

    def embeddings(self, tracks: IdMap) -> dict[str, Embeddings]:
        """Each space over all tracks."""
        return {name: self._embedding(name, space, len(tracks)) for name, space in sorted(self.spaces.items())}

    def _embedding(self, name: str, space: Space, n: int) -> Embeddings:
        values = np.concatenate(space.values) if space.values else np.empty((0, 1))
        rows = [self.tracks.rows(number) for number in space.numbers]
        where = np.concatenate(rows) if rows else np.empty(0, np.int32)
        first = ~pd.Series(where).duplicated().to_numpy()
        values = values[first] if space.vectors else _scaled(values[first])
        vectors = np.zeros((n, values.shape[1]), np.float32)
        vectors[where[first]] = values
        return Embeddings.normalised(vectors, name)

    def _name(self, file: Path) -> str:
        name = stem(file)
        if not NAME.match(name) or name in TAKEN:
            raise DataError(
                f"{file}: {name!r} can't name a content space; rename the file to letters, digits, _ and - "
                f"(and not {' or '.join(TAKEN)})"
            )
        if name in self.spaces:
            raise DataError(f"{file}: there is a content space {name!r} already; rename one of the files")
        return name

    def _table(self, file: Path) -> Space:
        source = open_source(file)
        found = find(source.names, self.settings.columns, ["track_id"])
        ident = found.get("track_id") or next((n for n in source.names if n.casefold() == "id"), None)
        if ident is None:
            raise missing(file, source.names, ["track_id"], "content")
        features = [name for name in source.names if name != ident]
        chunks = list(guarded(source, source.chunks([ident, *features])))
        vector, numeric = _kinds(chunks, features)
        if vector is None and not numeric:
            raise DataError(
                f"{file}: found columns {', '.join(source.names)}, none of them numbers or vectors; expected "
                "track_id with numeric columns or one column of vectors"
            )
        return self._kept(source, chunks, ident, vector, numeric)

    def _kept(self, source: Source, chunks: list[Chunk], ident: str, vector: str | None, numeric: list[str]) -> Space:
        space = Space(vectors=vector is not None)
        width = _width(chunks, vector) if vector else 0
        for chunk in chunks:
            faulty = Faulty(chunk)
            ids = faulty.ids(ident, "track")
            values = _vectors(faulty, vector, width) if vector else _columns(chunk, numeric)
            self.rejects.saw("content", faulty.seen)
            self.rejects.add("content", source.path, faulty.rows())
            space.numbers.append(self.tracks.add(ids.take(faulty.good)))
            space.values.append(values[faulty.good])
        return space

    def _archive(self, file: Path) -> Space:
        with plain_errors(file):
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    ids, vectors = arrays["ids"], np.asarray(arrays["vectors"], np.float64)
            except (KeyError, ValueError) as error:
                raise DataError(
                    f"{file}: {error}; expected arrays ids (n,) of numbers or text, vectors (n, d)"
                ) from error
        if vectors.ndim != 2 or ids.shape != vectors.shape[:1]:
            raise DataError(f"{file}: ids {ids.shape} and vectors {vectors.shape}; expected (n,) and (n, d)")
        chunk = Chunk({"ids": pa.array(ids)}, np.arange(1, len(ids) + 1), text=False)
        faulty = Faulty(chunk)
        coded = faulty.ids("ids", "track")
        faulty.mark(~np.all(np.isfinite(vectors), axis=1), "vector is not finite")
        self.rejects.saw("content", faulty.seen)
        self.rejects.add("content", file, faulty.rows())
        return Space(True, [self.tracks.add(coded.take(faulty.good))], [vectors[faulty.good]])


def _kinds(chunks: list[Chunk], features: list[str]) -> tuple[str | None, list[str]]:
    """(the column of vectors or None, the numeric columns)."""
    lists = [name for name in features if any(_is_list(chunk.columns[name]) for chunk in chunks)]
    if lists:
        return lists[0], []
    return None, [name for name in features if chunks and all(_numeric(chunk.columns[name]) for chunk in chunks)]


def _is_list(column: pa.Array) -> bool:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    known = column.drop_null() if is_text(column) else []
    return bool(len(known)) and str(known[0]).startswith("[") and _parsed(str(known[0])) is not None


def _numeric(column: pa.Array) -> bool:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return False
    if not is_text(column):
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
    known = numbers(column)[~blank(column)]
    return bool(np.isfinite(known).any() and not np.isnan(known).any())


def _parsed(text: str) -> list[float] | None:
    try:
        return [float(x) for x in json.loads(text)]
    except (ValueError, TypeError):
        return None


def _items(column: pa.Array) -> list[Any]:
    values = column.to_pylist()
    return [_parsed(v) if isinstance(v, str) else v for v in values]


def _width(chunks: list[Chunk], vector: str) -> int:
    """The commonest length of a vector."""
    lengths = pd.Series([len(v) for chunk in chunks for v in _items(chunk.columns[vector]) if v is not None])
    return int(lengths.mode().iloc[0]) if len(lengths) else 1


def _vectors(faulty: Faulty, name: str, width: int) -> Floats:
    items = _items(faulty.chunk.columns[name])
    lengths = np.array([-1 if v is None else len(v) for v in items])
    faulty.mark(lengths < 0, "vector is missing or unreadable")
    faulty.mark((lengths >= 0) & (lengths != width), f"vector has another length than {width}")
    values = np.full((len(items), width), np.nan)
    for row in np.flatnonzero(lengths == width):
        values[row] = np.array(items[row], np.float64)
    faulty.mark(~np.all(np.isfinite(values), axis=1), "vector is not finite")
    return values


def _columns(chunk: Chunk, names: list[str]) -> Floats:
    return np.column_stack([numbers(chunk.columns[name]) for name in names])


def _scaled(values: Floats) -> Floats:
    """Columns to mean 0 and deviation 1 over what is known; what is not known becomes 0; constant ones go."""
    known = np.isfinite(values)
    values = np.where(known, values, 0)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values - values.sum(axis=0) / count, 0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    varies = spread > 1e-9 * np.maximum(np.abs(values).max(axis=0, initial=0), 1e-300)
    return centred[:, varies] / spread[varies] if varies.any() else np.zeros((len(values), 1))
