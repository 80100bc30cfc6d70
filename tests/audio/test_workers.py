"""A file that hangs, crashes or eats memory fails alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque

import pytest

from recsys.audio.workers import Task, Workers
from recsys.errors import DataError, RecsysError

HERE = "tests.audio.stunts"


def run(*names: str, count: int = 2, seconds: float = 20.0, megabytes: int = 600) -> dict[str, tuple[object, object]]:
    tasks = deque(Task(f"{HERE}:{name}", f"{name}{number}") for number, name in enumerate(names))
    with Workers(count, seconds=seconds, megabytes=megabytes, prepare=(HERE,)) as workers:
        return {outcome.task.path: (outcome.value, outcome.cause) for outcome in workers.run(tasks)}


def test_every_task_has_one_outcome() -> None:
    found = run(*["answer"] * 20)
    assert found == {f"answer{n}": (f"ANSWER{n}", None) for n in range(20)}


@pytest.mark.parametrize(
    ("stunt", "cause"),
    [
        ("crash", "crashed its worker (SIGSEGV)"),
        ("leave", "ended its worker with status 3"),
        ("refuse", "found nothing; expected something"),
        ("closed", "the file cannot be read: Permission denied"),
        ("stumble", "KeyError: 'odd'"),
        ("missing", "AttributeError: module 'tests.audio.stunts' has no attribute 'missing'"),
    ],
)
def test_a_failure_has_its_cause_and_harms_no_other(stunt: str, cause: str) -> None:
    found = run("answer", stunt, "answer", "answer", count=1)
    assert found.pop(f"{stunt}1") == (None, cause)
    assert [value for value, _ in found.values()] == ["ANSWER0", "ANSWER2", "ANSWER3"]


@pytest.mark.parametrize("stunt", ["hang", "hang_inside"])
def test_a_hanging_file_is_given_up(stunt: str) -> None:
    before = time.monotonic()
    found = run(stunt, "answer", count=1, seconds=1.0)
    assert found == {f"{stunt}0": (None, "took longer than 1 seconds"), "answer1": ("ANSWER1", None)}
    assert time.monotonic() - before < 15


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the address space in use")
def test_memory_is_bounded() -> None:
    found = run("eat", "answer", count=1)
    assert found == {"eat0": (None, "needs more than 600 MB of memory"), "answer1": ("ANSWER1", None)}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the address space in use")
def test_what_others_left_in_memory_is_no_fault_of_a_file() -> None:
    found = run(*["hoard"] * 5, count=1)
    assert found == {f"hoard{n}": (f"HOARD{n}", None) for n in range(5)}


def test_tasks_can_be_added_on_the_way() -> None:
    tasks = deque([Task(f"{HERE}:answer", "first")])
    seen = []
    with Workers(2) as workers:
        for outcome in workers.run(tasks):
            seen.append(outcome.value)
            if len(seen) < 5:
                tasks.append(Task(f"{HERE}:answer", f"next{len(seen)}"))
    assert seen == ["FIRST", "NEXT1", "NEXT2", "NEXT3", "NEXT4"]


def test_workers_compute_with_one_thread() -> None:
    assert run("threads")["threads0"] == ("11", None)


def test_workers_end_with_the_block() -> None:
    with Workers(2) as workers:
        pids = {o.value for o in workers.run(deque(Task(f"{HERE}:pid", str(n)) for n in range(8)))}
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_end_when_their_master_is_killed() -> None:
    code = (
        "from collections import deque; from recsys.audio.workers import Task, Workers\n"
        "with Workers(1, seconds=3) as w:\n"
        f"    print(next(iter(w.run(deque([Task('{HERE}:pid', 'x')])))).value, flush=True)\n"
        f"    list(w.run(deque([Task('{HERE}:hang', 'x')])))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as master:
        assert master.stdout is not None
        pid = int(master.stdout.readline())
        time.sleep(0.3)
        master.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 15
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(pid)


def test_a_worker_that_cannot_start_is_an_error_not_a_loop() -> None:
    with (
        pytest.raises(RecsysError, match="No module named"),
        Workers(1, prepare=("recsys.no_such",)) as workers,
    ):
        list(workers.run(deque([Task(f"{HERE}:answer", "x")])))


def test_no_workers_is_an_error() -> None:
    with pytest.raises(DataError, match="0 workers; expected 1 or more"):
        Workers(0)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
