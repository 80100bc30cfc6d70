"""Lists for many listeners as a folder of partitions, each whole or absent; a killed job goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import scipy.sparse as sp

from recsys import manifest
from recsys.contracts import Rows
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError
from recsys.exploring import Exploration
from recsys.machine import kernels
from recsys.ranking.dials import Dials
from recsys.settings import Recommend, Settings
from recsys.sources import read_histories, read_ids

LINES = 10_000  # rows turned into text at a time
KIND = "recommendations"
PLAN = "_plan.json"
NEWCOMER = "newcomer"  # whom --like and --tag speak of
OF_A_TAG = 20  # tracks that stand for a tag
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Job:
    """Whom to recommend to, and how."""

    ids: Sequence[Any]
    histories: sp.csr_array
    rows: Rows | None
    n: int
    allow: Rows | None = None
    include_seen: bool = False
    format: str = "parquet"
    users_per_part: int = 10_000
    dials: Dials = field(default_factory=Dials)
    now: float | None = None
    exploration: Exploration | None = None

    def parts(self) -> Iterator[tuple[str, slice]]:
        """File name and listeners of each part."""
        for number, start in enumerate(range(0, len(self.ids), self.users_per_part)):
            yield f"part-{number:05d}.{self.format}", slice(start, start + self.users_per_part)

    def plan(self, engine: Engine) -> dict[str, Any]:
        """What fixes every byte of the output; a job is only resumed under the same plan."""
        digest = _digest(json.dumps(np.asarray(self.ids).tolist()).encode())
        pool = None if self.allow is None else _digest(self.allow.tobytes())
        plays = _digest(
            *(part.tobytes() for part in (self.histories.indptr, self.histories.indices, self.histories.data))
        )
        own = {
            "kernels": kernels(),
            "n": self.n,
            "include_seen": self.include_seen,
            "format": self.format,
            "part": self.users_per_part,
            "dials": asdict(self.dials),
            "now": self.now,
            "chances": self.exploration and [self.exploration.chances(engine.model), self.exploration.seed],
        }
        return {"bundle": engine.folder.name, "users": digest, "plays": plays, "candidates": pool, **own}


def job(
    engine: Engine,
    users: Any,
    histories: Any,
    candidates: Any,
    include_seen: bool,
    wanted: Recommend,
    settings: Settings,
    now: float | None = None,
    like: Sequence[Any] = (),
    tags: Sequence[str] = (),
) -> Job:
    """The job that the options of ``recsys recommend`` describe.

    Raises:
        DataError: several kinds of listeners at once, no known candidate, or a tag that no track has.
    """
    ids, matrix, rows = _whom(engine, users, histories, like, tags, settings)
    return Job(
        ids,
        matrix,
        rows,
        n=wanted.n,
        allow=_pool(engine, candidates) if not tags else _without(engine, _pool(engine, candidates), like),
        include_seen=include_seen or bool(tags),  # tracks that stand for a tag have not been heard
        format=wanted.format,
        users_per_part=wanted.users_per_part,
        dials=Dials(**wanted.model_dump(include={dial.name for dial in fields(Dials)})),
        now=now,
        exploration=_exploration(wanted, settings.train.seed),
    )


def _exploration(wanted: Recommend, seed: int) -> Exploration | None:
    """What is left to chance, and what feedback says about the sources."""
    if wanted.explore <= 0 and wanted.feedback is None:
        return None
    held = None if wanted.feedback is None else manifest.read(Path(wanted.feedback), "feedback")["posterior"]
    return Exploration(wanted.explore, {name: tuple(shape) for name, shape in (held or {}).items()}, seed)


def _whom(
    engine: Engine, users: Any, histories: Any, like: Sequence[Any], tags: Sequence[str], settings: Settings
) -> tuple[Any, sp.csr_array, Rows | None]:
    """Ids, histories (CSR) and trained rows of the listeners that are asked for."""
    if (users is not None) + (histories is not None) + bool(like or tags) > 1:
        raise DataError("found several of users, histories, and like or tags; expected one kind of listener")
    if like or tags:
        return [NEWCOMER], _imagined(engine, like, tags), None
    return _new(engine, histories, settings) if histories is not None else _trained(engine, users)


def _imagined(engine: Engine, like: Sequence[Any], tags: Sequence[str]) -> sp.csr_array:
    """Plays of somebody who likes these tracks, and the best known ones of these genres or tags, CSR (1, tracks)."""
    rows = [engine.tracks.rows(list(like))] if like else []
    for tag in tags:
        known = engine.catalogue.where(f"genre = {tag!r} or tags = {tag!r}")
        if not known.any():
            raise DataError(f"no track has the genre or tag {tag!r}; see the columns genre and tags of the catalogue")
        heard = np.where(known, engine.listeners + 1, 0)
        rows.append(np.argsort(-heard, kind="stable")[: min(OF_A_TAG, int(known.sum()))].astype(np.int32))
    chosen = np.unique(np.concatenate(rows))
    shape = 1, len(engine.tracks)
    return sp.csr_array((np.ones(len(chosen), np.float32), chosen, [0, len(chosen)]), shape=shape)


def _trained(engine: Engine, users: Any) -> tuple[Any, sp.csr_array, Rows]:
    """Listeners by id; one that the model has not seen has an empty history and row −1."""
    known = _ids(users, "user")
    if known is None:
        return engine.users.ids, engine.histories, np.arange(len(engine.users), dtype=np.int32)
    rows = engine.users.rows(known, missing="mark")
    empty = sp.csr_array((1, len(engine.tracks)), dtype=np.float32)
    return known, sp.csr_array(sp.vstack([engine.histories, empty], format="csr")[rows]), rows


def _new(engine: Engine, histories: Any, settings: Settings) -> tuple[Any, sp.csr_array, None]:
    paths = [histories] if isinstance(histories, str | Path) else histories
    plays = read_histories(paths, engine.tracks, settings=settings.ingest).interactions
    return plays.users.ids, plays.matrix(), None


def _pool(engine: Engine, candidates: Any) -> Rows | None:
    pool = _ids(candidates, "track")
    if pool is None:
        return None
    allow = np.unique(engine.tracks.rows(pool, missing="drop"))
    if not len(allow):
        known = engine.tracks.ids[0] if len(engine.tracks) else "none"
        raise DataError(f"none of the {len(pool)} candidates is in this bundle; expected ids such as {known}")
    return allow


def _without(engine: Engine, pool: Rows | None, liked: Sequence[Any]) -> Rows:
    """The candidates, or all tracks, but those that a newcomer named."""
    rows = np.arange(len(engine.tracks), dtype=np.int32) if pool is None else pool
    return np.setdiff1d(rows, engine.tracks.rows(list(liked))) if liked else rows


def _ids(given: Any, noun: Literal["user", "track"]) -> list[Any] | None:
    """Ids as given, or read from a file; each once, in that order."""
    if given is None:
        return None
    listed = read_ids(Path(given), noun) if isinstance(given, str | Path) else list(given)
    return list(dict.fromkeys(listed))


def _digest(*parts: bytes) -> str:
    """A short hash of some bytes, in this order."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]


