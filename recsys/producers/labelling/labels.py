"""A table of labels in, targets aligned with sound files out; rows that can't be used are told with line and reason.

A target is ``single`` (one class per file), ``multi`` (any number of tags; ``;`` or ``|`` between them) or ``numeric``.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError, did_you_mean
from recsys.producers.labelling.targets import UNKNOWN, Target, target_of, together

__all__ = ["GROUPS", "Labels", "Target", "read_groups", "read_labels"]

FILE = ("audio_file", "path", "file", "filename")  # names of the column of files, the first that there is
GROUPS = ("artist", "artist_group", "artist_id", "series", "piece", "song", "album")  # taken when no group is named
TAKEN = ("path", "problem")  # columns of predictions that are of no target
DELIMITERS = (",", ";", "\t")
EMOTION = "emotion"  # the name of several numeric columns that are learned together
EMOTIONS = ("valence", "arousal", "valence_mean", "arousal_mean")  # taken when no target is named
LONGEST = 200  # characters of a message about names of columns
LARGEST = 2**24  # characters of a cell


@dataclass(frozen=True, eq=False)
class Labels:
    """Targets of n files.

    Attributes:
        paths: (n,) relative to the folder of sound, as the table names them.
        targets: by name, each over the same n files.
        groups: int32 (n,); files of one group never lie on both sides of a split.
        grouped_by: the column that groups are from, "" when each file is its own.
        rejects: (line, reason) of rows that can't be used.
    """

    paths: tuple[str, ...]
    targets: Mapping[str, Target]
    groups: NDArray[np.int32]
    grouped_by: str = ""
    rejects: Sequence[tuple[int, str]] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: NDArray[Any]) -> Labels:
        """Some of the files, in this order."""
        targets = {name: target.take(rows) for name, target in self.targets.items()}
        return replace(self, paths=tuple(self.paths[r] for r in rows), targets=targets, groups=self.groups[rows])


class _Table(NamedTuple):
    """Lines of a table: names of columns, rows of as many cells, and the line of each row."""

    columns: list[str]
    rows: list[list[str]]
    lines: list[int]

    def cells(self, column: str) -> list[str]:
        place = self.columns.index(column)
        return [row[place] for row in self.rows]


def read_labels(
    table: str | Path,
    audio: str | Path,
    targets: Sequence[str] = (),
    group: str | None = None,
    *,
    numbers: bool = False,
) -> Labels:
    """Read a table of labels for the files of a folder.

    Args:
        table: CSV (or with ``;`` or tabulators), UTF-8 or Latin-1, with a column ``audio_file`` relative to ``audio``
            and one column per target.
        audio: the folder.
        targets: columns to learn.
        group: the column whose values never lie on both sides of a split; by default the first of ``GROUPS`` that
            there is; without one each file is a group of its own.
        numbers: the targets are numbers that are learned together, as one target ``emotion`` where there are several;
            none named means valence and arousal.

    Raises:
        DataError: the table is missing, empty or has no such column; no row can be used; or a target has nothing to
            tell apart.
    """
    found = _read(Path(table))
    rejects: list[tuple[int, str]] = []
    wanted = _targets(found.columns, targets, numbers, table)
    file = _file(found.columns, table)
    if file in wanted:
        raise DataError(f"column {file!r} names the files; expected a column of labels as target")
    kept, paths = _files(found, file, Path(audio), rejects)
    if not kept:
        reason = (
            f"{len(rejects)} rows, the first of them: line {rejects[0][0]}: {rejects[0][1]}" if rejects else "no row"
        )
        raise DataError(f"{table} has no row that can be used ({reason}); expected files in {audio} with labels")
    good = _Table(found.columns, [found.rows[row] for row in kept], [found.lines[row] for row in kept])
    made = _made(good, wanted, numbers, rejects)
    groups, grouped_by = _groups(good, group, wanted, table)
    labels = Labels(tuple(paths), made, groups, grouped_by, tuple(sorted(rejects)))
    return labels.take(np.flatnonzero(np.any([target.known for target in made.values()], axis=0)))


def read_groups(table: str | Path, audio: str | Path, group: str = "") -> dict[str, str]:
    """Which files belong together: by path relative to ``audio`` the name of the group, where one is known.

    Args:
        table: as of ``read_labels``; rows of other files do no harm.
        group: the column; by default, or where there is none of this name, the first of ``GROUPS`` that there is.

    Raises:
        DataError: the table is missing or empty, or has no such column.
    """
    found = _read(Path(table))
    file = _file(found.columns, table)
    own = {name.casefold(): name for name in found.columns if name != file}
    column = next((own[name] for name in (group.casefold(), *GROUPS) if name in own), None)
    if column is None:
        wanted = ", ".join(dict.fromkeys(name for name in (group, *GROUPS) if name))
        raise DataError(f"{table} has no column that tells which files belong together; expected one of {wanted}")
    kept, paths = _files(found, file, Path(audio), [])
    names = found.cells(column)
    return {path: names[row] for row, path in zip(kept, paths, strict=True) if names[row].casefold() not in UNKNOWN}


def _read(path: Path) -> _Table:
    """Split a file into rows; lines with too few or too many cells are told apart by ``_files``."""
    if not path.is_file():
        raise DataError(f"no {path}; expected a table of labels")
    text = _text(path.read_bytes())
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty; expected a header with {FILE[0]} and a column per target, and rows")
    csv.field_size_limit(LARGEST)
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(lines[0]))
    try:
        numbered = [([cell.strip() for cell in row], reader.line_num) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise DataError(f"{path} line {reader.line_num}: {error}; expected a table of labels as CSV") from error
    columns = numbered[0][0]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise DataError(f"{path} has the column {twice[0]!r} twice; expected different names")
    return _Table(columns, [row for row, _ in numbered[1:]], [line for _, line in numbered[1:]])


def _text(content: bytes) -> str:
    """UTF-8 with or without a mark, else UTF-16 with one, else Latin-1."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig").replace("\0", "")
    except UnicodeDecodeError:
        return content.decode("latin-1").replace("\0", "")


