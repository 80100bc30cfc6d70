"""Recipes times listeners: every list that is due, made in parts by several processes, written, and remembered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd

from recsys.engine import Engine
from recsys.errors import DataError, UnknownId
from recsys.listing import written
from recsys.listing.desk import Desk
from recsys.listing.editions import Edition, Wish, edition
from recsys.listing.make import Listing, Maker
from recsys.listing.push import Server
from recsys.playlists.kinds import Recipe
from recsys.playlists.ledger import Ledger
from recsys.playlists.memory import Memory
from recsys.pseudonyms import Pseudonyms

ALL = "all"
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """One recipe for one listener, for a household, or for nobody."""

    name: str
    ids: tuple[Any, ...]


@dataclass(frozen=True)
class Job:
    """What a run does with every list; plain values, so that it can be handed to another process.

    Attributes:
        bundle: folder of the engine.
        recipes: by name.
        now: Unix seconds.
        ledger: its folder, or None: nothing is remembered.
        folder: where files named in recipes are looked for.
        library: that paths are relative to and must stay in.
        out: where playlist files go; None = they are not written (``table`` holds them).
        reports: where .json and .svg of each list go, or None.
        dry: write nothing.
        diff: tell what changes against the files that are there.
        push: address of a Subsonic server that gets the lists, too.
        pseudonyms: what tables and messages tell in place of ids; None = ids.
    """

    bundle: Path
    recipes: Mapping[str, Recipe]
    now: float
    ledger: Path | None = None
    folder: Path = Path()
    library: Path | None = None
    out: Path | None = None
    reports: Path | None = None
    wish: Wish = "due"
    dry: bool = False
    diff: bool = False
    push: str | None = None
    effort: float = 1.0
    pseudonyms: Pseudonyms | None = None


@dataclass
class Done:
    """What came of some tasks.

    Attributes:
        lists: one row of facts per list.
        without: why a task has no list, by "name for listener".
        tables: rows of the lists, when asked for.
    """

    lists: list[dict[str, Any]] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    tables: list[pd.DataFrame] = field(default_factory=list)

    def add(self, other: Done) -> None:
        """Take in another part's."""
        self.lists += other.lists
        self.without |= other.without
        self.tables += other.tables


def tasks(engine: Engine, recipes: Mapping[str, Recipe], listeners: Sequence[Any] | None) -> list[Task]:
    """Which lists to make: every recipe for those named, for all, or for those it names itself.

    Raises:
        UnknownId: a listener that the engine was not trained on.
        DataError: a recipe that needs a listener and has none.
    """
    made = []
    for name, recipe in recipes.items():
        wanted = list(listeners or recipe.listeners)
        ids = engine.users.ids.tolist() if wanted == [ALL] else engine.users.at(engine.users.rows(wanted)).tolist()
        if recipe.personal and not ids:
            raise DataError(f"recipe {name!r} is made for a listener; name one with --for, or listeners in the recipe")
        if recipe.shared or not ids:
            made.append(Task(name, ()))
        elif recipe.household and wanted != [ALL]:
            made.append(Task(name, tuple(ids)))
        else:
            made += [Task(name, (one,)) for one in ids]
    return made


