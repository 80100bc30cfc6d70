"""Kernels are chosen by what the processor can do, and never over the user's word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsys import machine


def test_flags_are_read_and_absence_is_no_flag(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    assert machine.processor_flags(path) == set()
    path.write_text("processor\t: 0\nflags\t\t: fpu sse avx512f\nflags\t: other\n")
    assert machine.processor_flags(path) == {"fpu", "sse", "avx512f"}


@pytest.mark.parametrize(("said", "kept"), [("Haswell", "Haswell"), (None, None)])
def test_the_users_word_counts(said: str | None, kept: str | None) -> None:
    wide = "SkylakeX" if machine.processor_flags() >= machine.NEEDED else "default"
    environment = {k: v for k, v in os.environ.items() if k != machine.VARIABLE} | (
        {machine.VARIABLE: said} if said else {}
    )
    code = "from recsys import machine; machine.prefer_wide_kernels(); print(machine.kernels())"
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == (kept or wide)


def test_it_is_too_late_once_numpy_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(machine.VARIABLE, raising=False)
    machine.prefer_wide_kernels()
    assert machine.kernels() == "default"
