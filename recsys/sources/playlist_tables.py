"""One list as a table (CSV, TSV, Parquet) to entries: its rows in order of their position, or as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from recsys.errors import DataError
from recsys.sources.cells import numbers
from recsys.sources.columns import find
from recsys.sources.playlist_entries import Entry, paths
from recsys.sources.read import guarded, open_source

FIELDS = ("position", "mbid", "isrc", "title", "artist", "album", "duration", "duration_ms", "path", "track_id")
SAYS = ("track_id", "mbid", "isrc", "path", "title")


def read_table(file: Path) -> list[Entry]:
    """The rows of one table as entries; columns are found by their names, as in the log and the table of tracks.

    Raises:
        DataError: unreadable, or no column that could tell a track.
    """
    source = open_source(file)
    found = find(source.names, {}, FIELDS)
    if not any(name in found for name in SAYS):
        raise DataError(f"{file}: found columns {', '.join(source.names)}; expected one of {', '.join(SAYS)}")
    reason = next((name for name in source.names if name.casefold() == "reason"), None)
    wanted = list(dict.fromkeys([*found.values(), *([reason] if reason else [])]))
    entries: list[tuple[float, Entry]] = []
    for chunk in guarded(source, source.chunks(wanted)):
        columns = {ours: _texts(chunk.columns[theirs]) for ours, theirs in found.items()}
        columns["reason"] = _texts(chunk.columns[reason]) if reason else [None] * len(chunk.lines)
        seconds = _seconds(chunk.columns, found)
        places = numbers(chunk.columns[found["position"]]) if "position" in found else chunk.lines.astype(float)
        for row, line in enumerate(chunk.lines.tolist()):
            values = {name: column[row] for name, column in columns.items()}
            entries.append((places[row], _entry(line, values, seconds[row], file)))
    order = sorted(range(len(entries)), key=lambda i: (not np.isfinite(entries[i][0]), entries[i][0]))
    return [entries[i][1] for i in order]


def _texts(column: pa.Array) -> list[str | None]:
    """Values as text; None for what is empty."""
    return [None if v is None or v != v or not str(v).strip() else str(v).strip() for v in column.to_pylist()]


def _seconds(columns: dict[str, pa.Array], found: dict[str, str]) -> list[float]:
    lengths = numbers(columns[found["duration"]]) if "duration" in found else None
    if lengths is None and "duration_ms" in found:
        lengths = numbers(columns[found["duration_ms"]]) / 1000
    return [float("nan")] * len(next(iter(columns.values()))) if lengths is None else lengths.tolist()


def _entry(line: int, values: dict[str, Any], seconds: float, file: Path) -> Entry:
    keys = [values[name] for name in ("track_id", "mbid", "isrc") if values.get(name)]
    places = paths(values["path"], file) if values.get("path") else []
    told = {name: values.get(name) for name in ("title", "artist", "album", "reason")}
    return Entry(line, keys, places, **told, duration=seconds if 0 < seconds < 1e9 else None)
