"""What the server tells while it runs: lines for people, or JSON for programs, on stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

NAMES = ("recsys.serving", "uvicorn.error")
WAYS = ("text", "json", "quiet")


class AsJson(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, and what belongs to the event."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "message": record.getMessage()}
        told |= getattr(record, "facts", {})
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def set_up(way: str, *, every: bool = False) -> None:
    """Tell in one of ``WAYS``; with ``every`` each request too, else only what a person should know."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if way == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.ERROR if way == "quiet" else logging.INFO)
    logging.getLogger("recsys.serving.access").setLevel(logging.INFO if every else logging.WARNING)
