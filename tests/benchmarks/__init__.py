"""Benchmarks: one module per subject with ``measure() -> list[Row]``; ``python -m tests.benchmarks`` runs them all."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One measured value; ``ratio`` is how many times better than the peer, from the same run."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    note: str = ""
