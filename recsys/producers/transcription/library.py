"""The files of a library in, a folder with what chords and notes say of each sound out; only new sound is heard.

Everything is kept by the hash of the sound, so a file that was moved or retagged is not heard again. What is finished
goes to ``journal/`` part by part; sealing folds the parts into one table and writes the manifest last. So a killed run
goes on where it stopped, and a sealed state is never torn. Failures are kept with their cause.
"""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from recsys import manifest
from recsys.audio import parts as tables
from recsys.audio.spectra import front_end_hash
from recsys.audio.workers import UNREADABLE, Task, Workers
from recsys.errors import ArtefactError, DataError
from recsys.producers.generation.composer import stored
from recsys.producers.harmony.features import PARTS as HARMONY_PARTS
from recsys.producers.notation import Notes
from recsys.producers.transcription import described
from recsys.producers.transcription.folder import MEGABYTES, PREPARE, SECONDS
from recsys.producers.transcription.models import imported, open_model
from recsys.producers.transcription.symbols import PARTS
from recsys.producers.transcription.track import VERSION
from recsys.tables import Embeddings

Progress = Callable[[str, int, int], None]
Row = dict[str, Any]
KIND = "symbols"
JOURNAL, TABLE = "journal", "symbols.parquet"
HEAR = "recsys.producers.transcription.symbols:symbols"
HARMONY, TRANS, GEN = "harmony", "trans", "gen"
FLUSH_FILES, FLUSH = 64, 3.0  # files, seconds
COLUMNS = {
    "digest": pa.string(),
    "cause": pa.string(),
    "tries": pa.int32(),
    "seconds": pa.float64(),
    "key": pa.int8(),
    "by_chords": pa.string(),
    "harmony": pa.list_(pa.float32()),
    "chords_confidence": pa.float32(),
    "by_notes": pa.string(),
    "trans": pa.list_(pa.float32()),
    "gen": pa.list_(pa.float32()),
    "known": pa.list_(pa.bool_()),
    "notes_confidence": pa.float32(),
    "notes": pa.int32(),
    "onset": pa.list_(pa.float32()),
    "offset": pa.list_(pa.float32()),
    "pitch": pa.list_(pa.uint8()),
}


def hear_library(
    files: Mapping[str, str],
    out: str | Path,
    *,
    parts: Sequence[str] = PARTS,
    note_model: str | None = None,
    workers: int = 2,
    time_limit: float = SECONDS,
    memory_limit: int = MEGABYTES,
    progress: Progress | None = None,
) -> Row:
    """Hear chords, notes or both of every sound that was not heard in this way before.

    Args:
        files: a path of each digest.
        out: the folder to write or to bring up to date; sounds that are no longer there stay in it.
        parts: "chords", "notes".
        note_model: see ``models.open_model``.
        workers: processes.
        time_limit, memory_limit: seconds for one file, megabytes for one worker.
        progress: called with ("chords and notes", files done, files to do).

    Returns:
        Facts: ``heard`` in this run, ``symbols`` (sounds with an answer), ``failures`` (cause by path).

    Raises:
        DataError: an unknown part, or no note model.
        ArtefactError: ``out`` holds something else, or another process writes to it.
    """
    makers = made_by(parts, note_model)
    with _opened(Path(out)) as rows:
        todo = {digest: path for digest, path in files.items() if not _done(rows.get(digest), makers)}
        if not todo and manifest.find(Path(out)) and not any((Path(out) / JOURNAL).glob("*.parquet")):
            return {"heard": 0, **_counts(rows, files)}
        given = {"parts": tuple(parts), "note_model": note_model}
        prepare = PREPARE + imported(parts, note_model)
        limits = Workers(max(min(workers, len(todo)), 1), seconds=time_limit, megabytes=memory_limit, prepare=prepare)
        _work(Path(out), rows, todo, makers, given, limits, progress)
        _seal(Path(out), rows, {"made_by": makers})
        heard = sum(rows[digest]["cause"] is None for digest in todo)
        return {"heard": heard, **_counts(rows, files)}


def made_by(parts: Sequence[str], note_model: str | None) -> dict[str, str]:
    """Who makes each part: twelve hex digits that change with whatever its values depend on.

    Raises:
        DataError: an unknown part, or no note model.
    """
    for part in parts:
        if part not in PARTS:
            raise DataError(f"part {part!r}; expected one or more of {', '.join(PARTS)}")
    facts: dict[str, list[Any]] = {"chords": [VERSION, front_end_hash(), list(HARMONY_PARTS)]}
    if "notes" in parts:
        heard = [VERSION, described.VERSION, front_end_hash(), open_model(note_model).name]
        facts["notes"] = [*heard, stored().digest]
    return {part: hashlib.sha256(json.dumps(facts[part]).encode()).hexdigest()[:12] for part in parts}


