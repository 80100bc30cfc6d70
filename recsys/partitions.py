"""A folder of Parquet parts under a plan: each part whole or absent, and a killed job goes on where it stopped."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recsys import manifest
from recsys.errors import ArtefactError

PLAN = "_plan.json"


@dataclass(frozen=True)
class Partitions:
    """A job's output.

    Attributes:
        out: the folder.
        kind: of its manifest.
        plan: what fixes its content; a job is only resumed under the same plan.
    """

    out: Path
    kind: str
    plan: Mapping[str, Any]

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
        for path in sorted(self.out.iterdir()) if self.out.is_dir() else []:
            ours = path.name in (PLAN, manifest.OUTPUT_NAME) or path.name.startswith("part-")
            if not ours and not path.name.startswith("."):
                raise ArtefactError(f"{self.out} holds {path.name}, which this job did not make; name another folder")
            if held is None or not path.name.startswith("part-"):
                path.unlink()
        manifest.write_json(self.out / PLAN, self.plan)

    def missing(self, parts: int) -> list[int]:
        """Numbers of the parts that are not there yet."""
        return [number for number in range(parts) if not self._part(number).exists()]

    def write(self, number: int, rows: pd.DataFrame) -> None:
        """One part, atomically."""
        file = io.BytesIO()
        table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(table, file)
        manifest.write_bytes(self._part(number), file.getvalue())

    def seal(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Finish the folder with its manifest."""
        (self.out / PLAN).unlink(missing_ok=True)
        return manifest.seal(self.out, self.kind, {"plan": dict(self.plan), **facts}, name=manifest.OUTPUT_NAME)

    def _part(self, number: int) -> Path:
        return self.out / f"part-{number:05d}.parquet"


def held_plan(out: Path, kind: str) -> dict[str, Any] | None:
    """The plan of the job that a folder holds, finished or not."""
    if (out / PLAN).is_file():
        return json.loads((out / PLAN).read_text(encoding="utf-8"))
    if (out / manifest.OUTPUT_NAME).is_file():
        return manifest.read(out, kind)["plan"]
    return None
