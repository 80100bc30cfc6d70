"""Folders in, the sound files under them out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recsys.errors import DataError

SUFFIXES = frozenset({".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".wav", ".aiff", ".aif"})


@dataclass(frozen=True, order=True)
class Found:
    """A file as the file system tells of it: enough to see that it has not changed."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Scan:
    """What is under some folders: files by path, and what could not be looked at, with its cause."""

    files: list[Found] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def scan(folders: Sequence[str | Path]) -> Scan:
    """Every file with the suffix of a sound format, by absolute path, sorted.

    Symbolic links are followed, each folder is visited once, so that loops end; what cannot be read
    goes to ``problems`` and stops nothing. Files that macOS leaves beside others (``._name``) are skipped.

    Args:
        folders: folders, or single files whatever their suffix.

    Raises:
        DataError: one of ``folders`` does not exist.
    """
    result = Scan()
    for folder in folders:
        root = os.path.abspath(folder)
        if not os.path.exists(root):
            raise DataError(f"no {folder}; expected a folder of sound files")
        for path in _walk(root, result.problems) if os.path.isdir(root) else [root]:
            _add(path, result)
    unique = sorted({found.path: found for found in result.files}.values())
    return Scan(unique, dict(sorted(result.problems.items())))


def _walk(root: str, problems: dict[str, str]) -> Iterator[str]:
    """Paths of sound files under ``root``."""

    def unreadable(error: OSError) -> None:
        problems[_printable(error.filename or root)] = f"folder cannot be read: {error.strerror}"

    seen: set[tuple[int, int]] = set()
    for folder, inside, names in os.walk(root, onerror=unreadable, followlinks=True):
        if not _first_visit(folder, seen):
            inside.clear()
            continue
        inside.sort()
        for name in names:
            if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith("._"):
                yield os.path.join(folder, name)


def _first_visit(folder: str, seen: set[tuple[int, int]]) -> bool:
    """Whether this folder is seen for the first time; one that has just gone never is."""
    try:
        facts = os.stat(folder)
    except OSError:
        return False
    key = (facts.st_dev, facts.st_ino)
    new = key not in seen
    seen.add(key)
    return new


def _add(path: str, result: Scan) -> None:
    """Note one file, or why it cannot be used."""
    try:
        path.encode("utf-8")
        facts = os.stat(path)
    except UnicodeEncodeError:
        result.problems[_printable(path)] = "the name is not valid UTF-8; rename the file"
    except OSError as error:
        link = "a link that leads nowhere" if os.path.islink(path) else "file cannot be read"
        result.problems[path] = f"{link}: {error.strerror}"
    else:
        if os.path.isfile(path):
            result.files.append(Found(path, facts.st_size, facts.st_mtime_ns))
        else:
            result.problems[path] = "not a regular file"


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
