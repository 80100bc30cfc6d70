"""A folder of parts of a table under a plan: each part whole or absent, and a killed job goes on where it stopped."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from recsys import manifest
from recsys.errors import ArtefactError

PLAN = "_plan.json"
REPORT = "_report.html"  # readers of a folder of Parquet parts skip it
LINES = 10_000  # rows turned into text at a time


@dataclass(frozen=True)
class Partitions:
    """A job's output.

    Attributes:
        out: the folder.
        kind: of its manifest.
        plan: what fixes its content; a job is only resumed under the same plan.
        format: of the parts: "parquet", "csv" or "jsonl".
    """

    out: Path
    kind: str
    plan: Mapping[str, Any]
    format: str = "parquet"

    def prepare(self, *, resume: bool = False) -> None:
        """Make the folder ready: empty, or as an earlier run under the same plan left it.

        Raises:
            ArtefactError: it holds other files, or a job with another plan that was to be resumed.
        """
        held = held_plan(self.out, self.kind) if resume else None
        if held is not None and held != json.loads(json.dumps(self.plan)):
            changed = ", ".join(key for key in self.plan if held.get(key) != self.plan[key])
            raise ArtefactError(
                f"{self.out} holds a job that differs in {changed}; name another folder or don't resume"
            )
        for path in self._clearable():
            if held is None or not path.name.startswith("part-"):
                path.unlink()
        manifest.write_json(self.out / PLAN, self.plan)

    def missing(self, parts: int) -> list[int]:
        """Numbers of the parts that are not there yet."""
        return [number for number in range(parts) if not self._part(number).exists()]

    def read(self, number: int, types: Mapping[str, pa.DataType]) -> pa.Table:
        """One part that is there; ``types`` of columns that text would leave open."""
        if self.format == "parquet":
            return pq.read_table(self._part(number))
        if self.format == "csv":
            return pa.csv.read_csv(self._part(number), convert_options=pa.csv.ConvertOptions(column_types=dict(types)))
        return pa.json.read_json(
            self._part(number), parse_options=pa.json.ParseOptions(explicit_schema=pa.schema(dict(types)))
        )

    def write(self, number: int, rows: pd.DataFrame | pa.Table) -> None:
        """One part, atomically."""
        manifest.write_bytes(self._part(number), as_bytes(rows, self.format))

    def seal(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Finish the folder with its manifest."""
        (self.out / PLAN).unlink(missing_ok=True)
        return manifest.seal(self.out, self.kind, {"plan": dict(self.plan), **facts}, name=manifest.OUTPUT_NAME)

    def _clearable(self) -> list[Path]:
        """What earlier jobs left here; anything else is somebody's and stops us."""
        found = sorted(self.out.iterdir()) if self.out.is_dir() else []
        for path in found:
            temporary = path.name.startswith(".") and path.name.endswith(".tmp")
            own = path.name in (PLAN, REPORT, manifest.OUTPUT_NAME)
            if not temporary and not own and not path.name.startswith("part-"):
                raise ArtefactError(f"{self.out} holds {path.name}, which this job did not make; name another folder")
        return found

    def _part(self, number: int) -> Path:
        return self.out / f"part-{number:05d}.{self.format}"


def held_plan(out: Path, kind: str) -> dict[str, Any] | None:
    """The plan of the job that a folder holds, finished or not."""
    if (out / PLAN).is_file():
        return json.loads((out / PLAN).read_text(encoding="utf-8"))
    if (out / manifest.OUTPUT_NAME).is_file():
        return manifest.read(out, kind)["plan"]
    return None


def as_table(rows: pd.DataFrame) -> pa.Table:
    """The table that is written."""
    return pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)


def as_bytes(rows: pd.DataFrame | pa.Table, format: str) -> bytes:
    """A table as a file of a format; nested values are JSON text in CSV, which knows none.

    >>> as_bytes(pd.DataFrame({"user_id": ["ann"], "rank": [1]}), "jsonl")
    b'{"user_id": "ann", "rank": 1}\\n'
    """
    table = rows if isinstance(rows, pa.Table) else as_table(rows)
    if format == "jsonl":
        return b"".join(_lines(batch) for batch in table.to_batches(max_chunksize=LINES))
    file = io.BytesIO()
    if format == "csv":
        pa.csv.write_csv(_flat(table), file)
    else:
        pq.write_table(table, file)
    return file.getvalue()


def _lines(batch: pa.RecordBatch) -> bytes:
    rows = (json.dumps(row, ensure_ascii=False, default=str) for row in batch.to_pylist())
    return "".join(f"{row}\n" for row in rows).encode()


def _flat(table: pa.Table) -> pa.Table:
    """The same table with nested columns as JSON text."""
    for index, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [json.dumps(value, ensure_ascii=False) for value in table[field.name].to_pylist()]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    return table
