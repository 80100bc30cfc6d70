"""Tables of tracks to the catalogue: any names of columns in, our names and missing values out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys.settings import Ingest
from recsys.sources.cells import blank, decoded, flags, is_text, numbers
from recsys.sources.chunks import Chunk
from recsys.sources.coding import Ids, encode
from recsys.sources.columns import TRACKS, find, missing
from recsys.sources.faulty import Faulty
from recsys.sources.read import Progress, guarded, open_source
from recsys.sources.rejects import Rejects
from recsys.tables import Catalogue, IdMap
from recsys.tables.catalogue import FLAGS, LISTS, NUMBERS, TEXT

YEARS = (1000, 2200)
LONGEST_MEDIAN = 10_000
CLOCK = re.compile(r"^(?:(\d+):)?(\d{1,3}):(\d{2})$")


class TracksReader:
    """Reads tables of tracks; ``catalogue`` lays them over the finished ids.

    Durations are seconds; a table whose median "duration" is above 10,000 is taken to be in milliseconds.
    Genres and tags are lists, or text split at ; or | or, where there is neither, at commas. The first row
    of an id counts. Paths relative to the table that lead to a file become absolute. Columns that are not ours
    are kept under their own names for filters.
    """

    def __init__(self, tracks: Ids, settings: Ingest, rejects: Rejects) -> None:
        self.tracks, self.settings, self.rejects = tracks, settings, rejects
        self.pieces: list[tuple[int, pd.DataFrame]] = []
        self.untyped: set[str] = set()
        self.counts = {"duplicate_tracks": 0}

    def read(self, files: list[Path], progress: Progress | None = None) -> None:
        """Read files one after another.

        Raises:
            DataError: no track id, an unreadable file, or more bad rows than the settings allow.
        """
        for number, file in enumerate(files, 1):
            source = open_source(file)
            found = _found(file, source.names, self.settings)
            others = [n for n in source.names if n not in found.values() and n not in ("track_id", *_OURS)]
            for chunk in guarded(source, source.chunks([*found.values(), *others])):
                self._keep(file, chunk, found, others)
            if progress:
                progress("tracks", number, len(files))
        self.rejects.check("tracks", self.settings.max_reject_share)

    def describe(self, chunk: Chunk) -> None:
        """What an export of plays says about its tracks, each once."""
        found = {name: name for name in chunk.columns if name in _OURS}
        ids = encode(chunk.columns["track_id"], chunk.text)
        self.pieces.append((self.tracks.add(ids), _described(chunk, found, [])))

    def catalogue(self, tracks: IdMap) -> Catalogue:
        """One row per track; what no table describes is missing."""
        if not self.pieces:
            return Catalogue.empty(len(tracks))
        frame = pd.concat([piece for _, piece in self.pieces], ignore_index=True)
        rows = np.concatenate([self.tracks.rows(number) for number, _ in self.pieces])
        first = ~pd.Series(rows).duplicated().to_numpy()
        self.counts["duplicate_tracks"] = int((~first).sum())
        place = np.full(len(tracks), -1)
        place[rows[first]] = np.flatnonzero(first)
        return Catalogue(pd.DataFrame({str(name): self._laid(frame[name], place) for name in frame}))

    def _keep(self, file: Path, chunk: Chunk, found: dict[str, str], others: list[str]) -> None:
        faulty = Faulty(chunk)
        ids = faulty.ids(found["track_id"], "track")
        self.rejects.saw("tracks", faulty.seen)
        self.rejects.add("tracks", file, faulty.rows())
        described = _described(chunk, found, others)
        if "path" in described:
            described["path"] = _objects(_placed(path, file.parent) for path in described["path"])
        self.pieces.append((self.tracks.add(ids.take(faulty.good)), described.loc[faulty.good]))
        self.untyped |= set(others) if chunk.text else set()

    def _laid(self, column: pd.Series[Any], place: Any) -> pd.Series[Any]:
        """A column over all tracks, with NaN (numbers) or None (all else) where nothing is known."""
        if column.name in self.untyped:
            column = _numbers_if_all(column)
        values = column.reindex(place)
        if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
            return values.reset_index(drop=True)
        values = values.astype(object)
        return values.where(values.notna(), None).reset_index(drop=True)


_OURS = (*TEXT, *LISTS, *NUMBERS, *FLAGS)


def _found(file: Path, names: list[str], settings: Ingest) -> dict[str, str]:
    """Their columns by our names; "id" will do for the track id when nothing better is there."""
    found = find(names, settings.columns, TRACKS)
    vague = found.get("track_id", "").casefold() in ("", "artist", "track", "song", "item")
    if vague and "track_id" not in settings.columns:
        spare = next((n for n in names if n.casefold() in ("id", "mbid")), None)
        if spare is not None:
            rest = [n for n in names if n != spare]
            return {"track_id": spare, **find(rest, settings.columns, TRACKS[1:])}
    if "track_id" not in found:
        raise missing(file, names, ["track_id"], "tracks")
    return found


def _described(chunk: Chunk, found: dict[str, str], others: list[str]) -> pd.DataFrame:
    columns = {ours: decoded(chunk.columns[theirs]) for ours, theirs in found.items()}
    made: dict[str, Any] = {name: READERS[name](columns[name]) for name in columns if name in READERS}
    if "duration_ms" in columns:
        fine = _positive(numbers(columns["duration_ms"]) / 1000)
        made["duration"] = np.where(np.isfinite(fine), fine, made.get("duration", np.nan))
    return pd.DataFrame(made | {name: _as_is(chunk.columns[name]) for name in others}, index=range(len(chunk.lines)))


def _placed(path: str | None, folder: Path) -> str | None:
    """A path that is relative to its table, if a file is there, made absolute; any other as given."""
    return (
        str((folder / path).resolve()) if path and not Path(path).is_absolute() and (folder / path).is_file() else path
    )


def texts(column: pa.Array) -> pd.Series[Any]:
    """Text with None where there is none; numbers are spelt out, lists joined by commas."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        values = [None if v is None else ", ".join(str(x) for x in v if x is not None) for v in column.to_pylist()]
    else:
        values = [None if v is None else str(v) for v in column.to_pylist()]
    return _objects(v.strip() or None if v else None for v in values)


