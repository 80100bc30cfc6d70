"""Rows of features as Parquet files, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from recsys import manifest

if TYPE_CHECKING:
    from recsys.audio.analyse import Analysis
    from recsys.audio.ids import Identity
    from recsys.audio.scan import Found

Row = dict[str, Any]

FILES = pa.schema(
    [
        ("path", pa.string()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("digest", pa.string()),
        ("track_id", pa.string()),
        ("title", pa.string()),
        ("artist", pa.string()),
        ("album", pa.string()),
        ("year", pa.int32()),
        ("genre", pa.list_(pa.string())),
        ("declared", pa.float64()),
        ("isrc", pa.string()),
        ("mbid", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("cause", pa.string()),
        ("tries", pa.int32()),
        ("analyser", pa.string()),
    ]
)
ANALYSES = {
    "digest": pa.string(),
    "analyser": pa.string(),
    "seconds": pa.float64(),
    "flags": pa.list_(pa.string()),
}
PREFIXES = {
    "trait": pa.float64(),
    "block": pa.list_(pa.float32()),
    "extra": pa.list_(pa.float32()),
    "events": pa.list_(pa.float32()),
}


def file_row(found: Found, analyser: str) -> Row:
    """A row about a file of which nothing is known yet."""
    facts = {"path": found.path, "size": found.size, "mtime_ns": found.mtime_ns}
    return {**dict.fromkeys(FILES.names), **facts, "flags": [], "tries": 0, "analyser": analyser}


def identified(row: Row, identity: Identity) -> Row:
    """The row with what the file says about itself."""
    tags = identity.tags
    texts = {name: getattr(tags, name) for name in ("title", "artist", "album", "year", "genre", "isrc", "mbid")}
    return {**row, **texts, "declared": tags.duration, "digest": identity.digest, "flags": list(identity.flags)}


def analysis_row(digest: str, analyser: str, analysis: Analysis) -> Row:
    """An analysis, flat: ``trait:tempo``, ``block:timbre``, ``extra:chroma``, ``events:beats``."""
    named: dict[str, Mapping[str, Any]] = {
        "trait": analysis.traits,
        "block": analysis.blocks,
        "extra": analysis.extra,
        "events": analysis.events,
    }
    flat = {f"{prefix}:{name}": value for prefix, values in named.items() for name, value in values.items()}
    facts = {"digest": digest, "analyser": analyser, "seconds": analysis.seconds, "flags": list(analysis.flags)}
    return {**facts, **flat}


def files_table(rows: Sequence[Row]) -> pa.Table:
    """Rows about files as a table."""
    return pa.Table.from_pylist(list(rows), schema=FILES)


def analyses_table(rows: Sequence[Row]) -> pa.Table:
    """Rows of analyses as a table; a trait that a row has not is NaN, a vector is null."""
    names = dict.fromkeys([*ANALYSES, *sorted({name for row in rows for name in row if ":" in name})])
    return pa.table({name: _column(rows, name) for name in names})


def _column(rows: Sequence[Row], name: str) -> pa.Array:
    prefix = name.partition(":")[0]
    missing = float("nan") if prefix == "trait" else None
    return pa.array([row.get(name, missing) for row in rows], ANALYSES.get(name) or PREFIXES[prefix])


def write(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet, atomically."""
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    manifest.write_bytes(path, buffer.getvalue())


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A part, or some of its columns."""
    return pq.read_table(path, columns=list(columns) if columns else None, partitioning=None)


def together(tables: Iterable[pa.Table]) -> pa.Table:
    """Parts as one table; columns that one has and another has not are null there."""
    return pa.concat_tables(list(tables), promote_options="permissive")


class Known(NamedTuple):
    """What is remembered of a stored analysis: who made it, its flags, and the part it is in."""

    analyser: str
    flags: list[str]
    place: Path | None = None


def latest(paths: Sequence[Path]) -> dict[str, Known]:
    """The last stored analysis of each digest."""
    found = {}
    for path in paths:
        table = read(path, ["digest", "analyser", "flags"])
        digests, analysers, flags = (table[name].to_pylist() for name in ("digest", "analyser", "flags"))
        for digest, analyser, raised in zip(digests, analysers, flags, strict=True):
            found[digest] = Known(analyser, raised, path)
    return found


def columns(path: Path) -> list[str]:
    """Names of the columns of a part."""
    return list(pq.read_schema(path).names)


def count(path: Path) -> int:
    """Rows of a part."""
    return int(pq.read_metadata(path).num_rows)


def last_rows(table: pa.Table, digests: Iterable[str]) -> pa.Table:
    """The last row of each of these digests, in order of digest."""
    places = {digest: row for row, digest in enumerate(table["digest"].to_pylist())}
    return table.take([places[digest] for digest in sorted(digests)])


def ids_table(ids: Mapping[str, str]) -> pa.Table:
    """The track id of each digest as a table."""
    known = sorted(ids.items())
    return pa.table({"digest": [digest for digest, _ in known], "track_id": [name for _, name in known]})
