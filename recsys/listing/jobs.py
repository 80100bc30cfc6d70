"""The lists of a job: as playlist files, or as one table in parts; and what is to be told of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from recsys.listing.nightly import Done, Job, Task, parts, run
from recsys.partitions import Partitions, held_plan

KIND = "playlists"
TASKS_PER_PART = 100
Progress = Callable[[str, int, int], None]


def as_files(job: Job, todo: Sequence[Task], *, workers: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Make all lists as files; what is to be told of them."""
    done, started, at = Done(), perf_counter(), 0
    chunks = parts(todo, TASKS_PER_PART)
    for some, part in zip(chunks, run(job, chunks, workers=workers), strict=True):
        done.add(part)
        at += len(some)
        if progress:
            progress("playlists", at, len(todo))
    return _told(done, perf_counter() - started) | {"lists": done.lists}


def _told(done: Done, seconds: float) -> dict[str, Any]:
    relaxed = [rule for one in done.lists for rule in one["relaxed"]]
    return {
        "playlists": len(done.lists),
        "tracks": sum(one["tracks"] for one in done.lists),
        "relaxed": relaxed if len(done.lists) == 1 else [],
        "with_relaxed": sum(bool(one["relaxed"]) for one in done.lists),
        "without": done.without,
        "seconds": round(seconds, 3),
    }


def as_parts(
    job: Job,
    todo: Sequence[Task],
    out: Path,
    *,
    resume: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make all lists as one table in parts."""
    held = held_plan(out, KIND) if resume else None
    job = replace(job, now=held["time"]) if held else job
    partitions = Partitions(out, KIND, _plan(job, todo))
    partitions.prepare(resume=resume)
    chunks = parts(todo, TASKS_PER_PART)
    missing = partitions.missing(len(chunks))
    done, started = Done(), perf_counter()
    results = run(job, [chunks[number] for number in missing], workers=workers, tables=True)
    for finished, (number, part) in enumerate(zip(missing, results, strict=True), len(chunks) - len(missing) + 1):
        partitions.write(number, pd.concat(part.tables) if part.tables else _no_rows())
        part.tables.clear()
        done.add(part)
        if progress:
            progress("playlists", min(finished * TASKS_PER_PART, len(todo)), len(todo))
    facts = _told(done, perf_counter() - started)
    partitions.seal(facts | {"parts": len(chunks)})
    return facts | {"parts": len(chunks)}


def _no_rows() -> pd.DataFrame:
    columns = {"listener": str, "name": str, "title": str, "position": "int64", "track_id": str, "score": "float32"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in (columns | {"reason": str}).items()})


def _plan(job: Job, todo: Sequence[Task]) -> dict[str, Any]:
    """What fixes every row of the output, apart from the ledger."""
    told = {name: recipe.model_dump(mode="json") for name, recipe in job.recipes.items()}
    return {
        "bundle": job.bundle.name,
        "recipes": _digest(told),
        "tasks": _digest([[task.name, [str(one) for one in task.ids]] for task in todo]),
        "time": int(job.now),
        "pseudonyms": job.pseudonyms and job.pseudonyms.fingerprint,
        "wish": job.wish,
    }


def _digest(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