def _delimiter(header: str) -> str:
    """The first by which the header has a column of files, else the one that is there most often."""
    for mark in DELIMITERS:
        if {cell.strip(' "') for cell in header.split(mark)} & set(FILE):
            return mark
    return max(DELIMITERS, key=header.count)


def _file(columns: Sequence[str], table: str | Path) -> str:
    for name in FILE:
        if name in columns:
            return name
    found = ", ".join(columns)[:LONGEST]
    raise DataError(f"{table} has no column {FILE[0]!r} that names the files; found {found!r}")


def _targets(columns: Sequence[str], targets: Sequence[str], numbers: bool, table: str | Path) -> list[str]:
    wanted = list(dict.fromkeys(target.strip() for target in targets if target.strip()))
    if not wanted and numbers:
        wanted = [name for name in EMOTIONS if name in columns]
    if not wanted:
        raise DataError(f"no target is named; expected --target with one or more columns of {table}")
    for name in wanted:
        if name not in columns:
            raise DataError(f"{table} has no column {name!r}{did_you_mean(name, columns)}")
    return wanted


def _files(found: _Table, file: str, audio: Path, rejects: list[tuple[int, str]]) -> tuple[list[int], list[str]]:
    """Rows whose file is there, each file once, and the files."""
    if not audio.is_dir():
        raise DataError(f"no folder {audio}; expected a folder of sound files")
    place, seen = found.columns.index(file), dict[str, int]()
    for row, cells in enumerate(found.rows):
        fault = _fault(cells, len(found.columns), place, audio)
        path = "" if fault else os.path.normpath(os.path.relpath(audio / cells[place], audio))
        if not fault and path in seen:
            fault = f"{file} is listed before, in line {found.lines[seen[path]]}: {cells[place]!r}"
        if fault:
            rejects.append((found.lines[row], fault))
        else:
            seen[path] = row
    return list(seen.values()), list(seen)


def _fault(cells: Sequence[str], columns: int, place: int, audio: Path) -> str:
    """What is wrong with a row, "" for nothing."""
    if len(cells) != columns:
        return f"{len(cells)} cells, expected {columns} as in the header"
    if not cells[place]:
        return "the file's name is missing"
    try:
        if not (audio / cells[place]).is_file():
            return f"there is no such file: {cells[place]!r}"
    except (OSError, ValueError):
        return f"this can't be a file's name: {cells[place][:100]!r}"
    inside = not os.path.relpath(audio / cells[place], audio).startswith(os.pardir)
    return "" if inside else f"this leads out of the folder: {cells[place]!r}"


def _made(table: _Table, wanted: Sequence[str], numbers: bool, rejects: list[tuple[int, str]]) -> dict[str, Target]:
    def reject(row: int, reason: str) -> None:
        rejects.append((table.lines[row], reason))

    made = [target_of(name, table.cells(name), reject, numbers=numbers) for name in wanted]
    titles = Counter([*TAKEN, *(title for target in made for title in target.titles)])
    if twice := [title for title, count in titles.items() if count > 1]:
        raise DataError(
            f"predictions would have the column {twice[0]!r} twice; expected other names of targets or classes"
        )
    if numbers and len(made) > 1:
        return {EMOTION: together(EMOTION, made)}
    return {target.name: target for target in made}


def _groups(
    table: _Table, group: str | None, wanted: Sequence[str], source: str | Path
) -> tuple[NDArray[np.int32], str]:
    """Codes of groups, and their column; a file of which no group is known is its own."""
    if group is not None and group not in table.columns:
        raise DataError(f"{source} has no column {group!r} to group by{did_you_mean(group, table.columns)}")
    if group in wanted:
        raise DataError(
            f"--group and --target both name {group!r}; expected a group such as the artist, not what is learned"
        )
    own = {name.casefold(): name for name in table.columns if name not in wanted}
    column = group or next((own[name] for name in GROUPS if name in own), None)
    if column is None:
        return np.arange(len(table.rows), dtype=np.int32), ""
    names = [cell if cell.casefold() not in UNKNOWN else f"\0{row}" for row, cell in enumerate(table.cells(column))]
    codes = np.unique(names, return_inverse=True)[1].astype(np.int32)
    if group is None and len(np.unique(codes)) < 2:
        return np.arange(len(table.rows), dtype=np.int32), ""
    return codes, column
