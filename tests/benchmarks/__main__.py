"""Run the benchmarks, print a table and write bench.json: ``python -m tests.benchmarks [SUBJECT ...]``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from recsys.machine import kernels, prefer_wide_kernels
from tests.benchmarks import Row

SUBJECTS = ("ials", "topk", "similar", "answers", "ingest", "analyse", "playlists", "large", "tunes", "serving")
ALONE = "--alone"


def main(subjects: tuple[str, ...]) -> None:
    """Measure each subject in a process of its own; what is measured is written at once, so a stop loses nothing."""
    prefer_wide_kernels()
    print(f"BLAS kernels: {kernels()}")
    rows: list[Row] = []
    for subject in subjects:
        print(f"measuring {subject} ...", flush=True)
        rows += measured(subject)
        Path("bench.json").write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")
    Console(width=150).print(_table(rows))
    print("written to bench.json")


def measured(subject: str) -> list[Row]:
    """The rows of one subject; alone in its process, since a child's peak memory begins with its parent's."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        subprocess.run([sys.executable, "-m", "tests.benchmarks", ALONE, subject, str(out)], check=True)
        return [Row(**row) for row in json.loads(out.read_text())]


def _table(rows: list[Row]) -> Table:
    table = Table("name", "value", "unit", "peer", "peer value", "ratio", "note")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> Iterator[str]:
    for value in row:
        yield f"{value:,.4g}" if isinstance(value, float) else "" if value is None else str(value)


if __name__ == "__main__":
    if sys.argv[1:2] == [ALONE]:
        found = import_module(f"tests.benchmarks.{sys.argv[2]}").measure()
        Path(sys.argv[3]).write_text(json.dumps([row._asdict() for row in found]))
    else:
        main(tuple(sys.argv[1:]) or SUBJECTS)
