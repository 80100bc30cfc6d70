"""What a hostile file can make of a worker, as functions."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

import numpy as np

from recsys.audio import checks
from recsys.audio.analyse import Analysis
from recsys.audio.decode import read
from recsys.audio.ids import identify
from recsys.errors import DataError


def answer(path: str, **options: Any) -> str:
    return path.upper()


def hang(path: str) -> None:
    time.sleep(1000)


def hang_inside(path: str) -> None:
    ctypes.CDLL(None).pause()


def crash(path: str) -> None:
    ctypes.string_at(0)


def leave(path: str) -> None:
    os._exit(3)


def eat(path: str, megabytes: int = 4000) -> int:
    return int(np.ones(megabytes * 2**20, np.uint8)[-1])


def refuse(path: str) -> None:
    raise DataError("found nothing; expected something")


def closed(path: str) -> None:
    raise PermissionError(13, "Permission denied", path)


def stumble(path: str) -> None:
    raise KeyError("odd")


def pid(path: str) -> int:
    return os.getpid()


def threads(path: str) -> str:
    return os.environ["OMP_NUM_THREADS"] + os.environ["NUMBA_NUM_THREADS"]


def hang_on_flac(path: str) -> Any:
    if path.endswith(".flac"):
        hang(path)
    return identify(path)


def mumble(path: str) -> Any:
    """An error that is no valid text."""
    raise KeyError("\ud800" * 10_000)


def quick(path: str, windows: int, seconds: float, declared: float | None, **options: Any) -> Analysis:
    """An analysis that takes no time."""
    reading = read(path, count=windows, seconds=seconds)
    first = reading.sounds[0].samples
    flags = checks.of_sound(reading, declared)
    times = np.flatnonzero(first > 0.4)[:10].astype(np.float32) / 22050
    silent = "silent" in flags
    blocks = {} if silent else {"timbre": np.abs(first[:8])}
    return Analysis(
        {"level": float("nan") if silent else float(first.std())}, blocks, {}, {"onsets": times}, flags, reading.seconds
    )


def slow(path: str, **options: Any) -> Analysis:
    """An analysis that takes a fifth of a second."""
    time.sleep(0.2)
    return quick(path, **options)


KEPT: list[bytearray] = []


def hoard(path: str) -> str:
    """Leaves 300 MB behind each time, and says like torch that there is no more."""
    try:
        KEPT.append(bytearray(300 << 20))
    except MemoryError:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory") from None
    return path.upper()
