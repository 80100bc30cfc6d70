"""Sound files in, examples to learn from out: descriptors and log-mel windows of each, heard once and kept."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.audio.alone import HEARING
from recsys.audio.workers import MEGABYTES, SECONDS, Outcome, Task, Workers
from recsys.errors import DataError
from recsys.producers.labelling.hearing import Heard, kept

Floats = NDArray[np.float32]
Rows = NDArray[np.integer[Any]]
Progress = Callable[[str, int, int], None]
IN_MEMORY = 2**30  # bytes
FULL = os.strerror(errno.ENOSPC)
HEAR = "recsys.producers.labelling.hearing:hear"


@dataclass(frozen=True, eq=False)
class Examples:
    """What was heard of n files.

    Attributes:
        paths: (n,) of the files, as given.
        mel: float16 (n, w, frames, bands): log-mel windows, see ``recsys.producers.labelling.hearing``.
        mask: bool (n, w): which windows there are; at least the first of each file.
        descriptors: float32 (n, d); NaN is unknown.
        names: (d,) of the descriptors, such as ``trait:tempo`` and ``timbre:17``.
        groups: int32 (n,): files of one group never lie on both sides of a split.
        digests: (n,) hashes of the sounds.
        failures: cause by path of files that could not be heard; they are in nothing else.
    """

    paths: tuple[str, ...]
    mel: NDArray[np.float16]
    mask: NDArray[np.bool_]
    descriptors: Floats
    names: tuple[str, ...]
    groups: NDArray[np.int32]
    digests: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: Rows) -> Examples:
        """Some of the files, in this order."""
        return replace(
            self,
            paths=tuple(self.paths[row] for row in rows),
            mel=self.mel[rows],
            mask=self.mask[rows],
            descriptors=self.descriptors[rows],
            groups=self.groups[rows],
            digests=tuple(self.digests[row] for row in rows) if self.digests else (),
        )


def examples(
    paths: Sequence[str],
    *,
    folder: str | Path,
    root: str | Path = "",
    workers: int = 2,
    names: Sequence[str] | None = None,
    time_limit: float = SECONDS,
    memory_limit: int = MEGABYTES,
    progress: Progress | None = None,
) -> Examples:
    """Hear files; what ``folder`` knows already, by the hash of the sound, is not heard again.

    Args:
        paths: of the files, relative to ``root``.
        folder: where what was heard is kept; a killed run goes on where it stopped.
        workers: processes.
        names: descriptors that are wanted, in this order; all that were found by default.
        time_limit: seconds for one file.
        memory_limit: megabytes for one worker.
        progress: called with ("hear", files done, files to do).

    Raises:
        DataError: not one file could be heard.
    """
    digests, failures = hear(
        paths,
        folder=folder,
        root=root,
        workers=workers,
        time_limit=time_limit,
        memory_limit=memory_limit,
        progress=progress,
    )
    good = [path for path in paths if path in digests]
    if not good:
        example = next(iter(failures.items()), ("", "there is none"))
        raise DataError(f"none of {len(paths)} files can be heard; for example {example[0]}: {example[1]}")
    return assemble(good, [digests[path] for path in good], folder, names, failures)


def hear(
    paths: Sequence[str],
    *,
    folder: str | Path,
    root: str | Path = "",
    workers: int = 2,
    time_limit: float = SECONDS,
    memory_limit: int = MEGABYTES,
    progress: Progress | None = None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Hear files as ``examples`` does: the hash of the sound by path, and the cause by path of what failed.

    Raises:
        OSError: the disk is full; that is no fault of a file.
    """
    names = {str(Path(root) / path): path for path in paths}
    tasks = deque(Task(HEAR, full, {"folder": str(folder)}) for full in names)
    digests: dict[str, str] = {}
    failures: dict[str, str] = {}
    if not tasks:
        return digests, failures
    prepare = ("recsys.producers.labelling.hearing", *HEARING)
    with Workers(min(workers, len(tasks)), seconds=time_limit, megabytes=memory_limit, prepare=prepare) as pool:
        for done, outcome in enumerate(pool.run(tasks), 1):
            _note(outcome, names[outcome.task.path], digests, failures)
            if progress:
                progress("hear", done, len(names))
    return digests, failures


def assemble(
    paths: Sequence[str],
    digests: Sequence[str],
    folder: str | Path,
    names: Sequence[str] | None = None,
    failures: Mapping[str, str] | None = None,
) -> Examples:
    """What ``folder`` knows of single files as one; descriptors that a file has not are NaN.

    Log-mel windows of more than 1 GiB lie in a mapped file that goes when it is no longer used.
    """
    places = [kept(folder, digest) for digest in digests]
    shapes, found = zip(*(_about(place) for place in dict.fromkeys(places)), strict=True)
    wanted = list(names) if names is not None else list(dict.fromkeys(name for several in found for name in several))
    column = {name: place for place, name in enumerate(wanted)}
    width = max(shape[0] for shape in shapes)
    mel = _room((len(paths), width, *shapes[0][1:]), Path(folder))
    mask = np.zeros((len(paths), width), bool)
    descriptors = np.full((len(paths), len(wanted)), np.nan, np.float32)
    for row, place in enumerate(places):
        one = load(place)
        mel[row, : len(one.mel)], mask[row, : len(one.mel)] = one.mel, True
        there = [own for own, name in enumerate(one.names) if name in column]
        descriptors[row, [column[one.names[own]] for own in there]] = one.descriptors[there]
    descriptors[~np.isfinite(descriptors)] = np.nan
    groups = np.arange(len(paths), dtype=np.int32)
    return Examples(tuple(paths), mel, mask, descriptors, tuple(wanted), groups, tuple(digests), dict(failures or {}))


def load(place: Path) -> Heard:
    """What was kept of one sound."""
    with np.load(place, allow_pickle=False) as arrays:
        return Heard(arrays["mel"], tuple(arrays["names"].tolist()), arrays["descriptors"])


def _about(place: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The shape of the log-mel windows, and the names of the descriptors."""
    one = load(place)
    return one.mel.shape, one.names


def _room(shape: tuple[int, ...], folder: Path) -> NDArray[np.float16]:
    """Zeros, in memory or in a file without a name."""
    if 2 * int(np.prod(shape)) <= IN_MEMORY:
        return np.zeros(shape, np.float16)
    with TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.float16, "w+", shape=shape)


def _note(outcome: Outcome, path: str, digests: dict[str, str], failures: dict[str, str]) -> None:
    if outcome.cause is None:
        digests[path] = str(outcome.value)
    elif FULL in outcome.cause:
        raise OSError(errno.ENOSPC, FULL)
    else:
        failures[path] = outcome.cause
