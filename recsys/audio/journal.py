"""The writing side of a folder of features: finished work is on disk at once, a sealed state is never torn.

The manifest names the files of the last sealed state. What is finished after it goes to ``journal/``, part by
part, each atomically; sealing folds the journal into new files, replaces the manifest, and only then
removes what is no longer named. Killed anywhere, the next run finds all that was finished.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recsys import manifest
from recsys.audio import parts
from recsys.audio.ids import track_id
from recsys.audio.parts import Known, Row
from recsys.errors import ArtefactError

KIND = "features"
JOURNAL = "journal"
PART_ROWS = 4096
TOLERANCE = 3.0, 0.03  # seconds and share that two files of one code may differ in length


class Journal:
    """A folder of features, open for writing; see ``opened``.

    Attributes:
        files: the last row of each path, by path.
        known: what is remembered of each stored analysis, by digest.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sealed = _sealed(folder)
        self.files: dict[str, Row] = {}
        self.known: dict[str, Known] = {}
        self._ids: dict[str, str] = {}
        self._new: tuple[list[Row], list[Row]] = ([], [])
        self._load()

    def add(self, file: Row, analysis: Row | None = None) -> None:
        """Take in a finished file; it is safe after the next ``flush``."""
        if analysis is not None:
            self._new[0].append(analysis)
            self.known[analysis["digest"]] = Known(analysis["analyser"], analysis["flags"])
        self._new[1].append(file)
        self.files[file["path"]] = file

    @property
    def waiting(self) -> int:
        """Finished files that are not yet on disk."""
        return len(self._new[1])

    @property
    def unsealed(self) -> bool:
        """Whether anything was finished after the last sealed state."""
        return self.sealed is None or bool(self._parts("*")) or self.waiting > 0

    def flush(self) -> None:
        """Put what is finished on disk: analyses first, so that a file row never speaks of one that is lost."""
        analyses, files = self._new
        number = 1 + max((int(p.name.split("-")[0]) for p in self._parts("*")), default=0)
        if analyses:
            parts.write(self.folder / JOURNAL / f"{number:08d}-analyses.parquet", parts.analyses_table(analyses))
        if files:
            parts.write(self.folder / JOURNAL / f"{number:08d}-files.parquet", parts.files_table(files))
        self._new = ([], [])

    def seal(self, paths: Iterable[str], facts: Mapping[str, Any]) -> dict[str, Any]:
        """Make the state of these paths the sealed one; other paths are forgotten, their analyses are kept.

        Returns:
            The new manifest.
        """
        self.flush()
        rows = [self.files[path] for path in sorted(set(paths))]
        self._name(rows)
        number = 1 + max((int(p.stem.split("-")[1]) for p in self.folder.glob("*-*.parquet")), default=0)
        names = [*self._fold(number), f"files-{number:05d}.parquet", f"ids-{number:05d}.parquet"]
        parts.write(self.folder / names[-2], parts.files_table(rows))
        parts.write(self.folder / names[-1], parts.ids_table(self._ids))
        content = _promise(self.folder, sorted(names), {**self._counts(rows), **facts})
        manifest.write_json(self.folder / manifest.NAME, content)
        self.sealed = content
        _sweep(self.folder, names)
        return content

    def _load(self) -> None:
        named = self.sealed["files"] if self.sealed else {}
        _sweep(self.folder, named, journal=False)
        files = [self.folder / name for name in named if name.startswith("files-")]
        for path in [*files, *self._parts("files")]:
            self.files.update({row["path"]: row for row in parts.read(path).to_pylist()})
        for name in named:
            if name.startswith("ids-"):
                table = parts.read(self.folder / name)
                self._ids = dict(zip(*(table[c].to_pylist() for c in ("digest", "track_id")), strict=True))
        self.known = parts.latest(self._analyses())

    def _parts(self, what: str) -> list[Path]:
        """Parts of the journal, oldest first."""
        return sorted((self.folder / JOURNAL).glob(f"[0-9]*-{what}.parquet"))

    def _analyses(self) -> list[Path]:
        named = self.sealed["files"] if self.sealed else {}
        old = sorted(self.folder / name for name in named if name.startswith("analyses-"))
        return [*old, *self._parts("analyses")]

    def _name(self, rows: Sequence[Row]) -> None:
        """Give each file the id of its sound; the first id that a sound has had stays, whatever its tags say later."""
        lengths: dict[str, float] = {}
        for row in rows:
            digest = row["digest"]
            if digest is None:
                continue
            if digest not in self._ids:
                self._ids[digest] = _new_id(row, lengths)
            row["track_id"] = self._ids[digest]
            lengths.setdefault(row["track_id"], row["declared"] or 0.0)

    def _counts(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Numbers of tracks, paths, failures and flags, for the manifest."""
        good = [row for row in rows if row["cause"] is None]
        flags = Counter(flag for row in good for flag in {*row["flags"], *self.known[row["digest"]].flags})
        tracks = len({row["track_id"] for row in good})
        failed = len(rows) - len(good)
        return {"tracks": tracks, "paths": len(good), "failed": failed, "flagged": dict(sorted(flags.items()))}

    def _fold(self, number: int) -> list[str]:
        """Names of the parts that hold the last analysis of each digest; a part with others in it is written anew."""
        last = parts.latest(self._analyses())
        names, loose = [], []
        for path in self._analyses():
            alive = [digest for digest, known in last.items() if known.place == path]
            if path.parent == self.folder and len(alive) == parts.count(path):
                names.append(path.name)
            elif alive:
                loose.append((path, alive))
        for index, table in enumerate(_refilled(loose)):
            names.append(f"analyses-{number:05d}-{index:04d}.parquet")
            parts.write(self.folder / names[-1], table)
        return names


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """The journal of a folder, made if need be; nobody else can write to it meanwhile.

    Raises:
        ArtefactError: the folder holds something else, is too new, or another process writes to it.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not _ours(folder)):
        raise ArtefactError(f"{folder} exists and holds no features; name another folder or move it away")
    (folder / JOURNAL).mkdir(parents=True, exist_ok=True)
    with open(folder / JOURNAL / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ArtefactError(f"another process is analysing into {folder}; wait for it, or stop it") from error
        journal = Journal(folder)
        try:
            yield journal
        finally:
            journal.flush()


def _ours(folder: Path) -> bool:
    return (folder / JOURNAL).is_dir() or _sealed(folder) is not None


def _sealed(folder: Path) -> dict[str, Any] | None:
    return manifest.read(folder, KIND) if folder.is_dir() and manifest.find(folder) else None


def _new_id(row: Row, lengths: Mapping[str, float]) -> str:
    """The id by its codes; by its sound when another track of very different length carries the same code."""
    by_code = track_id(row["mbid"], row["isrc"], row["digest"])
    known, own = lengths.get(by_code, 0.0), row["declared"] or 0.0
    if known and own and abs(known - own) > max(TOLERANCE[0], TOLERANCE[1] * known):
        return track_id(None, None, row["digest"])
    return by_code


def _refilled(loose: Sequence[tuple[Path, Sequence[str]]]) -> Iterator[Any]:
    """The living rows of some parts in tables of a good size."""
    gathered, size = [], 0
    for path, alive in loose:
        gathered.append(parts.last_rows(parts.read(path), alive))
        size += len(alive)
        if size >= PART_ROWS:
            yield parts.together(gathered)
            gathered, size = [], 0
    if gathered:
        yield parts.together(gathered)


def _promise(folder: Path, names: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest of these files only."""
    sizes = {n: {"bytes": (folder / n).stat().st_size, "sha256": manifest.sha256(folder / n)} for n in names}
    head = {"kind": KIND, "schema": manifest.SCHEMA}
    return {**head, **facts, "packages": manifest.versions(), "files": sizes}


def _sweep(folder: Path, named: Iterable[str], *, journal: bool = True) -> None:
    """Remove what the manifest does not name: parts of earlier states, and what a killed run left half done."""
    keep = set(named)
    for path in [*folder.glob("*.parquet"), *folder.glob(".*.tmp"), *(folder / JOURNAL).glob(".*.tmp")]:
        if path.name not in keep:
            path.unlink()
    if journal:
        for path in (folder / JOURNAL).glob("*.parquet"):
            path.unlink()
