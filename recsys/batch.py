"""Lists for many listeners as a folder of partitions, each whole or absent; a killed job goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import manifest
from recsys.asking import pool_of, whom, without
from recsys.contracts import Rows
from recsys.engine import Engine
from recsys.evaluation.listed import Tally
from recsys.evaluation.listed_page import page
from recsys.exploring import Exploration
from recsys.machine import kernels
from recsys.partitions import REPORT, Partitions, as_table
from recsys.pseudonyms import Pseudonyms
from recsys.ranking.dials import Dials
from recsys.settings import Recommend, Settings

KIND = "recommendations"
EXAMPLES = 6  # listeners that the report shows
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
    pseudonyms: Pseudonyms | None = None  # told in place of ids

    def hidden(self, names: Pseudonyms | None) -> Job:
        """The same, with names in place of ids and in their order: that of ids would tell who is who."""
        if names is None:
            return self
        told = names.of(self.ids)
        order = np.argsort(told.astype(str), kind="stable")
        rows = None if self.rows is None else self.rows[order]
        ids, histories = np.asarray(self.ids)[order].tolist(), sp.csr_array(self.histories[order])
        return replace(self, ids=ids, histories=histories, rows=rows, pseudonyms=names)

    def told(self, chosen: slice) -> NDArray[Any]:
        """Some listeners, as the lists name them."""
        ids = np.asarray(self.ids)[chosen]
        return ids if self.pseudonyms is None else self.pseudonyms.of(ids)

    def parts(self) -> Iterator[slice]:
        """The listeners of each part."""
        for start in range(0, len(self.ids), self.users_per_part):
            yield slice(start, min(start + self.users_per_part, len(self.ids)))

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
            "pseudonyms": self.pseudonyms and self.pseudonyms.fingerprint,
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
    where: str | None = None,
) -> Job:
    """The job that the options of ``recsys recommend`` describe.

    Raises:
        DataError: several kinds of listeners at once, no known candidate, or a tag that no track has.
    """
    ids, matrix, rows = whom(engine, users, histories, like, tags, settings)
    pool = pool_of(engine, candidates, where)
    return Job(
        ids,
        matrix,
        rows,
        n=wanted.n,
        allow=pool if not tags else without(engine, pool, like),
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


def _digest(*parts: bytes) -> str:
    """A short hash of some bytes, in this order."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]


def run(
    engine: Engine, job: Job, out: Path, *, resume: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Write every part of a job that is not there yet and the report on all of them, then seal the folder.

    Raises:
        ArtefactError: ``out`` holds other files, or a job with another plan that was asked to be resumed.
    """
    parts = list(job.parts())
    folder = Partitions(out, KIND, job.plan(engine), job.format)
    folder.prepare(resume=resume)
    left = folder.missing(len(parts))
    tally, types = Tally(engine.tracks, _examples(engine, job)), _types(engine, job)
    for number, chosen in enumerate(parts):
        lists = as_table(_lists(engine, job, chosen)) if number in left else folder.read(number, types)
        if number in left:
            folder.write(number, lists)
        tally.add(lists)
        if progress:
            progress("recommend", chosen.stop, len(job.ids))
    manifest.write_bytes(out / REPORT, _report(engine, job, tally).encode())
    return folder.seal({"listeners": len(job.ids), "parts": len(parts)})


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
    return engine.frame(job.told(chosen), explained)


def _examples(engine: Engine, job: Job) -> list[Any]:
    """Listeners that the report shows, drawn by the seed of the bundle, as the lists name them."""
    rng = np.random.default_rng(engine.facts["seed"])
    drawn = np.sort(rng.choice(len(job.ids), min(EXAMPLES, len(job.ids)), replace=False))
    return [told for one in drawn.tolist() for told in job.told(slice(one, one + 1)).tolist()]


def _types(engine: Engine, job: Job) -> dict[str, pa.DataType]:
    """Types of ids, which text leaves open."""
    user = job.told(slice(0, 1)).dtype.kind in "iu"
    integer = {"user_id": user, "track_id": engine.tracks.integer}
    return {name: pa.int64() if whole else pa.string() for name, whole in integer.items()}


def _report(engine: Engine, job: Job, tally: Tally) -> str:
    """The page about all lists of a job."""
    when = None if job.now is None else f"{datetime.fromtimestamp(job.now, UTC):%Y-%m-%d %H:%M} UTC"
    facts = {
        "bundle": engine.folder.name,
        "model": engine.facts["chosen"],
        "seed": engine.facts["seed"],
        "places of a list": job.n,
        "candidates": f"{len(engine.tracks) if job.allow is None else len(job.allow):,} tracks",
        "tracks heard before": "may be listed" if job.include_seen else "left out",
        "made for": when,
        "listeners": None if job.pseudonyms is None else "by names in place of ids",
    }
    return page(tally, engine.catalogue, engine.listeners, facts, _turned(job))


def _turned(job: Job) -> dict[str, Any]:
    """Dials that are on, with where they stand."""
    neutral = asdict(Dials())
    on = {} if job.dials.neutral else {k: v for k, v in asdict(job.dials).items() if v != neutral[k]}
    return on | ({} if job.exploration is None else {"explore": job.exploration.explore})