def run(
    engine: Engine, job: Job, out: Path, *, resume: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Write every part of a job that is not there yet, then seal the folder.

    Raises:
        ArtefactError: ``out`` holds other files, or a job with another plan that was asked to be resumed.
    """
    plan = job.plan(engine)
    _prepare(out, plan, resume=resume)
    parts = list(job.parts())
    for done, (name, chosen) in enumerate(parts):
        if not (out / name).exists():
            _write(out / name, _lists(engine, job, chosen))
        if progress:
            progress("recommend", min((done + 1) * job.users_per_part, len(job.ids)), len(job.ids))
    (out / PLAN).unlink(missing_ok=True)
    facts = {"plan": plan, "listeners": len(job.ids), "parts": len(parts)}
    return manifest.seal(out, KIND, facts, name=manifest.OUTPUT_NAME)


def _prepare(out: Path, plan: dict[str, Any], *, resume: bool) -> None:
    """Make ``out`` ready: empty with its plan, or as an earlier run under the same plan left it."""
    held = _held_plan(out)
    if resume and held is not None:
        if held != plan:
            changed = ", ".join(key for key in plan if held.get(key) != plan[key])
            raise ArtefactError(
                f"{out} holds a job that differs in {changed}; name another folder or leave out --resume"
            )
        _clear(out, temporary_only=True)
    else:
        _clear(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / manifest.OUTPUT_NAME).unlink(missing_ok=True)
    manifest.write_json(out / PLAN, plan)


def _held_plan(out: Path) -> dict[str, Any] | None:
    if (out / PLAN).is_file():
        return json.loads((out / PLAN).read_text(encoding="utf-8"))
    if (out / manifest.OUTPUT_NAME).is_file():
        return manifest.read(out, KIND)["plan"]
    return None


def _clear(out: Path, *, temporary_only: bool = False) -> None:
    """Remove what an earlier job left; anything else is somebody's and stops us."""
    for path in sorted(out.iterdir()) if out.is_dir() else []:
        ours = path.name in (PLAN, manifest.OUTPUT_NAME) or path.name.startswith("part-")
        temporary = path.name.startswith(".") and path.name.endswith(".tmp")
        if not ours and not temporary:
            raise ArtefactError(f"{out} holds {path.name}, which recsys recommend did not make; name another folder")
        if temporary or not temporary_only:
            path.unlink()


def _lists(engine: Engine, job: Job, chosen: slice) -> pd.DataFrame:
    rows = None if job.rows is None else job.rows[chosen]
    histories = job.histories[chosen]
    explained = engine.explain(
        histories,
        job.n,
        rows=rows,
        allow=job.allow,
        include_seen=job.include_seen,
        dials=job.dials,
        now=job.now,
        exploration=job.exploration and replace(job.exploration, first=chosen.start),
    )
    ids = np.asarray(job.ids)[chosen]
    return engine.frame(ids, explained)


def _write(path: Path, frame: pd.DataFrame) -> None:
    """One part, atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _save(temporary, path.suffix, frame)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _save(path: Path, suffix: str, frame: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    if suffix == ".parquet":
        pq.write_table(table, path)
    elif suffix == ".csv":
        pa.csv.write_csv(_flat(table), path)
    else:
        with open(path, "w", encoding="utf-8") as file:
            for batch in table.to_batches(max_chunksize=LINES):
                file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in batch.to_pylist())


def _flat(table: pa.Table) -> pa.Table:
    """The same table with ``why`` as JSON text, for formats that know no nested values."""
    texts = [json.dumps(value, ensure_ascii=False) for value in table["why"].to_pylist()]
    return table.set_column(table.schema.get_field_index("why"), "why", pa.array(texts, pa.string()))
