"""Plays of any source to interactions: who played, skipped or rated what, how much and when."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.settings import Ingest
from recsys.sources.cells import UNREAD, flags, numbers, times
from recsys.sources.chunks import Chunk, Source
from recsys.sources.coding import Ids
from recsys.sources.columns import PLAYS, find, missing
from recsys.sources.exports import Export, as_export
from recsys.sources.faulty import Faulty, Mask
from recsys.sources.read import Progress, guarded, open_source
from recsys.sources.rejects import FORGOTTEN, Rejects

EVENTS = ("ms_played", "skipped")
LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Piece:
    """The good rows of one chunk; ``user`` and ``track`` are numbers of pieces in the Ids."""

    rows: int
    user: int
    track: int
    time: NDArray[np.int64] | None
    count: NDArray[np.float32] | None
    skip: Mask | None
    rating: NDArray[np.float32] | None


class PlaysReader:
    """Reads files of plays, keeps what is good, and collects what exports say about tracks on the way."""

    def __init__(
        self, tracks: Ids, settings: Ingest, rejects: Rejects, forgotten: Container[Any] | None = None
    ) -> None:
        self.users, self.tracks = Ids("user"), tracks
        self.settings, self.rejects, self.forgotten = settings, rejects, forgotten
        self.pieces: list[Piece] = []
        self.described: list[Chunk] = []

    def read(self, files: list[Path], progress: Progress | None = None) -> None:
        """Read files one after another.

        Raises:
            DataError: no rows, missing columns, an unreadable file, or more bad rows than the settings allow.
        """
        for file, chunk, found in _chunks(files, self.settings, progress):
            self._keep(file, chunk, found)
        self.rejects.check("plays", self.settings.max_reject_share)
        if files and not self.pieces:
            read = f"all {self.rejects.seen['plays']:,} rows are bad" if self.rejects.seen["plays"] else "only a header"
            raise DataError(f"no plays in {', '.join(map(str, files[:3]))}: {read}; expected rows")

    def _keep(self, file: Path, chunk: Chunk, found: dict[str, str]) -> None:
        faulty = Faulty(chunk)
        piece = _piece(faulty, found, self.users, self.tracks, self.settings, self.forgotten)
        self.rejects.saw("plays", faulty.seen)
        self.rejects.add("plays", file, faulty.rows())
        if piece.rows:
            self.pieces.append(piece)
        if "title" in chunk.columns:
            self.described.append(_unique(chunk, faulty.good))


def _chunks(
    files: list[Path], settings: Ingest, progress: Progress | None
) -> Iterator[tuple[Path, Chunk, dict[str, str]]]:
    sizes = [file.stat().st_size for file in files]
    for number, file in enumerate(files):
        source = as_export(open_source(file))
        found = _columns(source, settings)
        wanted = source.names if isinstance(source, Export) else dict.fromkeys(found.values())
        for chunk in guarded(source, source.chunks(list(wanted))):
            yield file, chunk, found
            if progress:
                progress("plays", sum(sizes[:number]) + min(chunk.done, sizes[number]), sum(sizes))


def _unique(chunk: Chunk, good: Mask) -> Chunk:
    """The first good row of each track: all that the catalogue needs of an export."""
    again = pd.Series(chunk.columns["track_id"].to_pylist(), dtype=object).duplicated().to_numpy()
    first = good & ~again
    return Chunk({name: c.filter(pa.array(first)) for name, c in chunk.columns.items()}, chunk.lines[first], chunk.text)


def _columns(source: Source, settings: Ingest) -> dict[str, str]:
    if isinstance(source, Export):
        return {name: name for name in PLAYS if name in source.names}
    found = find(source.names, settings.columns, PLAYS)
    lacking = [name for name in ("user_id", "track_id") if name not in found]
    if lacking:
        raise missing(source.path, source.names, lacking, "plays")
    for ours in PLAYS[2:]:
        theirs = settings.columns.get(ours)
        if theirs is not None and theirs not in source.names:
            names = ", ".join(source.names)
            raise DataError(f"{source.path}: [ingest.columns] maps {ours} to {theirs!r}; found columns {names}")
    return found


def _piece(
    faulty: Faulty,
    found: dict[str, str],
    users: Ids,
    tracks: Ids,
    settings: Ingest,
    forgotten: Container[Any] | None = None,
) -> Piece:
    user = faulty.ids(found["user_id"], "user")
    faulty.unwanted(user, forgotten, FORGOTTEN)
    track = faulty.ids(found["track_id"], "track")
    time = _time(faulty, found)
    rating = _rating(faulty, found)
    count = _count(faulty, found)
    skip = _skip(faulty, found, settings.skip_seconds)
    good = faulty.good
    if not good.all():
        user, track = user.take(good), track.take(good)
        time = None if time is None else time[good]
        count = None if count is None else count[good]
        skip = None if skip is None else skip[good]
        rating = None if rating is None else rating[good]
    if not len(user.codes):
        return Piece(0, -1, -1, None, None, None, None)
    return Piece(len(user.codes), users.add(user), tracks.add(track), time, count, skip, rating)


def _time(faulty: Faulty, found: dict[str, str]) -> NDArray[np.int64] | None:
    if "timestamp" not in found:
        return None
    time = times(faulty.chunk.columns[found["timestamp"]])
    faulty.mark(time == UNREAD, "timestamp is unreadable, before 1970 or after 2200", found["timestamp"])
    return time


def _count(faulty: Faulty, found: dict[str, str]) -> NDArray[np.float32] | None:
    """Counts; None where each row is one event. A row of a file of ratings is no event, its count is 0."""
    if "plays" in found:
        count = numbers(faulty.chunk.columns[found["plays"]])
        faulty.mark(np.isnan(count), "count is not a number", found["plays"])
        faulty.mark(count < 0, "count is negative", found["plays"])
        faulty.mark(count > LARGEST, "count is infinite or too large", found["plays"])
        return np.where(faulty.good, count, 0).astype(np.float32)
    only_ratings = "rating" in found and not any(name in found for name in EVENTS)
    return np.zeros(len(faulty.good), np.float32) if only_ratings else None


def _rating(faulty: Faulty, found: dict[str, str]) -> NDArray[np.float32] | None:
    """Ratings, NaN where a row of plays has none; in a file of ratings each row needs one."""
    if "rating" not in found:
        return None
    rating = numbers(faulty.chunk.columns[found["rating"]])
    wrong = np.isinf(rating) | (np.abs(rating) > LARGEST)
    if not any(name in found for name in ("plays", *EVENTS)):
        wrong |= np.isnan(rating)
    faulty.mark(wrong, "rating is not a number", found["rating"])
    return np.where(wrong, np.nan, rating).astype(np.float32)


def _skip(faulty: Faulty, found: dict[str, str], seconds: float) -> Mask | None:
    skip: Mask | None = None
    if "skipped" in found:
        skip, unread = flags(faulty.chunk.columns[found["skipped"]])
        faulty.mark(unread, "skipped is neither true nor false", found["skipped"])
    if "ms_played" in found:
        heard = numbers(faulty.chunk.columns[found["ms_played"]])
        faulty.mark(heard < 0, "ms_played is negative", found["ms_played"])
        short = heard < seconds * 1000
        skip = short if skip is None else skip | short
    return skip


def total(pieces: Iterable[Piece]) -> int:
    """How many rows the pieces hold."""
    return sum(piece.rows for piece in pieces)
