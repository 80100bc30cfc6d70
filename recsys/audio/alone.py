"""One call on one file in a process of its own: a file that hangs, crashes or eats memory fails, and nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from recsys.audio.analyse import DESCRIPTORS
from recsys.audio.workers import MEGABYTES, SECONDS, Task, Workers
from recsys.errors import DataError

IDENTIFY = "recsys.audio.ids:identify"
ANALYSE = "recsys.audio.analyse:analyse"
HEARING = tuple(f"recsys.audio.{name}" for name in DESCRIPTORS)  # what is imported before limits are set


def alone(
    function: str,
    path: str,
    options: Mapping[str, Any] | None = None,
    *,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
) -> Any:
    """What ``module:function`` gives for a path and options.

    Raises:
        DataError: it failed, took too long, needed too much memory or crashed; the message names the path and cause.

    >>> alone("os.path:basename", "/music/a.mp3")
    'a.mp3'
    """
    module = function.partition(":")[0]
    prepare = (module, *(HEARING if module.startswith("recsys.") and function != IDENTIFY else ()))
    with Workers(1, seconds=seconds, megabytes=megabytes, prepare=prepare) as workers:
        (outcome,) = workers.run(deque([Task(function, path, dict(options or {}))]))
    if outcome.cause is not None:
        raise DataError(outcome.cause if path in outcome.cause else f"{path}: {outcome.cause}")
    return outcome.value
