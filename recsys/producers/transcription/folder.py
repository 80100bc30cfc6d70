"""Folders of sound files in, a folder of their music in symbols out; only what is new or changed is heard.

``ledger.json`` remembers each file with what came of it, failures with their cause; it is written every few seconds, so
a killed run goes on where it stopped. The manifest comes last.
"""

from __future__ import annotations

import hashlib
import json
import os
import time as clock
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys import manifest
from recsys.audio.scan import Found, scan
from recsys.audio.spectra import front_end_hash
from recsys.audio.tags import read_tags
from recsys.audio.workers import UNREADABLE, Outcome, Task, Workers
from recsys.errors import ArtefactError, DataError
from recsys.producers.harmony.chords import VOCABULARIES
from recsys.producers.notation import safe_names
from recsys.producers.transcription.models import imported
from recsys.producers.transcription.track import PARTS, VERSION

Progress = Callable[[str, int, int], None]
Row = dict[str, Any]
KIND = "transcription"
LEDGER, VECTORS = "ledger.json", "harmony.parquet"
TRACK = "recsys.producers.transcription.track:transcribe"
PREPARE = ("recsys.producers.transcription.track", "recsys.audio.rhythm")
SECONDS, MEGABYTES = 1800.0, 1000  # of one file
FLUSH = 3.0  # seconds
CHORD_SPEED = 200.0  # seconds of sound that are heard in a second of one core
LOOKED = 50  # files whose length is looked up for an estimate


