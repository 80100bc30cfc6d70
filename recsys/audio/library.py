"""Folders of sound files in, a folder of features out; only what is new or changed is analysed."""

from __future__ import annotations

import os
import time as clock
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.audio import parts
from recsys.audio.alone import ANALYSE, HEARING, IDENTIFY
from recsys.audio.analyse import analyser
from recsys.audio.journal import Journal, opened
from recsys.audio.parts import Row
from recsys.audio.scan import Found, Scan, scan
from recsys.audio.workers import MEGABYTES, SECONDS, UNREADABLE, Outcome, Task, Workers

Progress = Callable[[str, int, int], None]
PREPARE = ("recsys.audio.ids", *HEARING)
FLUSH_FILES, FLUSH_SECONDS = 64, 2.0
LONGEST_CAUSE = 500


def analyze(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    workers: int = 2,
    windows: int = 3,
    seconds: float = 30.0,
    trim: bool = False,
    loudness: float | None = None,
    time_limit: float = SECONDS,
    memory_limit: int = MEGABYTES,
    retry: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Analyse every sound file under some folders into a folder of features that mirrors them.

    A file whose size and time of change are known is not opened again; one whose sound is known under other tags,
    another name or another place is not analysed again. What failed is tried again when the file or the analyser
    has changed. A killed run goes on where it stopped.

    Args:
        folders: where the files are; the result holds these and no others.
        out: the folder to write; made or brought up to date.
        workers: processes.
        windows, seconds: how many windows of each file, and the longest length of one.
        trim: cut silence off the head and the tail of a file before it is described.
        loudness: LUFS to which the sound is brought before it is described; None leaves it.
        time_limit: seconds for one file.
        memory_limit: megabytes for one worker.
        retry: try again all that failed before, changed or not.
        progress: called with ("analyze", files done, files to do).

    Returns:
        Facts: ``tracks``, ``paths``, ``failed``, ``flagged`` (files by flag), ``analysed`` and ``identified`` in this
        run, ``removed`` paths, ``seconds``, ``peak_megabytes``, and ``unchanged`` when there was nothing to do.

    Raises:
        DataError: a folder does not exist.
        ArtefactError: ``out`` holds something else, or another process writes to it.
    """
    before = clock.monotonic()
    found = scan(folders)
    options: dict[str, Any] = {"windows": windows, "seconds": seconds, "trim": trim, "loudness": loudness}
    run = _Run(options, analyser(**options), retry)
    with opened(Path(out)) as journal:
        tasks = run.plan(journal, found)
        if not tasks and _up_to_date(journal, found):
            return {**_facts(journal), "analysed": 0, "identified": 0, "removed": 0, "unchanged": True}
        if tasks:
            with Workers(min(workers, len(tasks)), seconds=time_limit, megabytes=memory_limit, prepare=PREPARE) as pool:
                run.work(journal, pool, tasks, progress)
        kept = [file.path for file in found.files] + list(found.problems)
        removed = len(set(journal.files) - set(kept))
        run.note_problems(journal, found)
        made = {"folders": [os.path.abspath(f) for f in folders], **run.options, "analyser": run.analyser}
        journal.seal(kept, {"made_from": made})
        own = {"analysed": run.analysed, "identified": run.identified, "removed": removed, "unchanged": False}
        took = {"seconds": round(clock.monotonic() - before, 2), "peak_megabytes": round(run.megabytes)}
        return {**_facts(journal), **own, **took}


@dataclass
class _Run:
    """What one run does: each file is identified, then analysed unless its sound is known."""

    options: Mapping[str, Any]
    analyser: str
    retry: bool = False
    analysed: int = 0
    identified: int = 0
    megabytes: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)
    same: dict[str, deque[str]] = field(default_factory=dict)

    def plan(self, journal: Journal, found: Scan) -> deque[Task]:
        """The first task of each file that is new, changed, or known by an older analyser."""
        tasks: deque[Task] = deque()
        for file in found.files:
            held = journal.files.get(file.path)
            if held is None or (held["size"], held["mtime_ns"]) != (file.size, file.mtime_ns):
                tasks.append(self._first(file, 0))
            elif held["cause"] is not None:
                if self.retry or held["analyser"] != self.analyser or held["cause"].startswith(UNREADABLE):
                    tasks.append(self._first(file, held["tries"]))
            elif not self._analysed_before(journal, held["digest"]):
                self.rows[file.path] = {**held, "analyser": self.analyser}
                tasks.extend(self._second(journal, file.path))
        return tasks

    def work(self, journal: Journal, pool: Workers, tasks: deque[Task], progress: Progress | None) -> None:
        """Do all tasks, and those that follow from them; what is finished goes to disk every few seconds."""
        total, last = len(self.rows), clock.monotonic()
        for outcome in pool.run(tasks):
            self.megabytes = max(self.megabytes, outcome.megabytes)
            tasks.extendleft(self._take(journal, outcome))
            if journal.waiting >= FLUSH_FILES or clock.monotonic() - last > FLUSH_SECONDS:
                journal.flush()
                last = clock.monotonic()
            if progress:
                progress("analyze", total - len(self.rows), total)

    def note_problems(self, journal: Journal, found: Scan) -> None:
        """What could not even be looked at is a failure as well."""
        for path, cause in found.problems.items():
            held = journal.files.get(path) or parts.file_row(Found(path, 0, 0), self.analyser)
            if held["cause"] != cause:
                journal.add({**held, "cause": cause, "tries": held["tries"] + 1})

    def _first(self, file: Found, tries: int) -> Task:
        self.rows[file.path] = {**parts.file_row(file, self.analyser), "tries": tries}
        return Task(IDENTIFY, file.path)

    def _second(self, journal: Journal, path: str) -> list[Task]:
        """Analyse a file that is identified; unless its sound is known, or just being analysed under another path."""
        row = self.rows[path]
        digest = row["digest"]
        if self._analysed_before(journal, digest):
            journal.add(self.rows.pop(path))
            return []
        waiting = self.same.setdefault(digest, deque())
        waiting.append(path)
        return [self._analysis(path)] if len(waiting) == 1 else []

    def _analysed_before(self, journal: Journal, digest: str) -> bool:
        known = journal.known.get(digest)
        return known is not None and known.analyser == self.analyser

    def _analysis(self, path: str) -> Task:
        return Task(ANALYSE, path, {**self.options, "declared": self.rows[path]["declared"]})

    def _take(self, journal: Journal, outcome: Outcome) -> list[Task]:
        """Note an outcome; the tasks that follow from it."""
        path = outcome.task.path
        if outcome.task.function == IDENTIFY:
            if outcome.cause is not None:
                self._fail(journal, path, outcome.cause)
                return []
            self.identified += 1
            self.rows[path] = parts.identified(self.rows[path], outcome.value)
            return self._second(journal, path)
        return self._analysed(journal, path, outcome)

    def _analysed(self, journal: Journal, path: str, outcome: Outcome) -> list[Task]:
        """Files that wait for the same sound share its analysis; after a failure the next of them is tried."""
        digest = self.rows[path]["digest"]
        waiting = self.same[digest]
        waiting.popleft()
        if outcome.cause is not None:
            self._fail(journal, path, outcome.cause)
            if waiting:
                return [self._analysis(waiting[0])]
        else:
            self.analysed += 1
            journal.add(self.rows.pop(path), parts.analysis_row(digest, self.analyser, outcome.value))
            for other in waiting:
                journal.add(self.rows.pop(other))
        del self.same[digest]
        return []

    def _fail(self, journal: Journal, path: str, cause: str) -> None:
        row = self.rows.pop(path)
        plain = cause.encode("utf-8", "backslashreplace").decode()[:LONGEST_CAUSE]
        journal.add({**row, "cause": plain, "tries": row["tries"] + 1})


def _up_to_date(journal: Journal, found: Scan) -> bool:
    """Whether the sealed state, with nothing to do for any file, is what this run would seal."""
    here = {file.path for file in found.files} | set(found.problems)
    causes = {path: journal.files[path]["cause"] for path in found.problems if path in journal.files}
    return not journal.unsealed and here == set(journal.files) and causes == found.problems


def _facts(journal: Journal) -> dict[str, Any]:
    sealed = journal.sealed or {}
    return {name: sealed[name] for name in ("tracks", "paths", "failed", "flagged")}