class Worker:
    """A job with its engine open."""

    def __init__(self, job: Job) -> None:
        self.job = job
        ledger = None if job.ledger is None else Ledger(job.ledger)
        self.desk = Desk(Engine.open(job.bundle), now=job.now, ledger=ledger, folder=job.folder)
        self.makers: dict[tuple[str, float], Maker] = {}

    def do(self, some: Sequence[Task], *, tables: bool = False) -> Done:
        """Make, write and remember the lists of some tasks."""
        done, ledger_rows = Done(), []
        before = self._before(some)
        for task in some:
            try:
                for listing, which in self._made(task, before):
                    done.lists.append(self._finished(listing, which))
                    ledger_rows.append(written.remembered(self.desk, listing, *which))
                    if tables:
                        done.tables.append(written.rows(self.desk, listing, self.job.pseudonyms))
            except (DataError, UnknownId) as error:
                what = f"{task.name} for {' + '.join(map(str, task.ids)) or 'everybody'}"
                done.without[self._shown(what, task)] = self._shown(str(error), task)
        if self.desk.ledger is not None and ledger_rows and not self.job.dry:
            self.desk.ledger.append(pd.concat(ledger_rows, ignore_index=True))
        return done

    def _shown(self, text: str, task: Task) -> str:
        return text if self.job.pseudonyms is None else self.job.pseudonyms.without(text, task.ids)

    @cached_property
    def server(self) -> Server:
        """Where lists are pushed to."""
        assert self.job.push is not None
        return Server(self.job.push)

    def _before(self, some: Sequence[Task]) -> dict[str, pd.DataFrame]:
        """The ledger's rows of everybody in some tasks, by listener."""
        if self.desk.ledger is None:
            return {}
        ids = sorted({str(one) for task in some for one in task.ids or ("",)})
        rows = self.desk.ledger.read(listeners=ids, until=self.job.now + 1)
        return {str(listener): mine for listener, mine in rows.groupby("listener")}

    def _made(self, task: Task, before: Mapping[str, pd.DataFrame]) -> Iterator[tuple[Listing, Edition]]:
        recipe = self.job.recipes[task.name]
        who = self.desk.listener(*task.ids) if task.ids else self.desk.nobody()
        rows = [before[str(one)] for one in task.ids or ("",) if str(one) in before]
        mine = pd.concat(rows) if rows else pd.DataFrame()
        which = edition(recipe, task.name, who.name, self.job.now, mine, self.job.wish)
        memory = None if self.desk.ledger is None else self._memory(mine, which)
        for listing in self._maker(task.name, recipe, which.asof).lists(who, seed=which.seed, memory=memory):
            yield listing, which

    def _memory(self, rows: pd.DataFrame, which: Edition) -> Memory:
        """What was known before this edition was made."""
        return Memory.of(rows if len(rows) else self._nothing, self.desk.engine.tracks, which.made)

    @cached_property
    def _nothing(self) -> pd.DataFrame:
        assert self.desk.ledger is not None
        return self.desk.ledger.read(listeners=[])

    def _maker(self, name: str, recipe: Recipe, asof: float) -> Maker:
        if (name, asof) not in self.makers:
            self.makers[name, asof] = Maker(self.desk.at(asof), name, recipe, effort=self.job.effort)
        return self.makers[name, asof]

    def _finished(self, listing: Listing, which: Edition) -> dict[str, Any]:
        """Write a list where it belongs; the facts about it."""
        job, report = self.job, listing.report
        facts: dict[str, Any] = {
            "name": listing.name,
            "listener": listing.who.name,
            "title": listing.title,
            "tracks": report.tracks,
            "seconds": report.seconds,
            "relaxed": report.relaxed,
            "seed": which.seed,
            "asof": which.asof,
        }
        facts |= {"overlap": report.overlap} if report.overlap is not None else {}
        if job.out is not None:
            path = written.place(job.out, listing, self.job.recipes[_recipe(listing.name, job.recipes)].format)
            facts["path"] = str(path)
            changed = written.change(self.desk, listing, path) if job.diff else None
            facts |= {"diff": str(changed)} if changed else {}
            if not job.dry:
                written.write(self.desk, listing, path, job.library)
        if job.push is not None and not job.dry:
            facts["pushed"] = written.push(self.desk, listing, self.server)
        if job.reports is not None and not job.dry:
            for suffix in ("json", "svg"):
                written.tell(listing, written.place(job.reports, listing, suffix), self.desk)
        return facts


def _recipe(name: str, recipes: Mapping[str, Recipe]) -> str:
    """The recipe that a list belongs to: its name, or that with a number."""
    return name if name in recipes else name.rpartition(" ")[0]


def parts(some: Sequence[Task], size: int) -> list[list[Task]]:
    """Tasks in parts of at most ``size``."""
    return [list(some[start : start + size]) for start in range(0, len(some), size)]


def run(job: Job, todo: Iterable[Sequence[Task]], *, workers: int = 1, tables: bool = False) -> Iterator[Done]:
    """What comes of each part, in order; several processes where ``workers`` is more than 1."""
    todo = list(todo)
    if workers <= 1 or len(todo) <= 1:
        worker = Worker(job)
        yield from (worker.do(some, tables=tables) for some in todo)
        return
    with _one_thread_each(), ProcessPoolExecutor(workers, get_context("spawn"), _open, (job,)) as pool:
        yield from pool.map(_do, todo, [tables] * len(todo))


_worker: Worker | None = None


def _open(job: Job) -> None:
    global _worker  # noqa: PLW0603
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
    _worker = Worker(job)


def _end_with(parent: Any) -> None:
    """End this process as soon as the one that started it is gone, killed or not."""
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(some: Sequence[Task], tables: bool) -> Done:
    assert _worker is not None
    return _worker.do(some, tables=tables)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started within have one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