@dataclass(frozen=True, eq=False)
class Symbols:
    """What a folder says of some sounds, in their order; see ``open_symbols``."""

    rows: Sequence[Row | None]

    def spaces(self) -> list[Embeddings]:
        """The blocks "harmony", "trans" and "gen" that say anything."""
        made = [self._space(name) for name in (HARMONY, TRANS, GEN)]
        return [space for space in made if space is not None and space.known.any()]

    def melodies(self) -> list[Notes | None]:
        """The melody of each, None where none was heard."""
        return [None if row is None or not row["pitch"] else _line(row) for row in self.rows]

    def _space(self, name: str) -> Embeddings | None:
        vectors = [None if row is None else row.get(name) for row in self.rows]
        width = max((len(vector) for vector in vectors if vector is not None), default=0)
        if not width:
            return None
        table = np.zeros((len(vectors), width), np.float32)
        for place, vector in enumerate(vectors):
            if vector is not None and len(vector) == width:
                table[place] = vector
        return Embeddings.normalised(table, name)


def open_symbols(folder: str | Path, digests: Sequence[str | None]) -> Symbols:
    """What a folder says of the sounds with these hashes.

    Raises:
        ArtefactError: not such a folder, unfinished, or too new.
    """
    manifest.read(Path(folder), KIND)
    rows = {row["digest"]: row for row in tables.read(Path(folder) / TABLE).to_pylist() if row["cause"] is None}
    return Symbols([None if digest is None else rows.get(digest) for digest in digests])


def _line(row: Row) -> Notes:
    onset, offset = (np.asarray(row[name], np.float64) for name in ("onset", "offset"))
    pitch = np.asarray(row["pitch"], np.int16)
    return Notes(onset, offset, pitch, np.full(len(pitch), 80, np.int16), np.full(len(pitch), np.nan, np.float32))


@contextmanager
def _opened(place: Path) -> Iterator[dict[str, Row]]:
    """The rows of a folder by digest, while no other process writes to it.

    Raises:
        ArtefactError: another one does, or the folder holds something else.
    """
    import fcntl

    ours = place.is_dir() and ((place / JOURNAL).is_dir() or not any(place.iterdir()))
    if place.exists() and not ours:
        raise ArtefactError(f"{place} exists and holds no symbols; move it away")
    (place / JOURNAL).mkdir(parents=True, exist_ok=True)
    with open(place / JOURNAL / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ArtefactError(f"another process writes to {place}; wait for it, or stop it") from error
        known = [place / TABLE] if (place / TABLE).is_file() else []
        rows = (row for path in [*known, *_journal(place)] for row in tables.read(path).to_pylist())
        yield {row["digest"]: {**dict.fromkeys(COLUMNS), **row} for row in rows}


def _journal(place: Path) -> list[Path]:
    return sorted((place / JOURNAL).glob("[0-9]*.parquet"))


def _done(row: Row | None, makers: Mapping[str, str]) -> bool:
    """Whether a sound came to an end before by the same makers."""
    if row is None or (row["cause"] or "").startswith(UNREADABLE):
        return False
    return all(row[f"by_{part}"] == maker for part, maker in makers.items())


def _work(
    place: Path,
    rows: dict[str, Row],
    todo: Mapping[str, str],
    makers: Mapping[str, str],
    given: Mapping[str, Any],
    workers: Workers,
    progress: Progress | None,
) -> None:
    """Hear what is to be heard; what is finished goes to disk every few seconds."""
    if not todo:
        return
    digest_of = {path: digest for digest, path in todo.items()}
    fresh: list[Row] = []
    last = clock.monotonic()
    with workers as pool:
        for done, outcome in enumerate(pool.run(deque(Task(HEAR, path, given) for path in todo.values())), 1):
            digest = digest_of[outcome.task.path]
            before = rows.get(digest) or dict.fromkeys(COLUMNS)
            said = {**(outcome.value or {}), **{f"by_{part}": maker for part, maker in makers.items()}}
            facts = {"digest": digest, "cause": outcome.cause, "tries": (before["tries"] or 0) + 1}
            rows[digest] = {**before, **said, **facts}
            fresh.append(rows[digest])
            if len(fresh) >= FLUSH_FILES or clock.monotonic() - last > FLUSH:
                _flush(place, fresh)
                fresh, last = [], clock.monotonic()
            if progress:
                progress(" and ".join(given["parts"]), done, len(todo))
    _flush(place, fresh)


def _flush(place: Path, fresh: Sequence[Row]) -> None:
    if fresh:
        number = 1 + max((int(path.stem) for path in _journal(place)), default=0)
        tables.write(place / JOURNAL / f"{number:08d}.parquet", _table(fresh))


def _table(rows: Sequence[Row]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()})


def _seal(place: Path, rows: Mapping[str, Row], facts: Mapping[str, Any]) -> None:
    """The journal into the table; then the manifest, and last the journal goes."""
    tables.write(place / TABLE, _table([row for _, row in sorted(rows.items())]))
    size = {"bytes": (place / TABLE).stat().st_size, "sha256": manifest.sha256(place / TABLE)}
    head = {"kind": KIND, "schema": manifest.SCHEMA}
    content = {**head, **facts, "sounds": len(rows), "packages": manifest.versions(), "files": {TABLE: size}}
    manifest.write_json(place / manifest.NAME, content)
    for path in _journal(place):
        path.unlink()


def _counts(rows: Mapping[str, Row], files: Mapping[str, str]) -> Row:
    there = {digest: rows[digest] for digest in files if digest in rows}
    failures = {files[digest]: row["cause"] for digest, row in there.items() if row["cause"] is not None}
    return {"symbols": len(there) - len(failures), "failures": failures}
