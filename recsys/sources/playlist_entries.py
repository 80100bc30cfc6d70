"""What a playlist's file says of each track, before anybody knows which track it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Entry:
    """One line of a playlist: ``keys`` are ids, addresses or MBIDs; ``paths`` where the sound may lie; seconds."""

    line: int
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration: float | None = None
    reason: str | None = None

    def __str__(self) -> str:
        named = " – ".join(part for part in (self.artist, self.title) if part)
        return named or next(iter(self.paths + self.keys), "nothing")


@dataclass
class Listing:
    """A playlist as its file says; ``name`` falls back to the file's."""

    file: Path
    name: str
    entries: list[Entry]


def paths(location: str, file: Path) -> list[str]:
    """Spellings of a place: as written, with plain slashes, and from the playlist's folder."""
    if "://" in location:
        location = unquote(urlsplit(location).path) if location.lower().startswith("file:") else location
    slashed = location.replace("\\", "/")
    relative = "" if "://" in slashed else str((file.parent / slashed).resolve())
    return list(dict.fromkeys(p for p in (location, slashed, relative) if p))
