"""Choices that must be made before numpy is loaded.

OpenBLAS recognises a processor by its name and gives one it does not know the kernels of an older family. Where
the processor has AVX-512, those for it do twice the work; they change the lowest bits of results, so the manifest
of what is made with them records it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "OPENBLAS_CORETYPE"
NEEDED = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def prefer_wide_kernels() -> None:
    """Ask OpenBLAS for its AVX-512 kernels where there are any, unless the environment says something."""
    if VARIABLE not in os.environ and "numpy" not in sys.modules and processor_flags() >= NEEDED:
        os.environ[VARIABLE] = "SkylakeX"


def processor_flags(path: Path = Path("/proc/cpuinfo")) -> set[str]:
    """What the processor can do, as Linux tells it; nothing elsewhere."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def kernels() -> str:
    """Which BLAS kernels were asked for; "default" when none."""
    return os.environ.get(VARIABLE, "default")
