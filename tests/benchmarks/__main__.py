"""Run the benchmarks, print a table and write bench.json: ``python -m tests.benchmarks [ials topk similar ingest]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from recsys.machine import kernels, prefer_wide_kernels
from tests.benchmarks import Row

SUBJECTS = ("ials", "topk", "similar", "ingest")


def main(subjects: tuple[str, ...]) -> None:
    """Measure each subject in turn; what is measured is written at once, so that a stop loses nothing."""
    prefer_wide_kernels()
    print(f"BLAS kernels: {kernels()}")
    rows: list[Row] = []
    for subject in subjects:
        print(f"measuring {subject} ...", flush=True)
        rows += import_module(f"tests.benchmarks.{subject}").measure()
        Path("bench.json").write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")
    Console(width=150).print(_table(rows))
    print("written to bench.json")


def _table(rows: list[Row]) -> Table:
    table = Table("name", "value", "unit", "peer", "peer value", "ratio", "note")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> Iterator[str]:
    for value in row:
        yield f"{value:,.4g}" if isinstance(value, float) else "" if value is None else str(value)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SUBJECTS)