def transcribe_folder(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    parts: Sequence[str] = ("chords",),
    vocabulary: str = "majmin",
    note_model: str | None = None,
    musicxml: bool = False,
    workers: int = 2,
    time_limit: float = SECONDS,
    memory_limit: int = MEGABYTES,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Transcribe every sound file under some folders.

    Args:
        folders: where the files are, or single files; the result holds these and no others.
        out: the folder to write or to bring up to date.
        parts: "chords" (and keys) and "notes"; beats are always there.
        vocabulary: of chords: "majmin", "sevenths" or "all".
        note_model: a file with a note model; see ``models.open_model``.
        musicxml: write a lead sheet too.
        workers: processes.
        time_limit, memory_limit: seconds for one file, megabytes for one worker.
        progress: called with ("transcribe", files done, files to do).

    Returns:
        Facts: ``tracks``, ``failed``, ``transcribed`` in this run, ``removed``, ``unchanged``.

    Raises:
        DataError: a folder does not exist, an unknown part, or an unknown vocabulary.
        ArtefactError: ``out`` holds something else, or another process writes to it.
    """
    _note_cost(parts, note_model)
    if vocabulary not in VOCABULARIES:
        raise DataError(f"vocabulary {vocabulary!r}; expected one of {', '.join(VOCABULARIES)}")
    found, place = scan(folders), Path(out)
    options: dict[str, Any] = {"parts": sorted({"beats", *parts}), "vocabulary": vocabulary, "musicxml": musicxml}
    options["note_model"] = _maker(note_model) if "notes" in parts else None
    made_by = hashlib.sha256(json.dumps([VERSION, front_end_hash(), options]).encode()).hexdigest()[:12]
    with _alone(place):
        ledger = _opened(place)
        before = set(ledger)
        kept = {file.path: file for file in found.files}
        todo = [file for file in found.files if not _done(ledger.get(file.path), file, made_by, place)]
        removed = _forget(ledger, before - set(kept) - set(found.problems), place)
        if not todo and not removed and manifest.find(place) and not found.problems:
            return {**_counts(ledger), "transcribed": 0, "removed": 0, "unchanged": True}
        given = {"parts": tuple(parts), "vocabulary": vocabulary, "note_model": note_model, "folder": str(place)}
        _work(
            place, ledger, todo, made_by, {**given, "musicxml": musicxml}, workers, (time_limit, memory_limit), progress
        )
        for path, cause in found.problems.items():
            ledger[path] = {**(ledger.get(path) or {"name": None, "tries": 0}), "cause": cause, "made_by": made_by}
        _seal(place, ledger, {"folders": [os.path.abspath(f) for f in folders], **options})
        done = sum(ledger[file.path]["cause"] is None for file in todo)
        return {**_counts(ledger), "transcribed": done, "removed": removed, "unchanged": False}


def estimate(
    folders: Sequence[str | Path], parts: Sequence[str] = ("chords",), workers: int = 2, note_model: str | None = None
) -> tuple[int, float]:
    """How many files there are, and the seconds that hearing them will take; lengths of a sample of files are read.

    Raises:
        DataError: a folder does not exist, an unknown part, or no model for the notes.
    """
    cost = 1 / CHORD_SPEED + _note_cost(parts, note_model)
    files = scan(folders).files
    sample = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, min(LOOKED, len(files))).astype(int))]
    lengths = [length for file in sample if (length := _length(file.path)) is not None]
    usual = float(np.mean(lengths)) if lengths else 0.0
    return len(files), usual * len(files) * cost / max(workers, 1)


def _length(path: str) -> float | None:
    """Seconds by the header, read without decoding."""
    try:
        return read_tags(path).duration
    except OSError:
        return None


def _note_cost(parts: Sequence[str], note_model: str | None) -> float:
    """Seconds for a second of sound, after a look at whether the parts are known and there is a model for notes."""
    for part in parts:
        if part not in PARTS:
            raise DataError(f"part {part!r}; expected one or more of {', '.join(PARTS)}")
    if "notes" not in parts:
        return 0.0
    from recsys.producers.transcription.models import open_model

    return 1 / open_model(note_model).speed


def _maker(note_model: str | None) -> str:
    """The name of the model that hears notes."""
    from recsys.producers.transcription.models import open_model

    return open_model(note_model).name


@contextmanager
def _alone(place: Path) -> Any:
    """The folder, while no other process writes to it.

    Raises:
        ArtefactError: another one does, or the folder holds something else.
    """
    import fcntl

    strange = place.exists() and not (place.is_dir() and ((place / LEDGER).is_file() or not any(place.iterdir())))
    if strange:
        raise ArtefactError(f"{place} exists and holds no transcriptions; name another folder or move it away")
    place.mkdir(parents=True, exist_ok=True)
    if not (place / LEDGER).is_file():
        manifest.write_json(place / LEDGER, {})
    with open(place / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ArtefactError(f"another process writes to {place}; wait for it, or name another folder") from error
        try:
            yield
        finally:
            (place / ".lock").unlink(missing_ok=True)


def _opened(place: Path) -> dict[str, Row]:
    try:
        return dict(json.loads((place / LEDGER).read_text(encoding="utf-8")))
    except ValueError as error:
        raise ArtefactError(f"{place / LEDGER} is not readable JSON ({error}); remove the folder") from error


def _done(row: Row | None, file: Found, made_by: str, place: Path) -> bool:
    """Whether this file came to an end before, in the same way, and what was written is still there."""
    if row is None or (row.get("size"), row.get("mtime_ns"), row["made_by"]) != (file.size, file.mtime_ns, made_by):
        return False
    if row["cause"] is not None:
        return not row["cause"].startswith(UNREADABLE)
    return all((place / name).is_file() for name in row["files"])


def _forget(ledger: dict[str, Row], paths: Iterable[str], place: Path) -> int:
    """Remove what was written for files that are no longer there."""
    gone = sorted(paths)
    for path in gone:
        _clear(ledger.pop(path), place)
    return len(gone)


def _clear(row: Row | None, place: Path, kept: Iterable[str] = ()) -> None:
    """Remove what was written for a file before and is not written now."""
    for name in set((row or {}).get("files") or ()) - set(kept):
        (place / Path(name).name).unlink(missing_ok=True)


def _work(
    place: Path,
    ledger: dict[str, Row],
    todo: Sequence[Found],
    made_by: str,
    given: Mapping[str, Any],
    workers: int,
    limits: tuple[float, int],
    progress: Progress | None,
) -> None:
    """Hear what is to be heard; the ledger goes to disk every few seconds."""
    if not todo:
        return
    named = _named(ledger, todo)
    files = {file.path: file for file in todo}
    tasks = deque(Task(TRACK, file.path, {**given, "name": named[file.path]}) for file in todo)
    seconds, megabytes = limits
    last = clock.monotonic()
    prepare = PREPARE + imported(given["parts"], given["note_model"])
    with Workers(min(workers, len(tasks)), seconds=seconds, megabytes=megabytes, prepare=prepare) as pool:
        for done, outcome in enumerate(pool.run(tasks), 1):
            path = outcome.task.path
            before = ledger.get(path)
            ledger[path] = _row(outcome, files[path], named[path], before, made_by)
            _clear(before, place, ledger[path]["files"])
            if clock.monotonic() - last > FLUSH:
                manifest.write_json(place / LEDGER, ledger)
                last = clock.monotonic()
            if progress:
                progress("transcribe", done, len(todo))
    manifest.write_json(place / LEDGER, ledger)


def _named(ledger: Mapping[str, Row], todo: Sequence[Found]) -> dict[str, str]:
    """The name of each file's own files: as before, or one that is free."""
    known = {path: row["name"] for path, row in ledger.items() if row.get("name")}
    new = [file.path for file in todo if file.path not in known]
    return known | dict(zip(new, safe_names(new, known.values()), strict=True))


def _row(outcome: Outcome, file: Found, name: str, before: Row | None, made_by: str) -> Row:
    facts = {"size": file.size, "mtime_ns": file.mtime_ns, "name": name, "made_by": made_by, "cause": outcome.cause}
    tries = {"tries": (before or {}).get("tries", 0) + 1}
    held: Row = {"files": []} if outcome.value is None else dict(outcome.value)
    return {**facts, **tries, **held}


def _seal(place: Path, ledger: Mapping[str, Row], made_from: Mapping[str, Any]) -> None:
    """The vectors as a table, then the manifest."""
    rows = [row for _, row in sorted(ledger.items()) if row["cause"] is None and row.get("harmony") is not None]
    columns = {name: [row[name] for row in rows] for name in ("track_id", "digest")}
    vectors = [np.asarray(row["harmony"], np.float32) for row in rows]
    table = pd.DataFrame({**columns, "vector": vectors}).drop_duplicates("track_id")
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    manifest.write_bytes(place / VECTORS, buffer.getvalue())
    manifest.write_json(place / LEDGER, ledger)
    (place / ".lock").unlink(missing_ok=True)
    manifest.seal(place, KIND, {"made_from": dict(made_from), **_counts(ledger)}, name=manifest.OUTPUT_NAME)


def _counts(ledger: Mapping[str, Row]) -> dict[str, Any]:
    good = [row for row in ledger.values() if row["cause"] is None]
    failures = {path: row["cause"] for path, row in sorted(ledger.items()) if row["cause"] is not None}
    hours = round(sum(row["seconds"] for row in good) / 3600, 2)
    return {"tracks": len(good), "failed": len(failures), "failures": failures, "hours": hours}
