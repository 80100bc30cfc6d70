"""Exports of listening services as plays: ListenBrainz JSON lines, Last.fm CSV.

An export names its own user and describes its tracks. A ListenBrainz track is its recording MBID where one is
known; otherwise, and for Last.fm always, a track is "Artist – Title", since the MBIDs there come and go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys.sources.cells import DAY_FIRST
from recsys.sources.chunks import Chunk, Source, as_arrow
from recsys.sources.columns import find, plain
from recsys.sources.delimited import Delimited
from recsys.sources.records import Records, faults_of

NAMES = ["user_id", "track_id", "timestamp", "title", "artist", "album", "mbid", "duration"]
PREFIX = re.compile(r"^(recenttracks|lastfmstats|lastfm|scrobbles)[-_]")
SUFFIX = re.compile(r"[-_]\d{6,}$")


class Export:
    """A source whose columns already have our names."""

    path: Path
    names = NAMES

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """The rows, with all columns in ``names``."""
        raise NotImplementedError


def as_export(source: Source) -> Source:
    """The source as the export that it is, or itself if it is a plain table."""
    if isinstance(source, Records) and "track_metadata" in source.first:
        return ListenBrainz(source)
    if isinstance(source, Delimited):
        return _last_fm(source) or source
    return source


class ListenBrainz(Export):
    """Listens as ListenBrainz hands them out; the user is in each listen, or in a ``user.json`` near by."""

    def __init__(self, source: Records) -> None:
        self.path, self.source = source.path, source
        self.user = _user_file(source.path)

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        for batch, done in self.source.batches():
            good = [(line, record) for line, record, _ in batch if record is not None]
            rows = [_listen(record, self.user) for _, record in good]
            columns = {name: as_arrow([row[i] for row in rows]) for i, name in enumerate(self.names)}
            yield Chunk(columns, np.array([line for line, _ in good], np.int64), False, faults_of(batch), done)


class LastFm(Export):
    """Scrobbles from the usual Last.fm exporters; the user is in the header or in the file's name."""

    def __init__(self, source: Delimited, found: dict[str, str]) -> None:
        self.path, self.source, self.found = source.path, source, found
        marked = [name.partition("#")[2] for name in source.names if "#" in name]
        self.user = marked[0] if marked else SUFFIX.sub("", PREFIX.sub("", source.path.name.split(".")[0]))

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        for chunk in self.source.chunks(list(self.found.values())):
            columns = {ours: chunk.columns[theirs] for ours, theirs in self.found.items()}
            n = len(chunk.lines)
            columns["user_id"] = columns.get("user_id", pa.array([self.user] * n, pa.string()))
            columns["track_id"] = pc.binary_join_element_wise(columns["artist"], columns["title"], " – ")
            columns |= {name: pa.nulls(n, pa.string()) for name in self.names if name not in columns}
            yield Chunk(columns, chunk.lines, True, chunk.faults, chunk.done)


def _last_fm(source: Delimited) -> LastFm | None:
    names = source.names
    if len(names) == 4 and _day(names[3]):
        order = ["artist", "album", "title", "timestamp"]
        return LastFm(Delimited(source.path, order), {name: name for name in order})
    if not {"artist", "track"} <= {plain(name) for name in names} or find(names, {}, ["user_id"]):
        return None
    bare = [name.partition("#")[0] for name in names]
    found_bare = find(bare, {}, ["timestamp", "artist", "album", "title", "mbid"])
    found = {ours: names[bare.index(theirs)] for ours, theirs in found_bare.items()}
    return LastFm(source, found) if {"timestamp", "artist", "title"} <= set(found) else None


def _day(text: str) -> bool:
    for form in DAY_FIRST:
        try:
            datetime.strptime(text, form)
            return True
        except ValueError:
            continue
    return False


def _user_file(path: Path) -> str | None:
    """The name in a ``user.json`` beside the file or up to three folders above it."""
    for folder in list(path.resolve().parents)[:4]:
        try:
            content = json.loads((folder / "user.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        name = content.get("username") or content.get("user_name") if isinstance(content, dict) else None
        if isinstance(name, str):
            return name
    return None


def _listen(record: dict[str, Any], user: str | None) -> tuple[Any, ...]:
    """One listen in the order of NAMES; a missing track_metadata gives a row without track id."""
    about = _object(record, "track_metadata")
    extra, mapped = _object(about, "additional_info"), _object(about, "mbid_mapping")
    title, artist = _text(about, "track_name"), _text(about, "artist_name")
    mbid = _text(mapped, "recording_mbid") or _text(extra, "recording_mbid")
    track = mbid or (f"{artist} – {title}" if artist and title else None)
    when = record.get("listened_at", record.get("timestamp"))
    return (
        _text(record, "user_name") or user,
        track,
        when,
        title,
        artist,
        _text(about, "release_name"),
        mbid,
        _length(extra),
    )


def _object(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _text(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def _length(extra: dict[str, Any]) -> float | None:
    for key, unit in (("duration_ms", 1000), ("duration", 1)):
        if isinstance(extra.get(key), (int, float)):
            return float(extra[key]) / unit
    return None