def lists(column: pa.Array) -> pd.Series[Any]:
    """Lists of text, None where empty.

    >>> lists(pa.array(["Drum & Bass, Jungle", "a; b,c", ""])).tolist()
    [['Drum & Bass', 'Jungle'], ['a', 'b,c'], None]
    """
    return _objects(_list(value) for value in column.to_pylist())


def _list(value: Any) -> list[str] | None:
    if isinstance(value, str):
        split = "[;|]" if ";" in value or "|" in value else ","
        value = _parsed(value) if value.startswith("[") else re.split(split, value)
    items = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return [text for item in items if item is not None and (text := str(item).strip())] or None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("[]").replace("'", "").split(",")


def years(column: pa.Array) -> pd.Series[Any]:
    """The year of a number, a date or text that starts with one; NaN outside 1000 to 2200."""
    if is_text(column) or pa.types.is_temporal(column.type):
        found = pd.Series(column.cast(pa.string()).to_pylist(), dtype=object).str.extract(r"^\s*(\d{4})", expand=False)
        values = pd.to_numeric(found, errors="coerce").to_numpy(np.float64)
    else:
        values = numbers(column)
    return pd.Series(np.where((values >= YEARS[0]) & (values < YEARS[1]), np.floor(values), np.nan))


def seconds(column: pa.Array) -> pd.Series[Any]:
    """Durations as seconds, from numbers or "3:45"; NaN where not above 0.

    >>> seconds(pa.array(["3:45", "12.5", "0", None])).tolist()
    [225.0, 12.5, nan, nan]
    """
    values = np.array(numbers(column))
    if is_text(column):
        for row in np.flatnonzero(np.isnan(values) & ~blank(column)):
            values[row] = _clock(column[int(row)].as_py())
    values = _positive(values)
    known = values[np.isfinite(values)]
    return pd.Series(values / 1000 if len(known) and np.median(known) > LONGEST_MEDIAN else values)


def _clock(text: str) -> float:
    match = CLOCK.match(text.strip())
    if not match:
        return np.nan
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + rest)


def _positive(values: Any) -> Any:
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def marks(column: pa.Array) -> pd.Series[Any]:
    """True, False, or None where missing or unreadable."""
    yes, unread = flags(column)
    empty = blank(column) | unread
    return _objects(None if nothing else bool(y) for y, nothing in zip(yes, empty, strict=True))


def _as_is(column: pa.Array) -> pd.Series[Any]:
    column = decoded(column)
    return _objects(value or None for value in column.to_pylist()) if is_text(column) else column.to_pandas()


def _objects(values: Iterator[Any] | Any) -> pd.Series[Any]:
    return pd.Series(list(values), dtype=object)


def _numbers_if_all(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of a file without types: numbers if all that is there are numbers."""
    known = column.notna()
    values = pd.to_numeric(column.where(known), errors="coerce")
    return values if known.any() and values[known].notna().all() else column


READERS: dict[str, Callable[[pa.Array], pd.Series[Any]]] = {
    **dict.fromkeys(TEXT, texts),
    **dict.fromkeys(LISTS, lists),
    "year": years,
    "duration": seconds,
    **dict.fromkeys(FLAGS, marks),
}
