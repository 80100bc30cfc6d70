"""What the command line tells on stderr as JSON, one object a line, for programs that collect logs."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

VARIABLE = "RECSYS_LOG"  # json = the same as --log-json
EVERY = 5.0  # seconds between two lines about one piece of progress


def wanted(flag: bool) -> bool:
    """Whether lines are to be JSON: by the option, or by the environment."""
    return flag or os.environ.get(VARIABLE, "").casefold() == "json"


def line(level: str, message: str, **facts: Any) -> None:
    """One event: time (ISO 8601, UTC), level, message, and facts by name."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    told: Mapping[str, Any] = {"time": now, "level": level, "message": message, **facts}
    print(json.dumps(told, ensure_ascii=False, default=str), file=sys.stderr, flush=True)


class Progress:
    """Steps of long work: a line when one begins, every few seconds, and when it is done."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        self.last: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Called as a bar would be."""
        now = time.monotonic()
        fresh = what not in self.begun
        self.begun.setdefault(what, now)
        if fresh or done >= total or now - self.last[what] >= EVERY:
            self.last[what] = now
            line("info", what, event="progress", done=done, total=total, seconds=round(now - self.begun[what], 3))
