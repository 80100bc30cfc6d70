"""Any file, glob or folder to columns: CSV, TSV, JSON lines, Parquet, plain or gzipped."""

from __future__ import annotations

import glob
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from recsys.errors import DataError
from recsys.sources.chunks import Chunk, Source
from recsys.sources.delimited import Delimited
from recsys.sources.parquet import Parquet
from recsys.sources.records import Records
from recsys.sources.text import first_byte

TABLES = (".csv", ".tsv", ".txt", ".dat", ".json", ".jsonl", ".ndjson", ".parquet", ".pq")
Progress: TypeAlias = Callable[[str, int, int], None]


def expand(paths: Iterable[str | Path], what: str, suffixes: tuple[str, ...] = TABLES) -> list[Path]:
    """Files, globs and folders (searched to the bottom, hidden files left out) to files, sorted, each once.

    Raises:
        DataError: a path that matches no file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        files = _matches(Path(path).expanduser(), suffixes)
        if not files:
            kinds = ", ".join(suffixes)
            raise DataError(f"no {what} at {path}; expected a file, a glob or a folder of files ({kinds}; .gz too)")
        found.update(dict.fromkeys(files))
    return list(found)


def stem(path: Path) -> str:
    """The file's name without folder, format and compression.

    >>> stem(Path("a/moods.csv.gz"))
    'moods'
    """
    name = path.name.removesuffix(".gz")
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def open_source(path: Path) -> Source:
    """A file as named columns; the format is told by its content.

    Raises:
        DataError: unreadable, empty, or neither text nor Parquet.
    """
    with plain_errors(path):
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; expected rows")
        with path.open("rb") as raw:
            if raw.read(4) == b"PAR1":
                return Parquet(path)
        return Records(path) if first_byte(path) in (b"{", b"[") else Delimited(path)


def guarded(source: Source, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Chunks, with whatever breaks while reading turned into one plain error."""
    with plain_errors(source.path):
        yield from chunks


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Torn archives, torn Parquet and refused access become a DataError that names the file."""
    try:
        yield
    except DataError:
        raise
    except (OSError, EOFError, zlib.error, pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"can't read {path}: {str(error).splitlines()[0]}; is the file whole?") from error


def _matches(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        inside = (p for p in path.rglob("*") if _visible(p.relative_to(path)))
        return sorted(p for p in inside if p.is_file() and _suffix(p) in suffixes)
    return sorted(p for p in map(Path, glob.glob(str(path), recursive=True)) if p.is_file())


def _visible(path: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in path.parts)


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix
