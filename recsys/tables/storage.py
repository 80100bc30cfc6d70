"""Tables to Parquet files and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recsys.tables.catalogue import Catalogue
from recsys.tables.embeddings import Embeddings
from recsys.tables.ids import IdMap
from recsys.tables.interactions import Interactions


def write_ids(path: Path, ids: IdMap) -> None:
    """Ids in row order, one Parquet column."""
    pq.write_table(pa.table({f"{ids.noun}_id": _arrow(ids)}), path)


def _arrow(ids: IdMap) -> pa.Array:
    return pa.array(ids.ids, type=pa.int64() if ids.integer else pa.string())


def read_ids(path: Path, noun: str) -> IdMap:
    """Ids that ``write_ids`` wrote, or the first column of a catalogue."""
    return _as_ids(pq.ParquetFile(path).read([pq.read_schema(path).names[0]]).column(0), noun)


def _as_ids(column: pa.ChunkedArray, noun: str) -> IdMap:
    integer = pa.types.is_integer(column.type)
    values = column.to_numpy() if integer else np.asarray(column.to_numpy(), dtype=object)
    return IdMap.sorted(values, noun)


def write_catalogue(path: Path, tracks: IdMap, catalogue: Catalogue) -> None:
    """The catalogue as Parquet, track ids first."""
    table = pa.Table.from_pandas(catalogue.frame, preserve_index=False)
    pq.write_table(table.add_column(0, "track_id", _arrow(tracks)), path)


def read_catalogue(path: Path) -> tuple[IdMap, Catalogue]:
    """Track ids and what is known of each."""
    table = pq.read_table(path)
    return _as_ids(table.column("track_id"), "track"), Catalogue(_frame(table.drop_columns(["track_id"])))


def _frame(table: pa.Table) -> pd.DataFrame:
    return pd.DataFrame({name: table.column(name).to_pandas() for name in table.column_names})


def write_layer(folder: Path, name: str, part: Interactions) -> None:
    """Events as Parquet; playlists bring their names along."""
    columns: dict[str, NDArray[Any]] = {"user": part.user, "track": part.track, "weight": part.weight}
    if part.time is not None:
        columns["time"] = part.time
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    if name == "playlists":
        write_ids(folder / "playlist-names.parquet", part.users)


def read_layer(folder: Path, name: str, users: IdMap, tracks: IdMap) -> Interactions:
    """Events that ``write_layer`` wrote."""
    table = pq.read_table(folder / f"{name}.parquet")
    columns = {c: table.column(c).to_numpy() for c in table.column_names}
    owners = read_ids(folder / "playlist-names.parquet", "playlist") if name == "playlists" else users
    return Interactions(owners, tracks, **columns)


def read_content(folder: Path, space: str) -> Embeddings:
    """One content space."""
    with np.load(folder / f"content-{space}.npz", allow_pickle=False) as arrays:
        return Embeddings(arrays["vectors"], arrays["known"], space)
