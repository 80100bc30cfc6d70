"""Everything there is to learn from, in rows; and its folder on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import DataError
from recsys.tables.catalogue import Catalogue
from recsys.tables.embeddings import Embeddings
from recsys.tables.ids import IdMap
from recsys.tables.interactions import Interactions

KIND = "tables"
LAYERS = ("plays", "skips", "ratings", "playlists")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Plays, skips, ratings, playlists, the catalogue and content spaces over one set of track rows.

    Attributes:
        plays: positive evidence; weight = how much (see ``sources.weights`` for the rule).
        catalogue: one row per track.
        contents: content spaces by name, each with one vector per track row.
        skips: negative evidence over the same users and tracks, weight = strength; or None.
        ratings: explicit ratings as given, same users and tracks, weight = the rating; or None.
        playlists: ``users`` are playlist names, ``time`` the position in the list; or None.

    Raises:
        DataError: a part that does not cover the same tracks.
    """

    plays: Interactions
    catalogue: Catalogue
    contents: Mapping[str, Embeddings] = field(default_factory=dict)
    skips: Interactions | None = None
    ratings: Interactions | None = None
    playlists: Interactions | None = None

    def __post_init__(self) -> None:
        sizes = {
            "catalogue": len(self.catalogue),
            **{f"content {k!r}": len(v) for k, v in self.contents.items()},
        }
        for layer in LAYERS[1:]:
            part = getattr(self, layer)
            if part is not None:
                sizes[layer] = len(part.tracks)
        for name, size in sizes.items():
            if size != len(self.tracks):
                raise DataError(f"{name} covers {size} tracks; expected {len(self.tracks)}, as the plays do")

    @property
    def users(self) -> IdMap:
        """Ids of the listeners."""
        return self.plays.users

    @property
    def tracks(self) -> IdMap:
        """Ids of the tracks."""
        return self.plays.tracks

    def matrix(self) -> sp.csr_array:
        """What each listener played: summed weights, float32 CSR (users, tracks)."""
        return self.plays.matrix()

    def histories(self) -> sp.csr_array:
        """Listeners, then playlists: all that co-occurrence can be learned from, CSR (users + playlists, tracks)."""
        if self.playlists is None:
            return self.matrix()
        lists = self.playlists.matrix()
        return sp.csr_array(sp.vstack([self.matrix(), lists], format="csr"))

    def with_plays(self, plays: Interactions) -> Dataset:
        """The same world with other plays over the same ids; ratings of pairs that are gone are dropped too."""
        return replace(self, plays=plays, ratings=_only_pairs(self.ratings, plays))

    def save(self, folder: Path, *, inputs: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Write all tables into ``folder`` (an empty working folder) and seal it with a manifest."""
        _write_ids(folder / "users.parquet", self.users)
        _write_catalogue(folder / "tracks.parquet", self)
        for layer in LAYERS:
            part = getattr(self, layer)
            if part is not None:
                _write_layer(folder, layer, part)
        for space, embedding in self.contents.items():
            np.savez(folder / f"content-{space}.npz", vectors=embedding.vectors, known=embedding.known)
        counts = {layer: len(getattr(self, layer)) for layer in LAYERS if getattr(self, layer) is not None}
        own = {
            "users": len(self.users),
            "tracks": len(self.tracks),
            "rows": counts,
            "contents": sorted(self.contents),
        }
        prints = {"users": self.users.fingerprint, "tracks": self.tracks.fingerprint}
        manifest.seal(folder, KIND, {**own, "fingerprints": prints, "inputs": dict(inputs), **facts})

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """Read a folder that ``save`` wrote.

        Raises:
            ArtefactError: not such a folder, unfinished, or too new.
        """
        known = manifest.read(folder, KIND)
        users = _read_ids(folder / "users.parquet", "user")
        tracks, catalogue = _read_catalogue(folder / "tracks.parquet")
        layers = {name: _read_layer(folder, name, users, tracks) for name in LAYERS if name in known["rows"]}
        contents = {space: _read_content(folder, space) for space in known["contents"]}
        return cls(layers.pop("plays"), catalogue, contents, **layers)


def _only_pairs(part: Interactions | None, plays: Interactions) -> Interactions | None:
    """Rows of ``part`` whose (user, track) is still among the plays: what is held out must not leak."""
    if part is None:
        return None
    width = len(plays.tracks)
    return part.take(np.isin(_pairs(part, width), np.unique(_pairs(plays, width))))


def _pairs(part: Interactions, width: int) -> NDArray[np.int64]:
    return part.user.astype(np.int64) * width + part.track


def _write_ids(path: Path, ids: IdMap) -> None:
    pq.write_table(pa.table({f"{ids.noun}_id": _arrow(ids)}), path)


def _arrow(ids: IdMap) -> pa.Array:
    return pa.array(ids.ids, type=pa.int64() if ids.integer else pa.string())


def _read_ids(path: Path, noun: str) -> IdMap:
    return _as_ids(pq.read_table(path).column(0), noun)


def _as_ids(column: pa.ChunkedArray, noun: str) -> IdMap:
    integer = pa.types.is_integer(column.type)
    values = column.to_numpy() if integer else np.asarray(column.to_numpy(), dtype=object)
    return IdMap.sorted(values, noun)


def _write_catalogue(path: Path, dataset: Dataset) -> None:
    table = pa.Table.from_pandas(dataset.catalogue.frame, preserve_index=False)
    pq.write_table(table.add_column(0, "track_id", _arrow(dataset.tracks)), path)


def _read_catalogue(path: Path) -> tuple[IdMap, Catalogue]:
    table = pq.read_table(path)
    return _as_ids(table.column("track_id"), "track"), Catalogue(_frame(table.drop_columns(["track_id"])))


def _frame(table: pa.Table) -> pd.DataFrame:
    return pd.DataFrame({name: table.column(name).to_pandas() for name in table.column_names})


def _write_layer(folder: Path, name: str, part: Interactions) -> None:
    columns: dict[str, NDArray[Any]] = {"user": part.user, "track": part.track, "weight": part.weight}
    if part.time is not None:
        columns["time"] = part.time
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    if name == "playlists":
        _write_ids(folder / "playlist-names.parquet", part.users)


def _read_layer(folder: Path, name: str, users: IdMap, tracks: IdMap) -> Interactions:
    table = pq.read_table(folder / f"{name}.parquet")
    columns = {c: table.column(c).to_numpy() for c in table.column_names}
    owners = _read_ids(folder / "playlist-names.parquet", "playlist") if name == "playlists" else users
    return Interactions(owners, tracks, **columns)


def _read_content(folder: Path, space: str) -> Embeddings:
    with np.load(folder / f"content-{space}.npz", allow_pickle=False) as arrays:
        return Embeddings(arrays["vectors"], arrays["known"], space)
