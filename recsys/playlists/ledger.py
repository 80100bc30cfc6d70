"""What was put on which list, when and for whom, and what was played or skipped since; a folder of Parquet parts.

Rows are appended as whole parts (temporary name, fsync, rename), so a reader never sees half of one, and a part that
is appended twice is there once. A part's name tells the span of its times, so that old ones need not be opened. Ids
are kept as text. One listener's rows can be erased, and counted afterwards.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recsys import manifest
from recsys.errors import ArtefactError, DataError

LISTED, PLAYED, SKIPPED = "listed", "played", "skipped"
DAY = 86_400
SCHEMA = pa.schema(
    [
        ("time", pa.int64()),
        ("event", pa.string()),
        ("listener", pa.string()),
        ("name", pa.string()),
        ("position", pa.int32()),
        ("track", pa.string()),
        ("seed", pa.int64()),
        ("asof", pa.int64()),
        ("bundle", pa.string()),
    ]
)
PART = re.compile(r"part-(-?\d+)-(-?\d+)-[0-9a-f]{16}\.parquet")


class Erased(NamedTuple):
    """What erasing a listener did: rows removed, parts written anew, and the rows found by counting again (0)."""

    listener: str
    rows: int
    parts: int
    left: int


@dataclass(frozen=True)
class Ledger:
    """Rows time, event (listed, played, skipped), listener, name (of the list), position, track, seed, asof, bundle.

    ``time`` is when it happened; ``asof`` and ``seed`` are what the list was made with, so that it can be made again.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ledger = Ledger(Path(folder))
    ...     _ = ledger.append(listed("ann", "morning", ["t1", "t2"], time=100))
    ...     ledger.read(listeners=["ann"])["track"].tolist(), ledger.erase("ann").left
    (['t1', 't2'], 0)
    """

    folder: Path

    def append(self, rows: pd.DataFrame) -> Path | None:
        """Add rows as one part and return its path; None for no rows. The same rows again change nothing.

        Raises:
            DataError: a column that is missing or of another type.
        """
        return self._write(_table(rows)) if len(rows) else None

    def _write(self, table: pa.Table) -> Path:
        table = table.sort_by([("listener", "ascending"), ("time", "ascending"), ("name", "ascending")])
        content = _bytes(table)
        span = pc.min_max(table["time"]).as_py()
        path = self.folder / f"part-{span['min']}-{span['max']}-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
        if not path.exists():
            manifest.write_bytes(path, content)
        return path

    def read(
        self,
        *,
        listeners: Sequence[Any] | None = None,
        name: str | None = None,
        event: str | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> pd.DataFrame:
        """The rows that satisfy all that is asked for, by time; since <= time < until."""
        wanted = _filter(listeners, name, event, since, until)
        table = _distinct([_read(path, wanted) for path in self._parts(since, until)])
        order = [("time", "ascending"), ("listener", "ascending"), ("name", "ascending"), ("position", "ascending")]
        return table.sort_by([*order, ("track", "ascending")]).to_pandas()

    def lists(
        self, listener: Any, name: str | None = None, *, last: int | None = None, until: float | None = None
    ) -> list[pd.DataFrame]:
        """The lists made for a listener, oldest first; ``last`` keeps so many, ``until`` those before a time."""
        rows = self.read(listeners=[listener], name=name, event=LISTED, until=until)
        made = [one.reset_index(drop=True) for _, one in rows.groupby(["time", "name"], sort=True)]
        return made if last is None else made[-last:] if last else []

    def erase(self, listener: Any) -> Erased:
        """Remove every row of one listener from disk, then count what is left by reading all parts again."""
        found = touched = 0
        for path in self._parts():
            table = pq.read_table(path)
            keep = pc.not_equal(table["listener"], str(listener))
            lost = table.num_rows - (pc.sum(keep).as_py() or 0)
            if lost:
                found, touched = found + lost, touched + 1
                self.append(table.filter(keep).to_pandas())
                path.unlink()
        return Erased(str(listener), found, touched, len(self.read(listeners=[listener])))

    def compact(self) -> int:
        """Make one part of all; returns how many parts there were."""
        parts = list(self._parts())
        if len(parts) > 1:
            made = self._write(_distinct([_read(path, None) for path in parts]))
            for path in parts:
                if path != made:
                    path.unlink()
        return len(parts)

    def _parts(self, since: float | None = None, until: float | None = None) -> Iterator[Path]:
        if self.folder.exists() and not self.folder.is_dir():
            raise ArtefactError(f"{self.folder} is a file; a ledger is a folder")
        for path in sorted(self.folder.glob("part-*.parquet")):
            if not (found := PART.fullmatch(path.name)):
                raise ArtefactError(f"{path} is no part of a ledger; move it away")
            if (since is None or int(found[2]) >= since) and (until is None or int(found[1]) < until):
                yield path


def listed(
    listener: Any,
    name: str,
    tracks: Sequence[Any],
    *,
    time: float,
    seed: int = 0,
    asof: float | None = None,
    bundle: str = "",
) -> pd.DataFrame:
    """The rows of one list, ready to append; ``asof`` is the time of making unless it was made as of another."""
    return pd.DataFrame(
        {
            "time": np.int64(time),
            "event": LISTED,
            "listener": str(listener),
            "name": name,
            "position": np.arange(1, len(tracks) + 1, dtype=np.int32),
            "track": [str(track) for track in tracks],
            "seed": np.int64(seed),
            "asof": np.int64(time if asof is None else asof),
            "bundle": bundle,
        }
    )


def heard(
    ledger: Ledger, listeners: Sequence[Any], tracks: Sequence[Any], times: Sequence[int], event: str = PLAYED
) -> pd.DataFrame:
    """Plays or skips as rows to append: those of tracks that were listed for that listener before, each once.

    Args:
        listeners, tracks, times: one per play.

    Raises:
        DataError: lengths that differ.
    """
    if not len(listeners) == len(tracks) == len(times):
        raise DataError(f"{len(listeners)} listeners, {len(tracks)} tracks, {len(times)} times; expected one length")
    plays = pd.DataFrame({"time": times, "listener": map(str, listeners), "track": map(str, tracks)})
    plays = plays.astype({"time": np.int64}).drop_duplicates()
    known = ledger.read()
    lists = known[known["event"] == LISTED].groupby(["listener", "track"], as_index=False)["time"].min()
    since = plays.merge(lists.rename(columns={"time": "listed"}), on=["listener", "track"])
    since = since[since["time"] >= since["listed"]]
    old = known.loc[known["event"] == event, ["time", "listener", "track"]].assign(old=True)
    fresh = since.merge(old, on=["time", "listener", "track"], how="left")
    fresh = fresh[fresh["old"].isna()][["time", "listener", "track"]]
    return fresh.assign(event=event, name="", position=0, seed=0, asof=0, bundle="").reset_index(drop=True)


def _table(rows: pd.DataFrame) -> pa.Table:
    missing = [name for name in SCHEMA.names if name not in rows]
    if missing:
        raise DataError(f"ledger rows lack {', '.join(missing)}; expected {', '.join(SCHEMA.names)}")
    try:
        return pa.Table.from_pandas(rows[SCHEMA.names], schema=SCHEMA, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"ledger rows: {error}") from error


def _distinct(parts: Sequence[pa.Table]) -> pa.Table:
    """Some parts as one table, each row once: a killed erase leaves some twice."""
    table = pa.concat_tables([SCHEMA.empty_table(), *parts])
    return table.group_by(SCHEMA.names).aggregate([]).select(SCHEMA.names).cast(SCHEMA)


def _bytes(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=1 << 16)
    return file.getvalue()


def _read(path: Path, wanted: pc.Expression | None) -> pa.Table:
    try:
        return pq.read_table(path, filters=wanted).select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowInvalid, KeyError) as error:
        raise ArtefactError(f"{path} is not a readable part of a ledger ({error}); move it away") from error


def _filter(
    listeners: Sequence[Any] | None, name: str | None, event: str | None, since: float | None, until: float | None
) -> pc.Expression | None:
    parts = []
    if listeners is not None:
        parts.append(pc.field("listener").isin(pa.array([str(one) for one in listeners], pa.string())))
    parts += [pc.field(field) == value for field, value in (("name", name), ("event", event)) if value is not None]
    parts += [pc.field("time") >= since] if since is not None else []
    parts += [pc.field("time") < until] if until is not None else []
    made = None
    for part in parts:
        made = part if made is None else made & part
    return made
