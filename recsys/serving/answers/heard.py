"""What listeners did in, a log that ``recsys ingest`` and ``recsys update`` read out: JSON lines, a file a day."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from recsys.serving.answers.stand import Stand
from recsys.serving.questions import Event

RATINGS = {"like": 5, "dislike": 1}


class Log:
    """A folder that takes events; each call appends whole lines and has them on disk before it returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, stand: Stand, events: Iterable[Event], *, now: float) -> int:
        """Write events down; how many.

        Raises:
            UnknownId: a track that is not known; then nothing is written.
        """
        lines = [json.dumps(_line(stand, event, now), ensure_ascii=True) for event in events]
        self.folder.mkdir(parents=True, exist_ok=True)
        day = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")
        file = os.open(self.folder / f"heard-{day}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            os.write(file, ("\n".join(lines) + "\n").encode())
            os.fsync(file)
        finally:
            os.close(file)
        return len(lines)


def _line(stand: Stand, event: Event, now: float) -> dict[str, object]:
    """An event in the words that a listening log has."""
    track = stand.tracks.at(stand.row(event.track))
    made: dict[str, object] = {"user_id": event.user, "track_id": track.item() if hasattr(track, "item") else track}
    made["timestamp"] = int(now if event.time is None else event.time)
    made["ms_played"] = None if event.seconds is None else round(1000 * event.seconds)
    made["skipped"] = event.event == "skip"
    made["rating"] = RATINGS.get(event.event)
    return made
