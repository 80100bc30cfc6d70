"""Work on files in other processes: a file that hangs, crashes or eats memory fails alone.

Each worker is a fresh interpreter with one thread for numerical libraries. It ends itself by the alarm clock of
the operating system when a file takes too long, even inside a library that never comes back, and even
when the process that started it is gone.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any

from recsys.errors import DataError, RecsysError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MEMORY = {  # glibc keeps what arrays of 32 MB and less leave, up to 128 MB: giving it back costs a sixth of the time
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
}
START = "from recsys.audio.workers import serve; serve()"
SECONDS = 120.0
MEGABYTES = 600
UNREADABLE = "the file cannot be read"
SHORT = "needs more than"  # megabytes
# how libraries that raise no MemoryError say that there is no more
REFUSED = ("allocate memory", "bad allocation", "bad_alloc", "could not create a primitive")
ROOM = 256  # megabytes a worker can always take on top of what it has when it starts


@dataclass(frozen=True)
class Task:
    """One call: ``module:function`` with a path and options."""

    function: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a task: its value, or the cause why there is none; and the worker's highest memory so far."""

    task: Task
    value: Any = None
    cause: str | None = None
    megabytes: float = 0.0


class Workers:
    """A few processes that take tasks one by one.

    Args:
        count: how many.
        seconds: longest time for one task.
        megabytes: memory of a worker; enforced where the system tells how much address space is in use (Linux).
        prepare: modules that each worker imports when it starts.

    >>> with Workers(1) as workers:
    ...     [outcome.value for outcome in workers.run(deque([Task("os.path:basename", "/music/a.mp3")]))]
    ['a.mp3']
    """

    def __init__(
        self, count: int, *, seconds: float = SECONDS, megabytes: int = MEGABYTES, prepare: tuple[str, ...] = ()
    ) -> None:
        if count < 1:
            raise DataError(f"{count} workers; expected 1 or more")
        self.count, self.seconds, self.megabytes, self.prepare = count, seconds, megabytes, prepare
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        self._workers = [_Worker(self) for _ in range(self.count)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()

    def run(self, tasks: deque[Task]) -> Iterator[Outcome]:
        """Outcomes as they come, in no fixed order; tasks may be added to ``tasks`` between two of them.

        Raises:
            RecsysError: a worker cannot start.
        """
        while True:
            for worker in self._workers:
                if worker.ready and worker.task is None and tasks:
                    worker.give(tasks.popleft())
            if not tasks and all(worker.task is None for worker in self._workers):
                return
            for ready in wait([worker.connection for worker in self._workers]):
                outcome = self._listen(next(w for w in self._workers if w.connection is ready), tasks)
                if outcome is not None:
                    yield outcome

    def _listen(self, worker: _Worker, tasks: deque[Task]) -> Outcome | None:
        """What a worker says, or the cause of its end; one that ended is replaced.

        Where memory is short in a worker that had other tasks before, what these left in pieces may be the cause: the
        task goes to a new one.
        """
        try:
            value, cause, megabytes = worker.connection.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            code, said = worker.end()
            if worker.task is None:
                raise RecsysError(f"a worker ended with status {code} before it could work: {said}") from None
            self._workers.append(_Worker(self))
            return Outcome(worker.task, cause=_cause_of_end(code, self.seconds))
        if not worker.ready:
            worker.ready = True
            return None
        task, worker.task = worker.task, None
        assert task is not None
        if worker.used and cause is not None and cause.startswith(SHORT):
            self._workers.remove(worker)
            worker.end()
            self._workers.append(_Worker(self))
            tasks.appendleft(task)
            return None
        worker.used = True
        return Outcome(task, value, cause, megabytes)


class _Worker:
    """One process and the way to speak with it."""

    def __init__(self, settings: Workers) -> None:
        self.ready = self.used = False
        self.task: Task | None = None
        self.connection, theirs = Pipe()
        environment = {**os.environ, **MEMORY, **dict.fromkeys(THREADS, "1")}
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, sys.path))
        limits = (settings.seconds, settings.megabytes, *settings.prepare)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(theirs.fileno()), *map(str, limits)],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()

    def give(self, task: Task) -> None:
        """Hand over a task; when the worker is gone, listening will tell."""
        self.task = task
        with suppress(OSError):
            self.connection.send((task.function, task.path, dict(task.options)))

    def end(self) -> tuple[int, str]:
        """Stop it, if it still runs; its exit status, and the last line it wrote before it was ready."""
        self.connection.close()
        try:
            self.process.wait(0.2 if self.task is None else 0.05)
        except subprocess.TimeoutExpired:
            self.process.kill()
        lines = self.process.communicate()[1].decode(errors="replace").split("\n")
        return self.process.returncode, next((line for line in reversed(lines) if line.strip()), "it said nothing")


def serve() -> None:
    """The life of a worker: import, promise limits, then answer until the other side is gone."""
    handle, seconds, megabytes, *prepare = sys.argv[1:]
    connection = Connection(int(handle))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in prepare:
        import_module(module)
    _limit_memory(int(megabytes))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders complain there
    with suppress(EOFError, OSError):
        connection.send((None, None, 0.0))
        while True:
            name, path, options = connection.recv()
            signal.setitimer(signal.ITIMER_REAL, float(seconds))
            value, cause = _call(name, path, options, int(megabytes))
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send((value, cause, _peak()))


def _call(name: str, path: str, options: Mapping[str, Any], megabytes: int) -> tuple[Any, str | None]:
    """Value and None, or None and the cause."""
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)(path, **options), None
    except RecsysError as error:
        return None, str(error)
    except Exception as error:  # whatever a broken file makes of a library: it is that file's failure
        if isinstance(error, MemoryError) or any(words in str(error) for words in REFUSED):
            return None, f"{SHORT} {megabytes} MB of memory"
        if isinstance(error, OSError):
            return None, f"{UNREADABLE}: {error.strerror or error}"
        return None, f"{type(error).__name__}: {error}"


def _limit_memory(megabytes: int) -> None:
    """Bound the address space to what is in use, and what is missing to ``megabytes`` of memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            space, resident = (int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in file.read().split()[:2])
    except OSError:
        return
    room = max(megabytes * 2**20 - resident, ROOM * 2**20)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (space + room, resource.RLIM_INFINITY))


def _peak() -> float:
    """Highest memory of this process so far, in megabytes."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes where there is no /proc


def _cause_of_end(code: int, seconds: float) -> str:
    if code == -signal.SIGALRM:
        return f"took longer than {seconds:g} seconds"
    if code < 0:
        return f"crashed its worker ({signal.Signals(-code).name})"
    return f"ended its worker with status {code}"
