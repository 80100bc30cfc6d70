"""Everything that was named on a command line or in the settings, to one dataset."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys.errors import DataError
from recsys.settings import Ingest
from recsys.sources.chunks import Chunk
from recsys.sources.coding import Ids
from recsys.sources.columns import check_mapping, find, missing
from recsys.sources.content import ContentReader
from recsys.sources.faulty import Faulty
from recsys.sources.found import find_files
from recsys.sources.layers import events, layers
from recsys.sources.listeners import ListenersReader
from recsys.sources.playlists import PlaylistsReader
from recsys.sources.plays import PlaysReader
from recsys.sources.read import Progress, expand, guarded, open_source, plain_errors
from recsys.sources.rejects import Rejects
from recsys.sources.text import open_text
from recsys.sources.tracks import TracksReader
from recsys.tables import Dataset, IdMap, Interactions

Paths: TypeAlias = Sequence[str | Path]


@dataclass(frozen=True)
class Gathered:
    """A dataset, the rows that could not be used, and what was counted on the way.

    Attributes:
        dataset: all layers over the union of the tracks in all sources.
        rejects: file, line (1-based, as an editor shows it), reason.
        counts: files and rows read, rows kept per layer, duplicates and rejects, by name.
    """

    dataset: Dataset
    rejects: pd.DataFrame
    counts: dict[str, float]


@dataclass(frozen=True)
class Histories:
    """Plays of listeners the model has never seen, over the tracks it knows.

    Attributes:
        interactions: new users, given tracks.
        unknown_rows: how many rows named a track that is not known; they are left out.
        rejects: file, line, reason.
    """

    interactions: Interactions
    unknown_rows: int
    rejects: pd.DataFrame


def gather(
    plays: Paths = (),
    tracks: Paths = (),
    playlists: Paths = (),
    content: Paths = (),
    listeners: Paths = (),
    *,
    settings: Ingest | None = None,
    forgotten: Container[Any] | None = None,
    progress: Progress | None = None,
) -> Gathered:
    """Read files, globs and folders into one dataset.

    Args:
        plays: listening logs, tables of counts or ratings, ListenBrainz or Last.fm exports.
        tracks: tables that describe tracks.
        playlists: M3U, XSPF and JSPF files, or tables.
        content: tables or .npz archives of features; each becomes a content space named after its file.
        listeners: tables that describe listeners.
        settings: column names, the share of bad rows allowed, when a play is a skip.
        forgotten: ids of listeners whose rows are left out; they go to the rejects, and are no fault of the files.
        progress: called with (what, done, total) as files are read.

    Raises:
        DataError: nothing to read, an unreadable or empty file, missing columns, too many bad rows.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     log = Path(folder, "plays.csv")
    ...     _ = log.write_text("user,track,plays\\nann,x,3\\nann,y,1\\nbo,x,2\\n")
    ...     gathered = gather([log])
    >>> gathered.dataset.matrix().toarray()
    array([[3., 1.],
           [2., 0.]], dtype=float32)
    """
    settings = settings or Ingest()
    check_mapping(settings.columns)
    files = find_files(plays, tracks, playlists, content, listeners)
    if not any(files.values()):
        raise DataError("nothing to read; expected at least one path to plays, tracks, playlists or content")
    return _Gathering(settings, forgotten).run(files, progress)


def read_histories(paths: Paths, tracks: IdMap, *, settings: Ingest | None = None) -> Histories:
    """Read plays of listeners the model has never seen, in any form that ``gather`` takes.

    Args:
        paths: files, globs and folders.
        tracks: the tracks the model knows.
        settings: as in ``gather``.

    Raises:
        DataError: as in ``gather``, or no row names a known track.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     log = Path(folder, "new.csv")
    ...     _ = log.write_text("user,track\\nzoe,x\\nzoe,q\\n")
    ...     histories = read_histories([log], IdMap(["x", "y"], noun="track"))
    >>> histories.interactions, histories.unknown_rows
    (Interactions(1 rows, 1 users, 2 tracks), 1)
    """
    settings = settings or Ingest()
    check_mapping(settings.columns)
    ids, rejects = Ids("track"), Rejects()
    reader = PlaysReader(ids, settings, rejects)
    reader.read(expand(paths, "histories"))
    users, theirs = reader.users.finish(), ids.finish()
    rows = events(reader.pieces, reader.users, ids)
    rows.track = tracks.rows(theirs.ids, missing="mark")[rows.track]
    unknown = rows.track < 0
    if len(unknown) and unknown.all():
        raise DataError(
            f"none of the {len(theirs):,} tracks in these histories is known, e.g. {theirs.ids[0]!r}; "
            f"expected ids such as {tracks.ids[0] if len(tracks) else None!r}"
        )
    rows.drop(unknown)
    return Histories(layers(rows, users, tracks).plays, int(unknown.sum()), rejects.frame())


def read_ids(path: str | Path, noun: Literal["user", "track"]) -> list[Any]:
    """Ids from a file: one per line, or a table with a column of them; each once, in the file's order.

    Raises:
        DataError: an empty or unreadable file, a table without such a column, an id that can't be one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     listed = Path(folder, "users.txt")
    ...     _ = listed.write_text("12\\n7\\n")
    ...     read_ids(listed, "user")
    [12, 7]
    """
    file, ours = expand([path], f"{noun} ids")[0], f"{noun}_id"
    source = open_source(file)
    column = find(source.names, {}, [ours]).get(ours)
    if column is None and (len(source.names) == 1 or file.suffix == ".txt"):
        return _ids(file, [_lines(file, ours)], ours, noun)
    if column is None:
        raise missing(file, source.names, [ours], f"{noun} ids")
    return _ids(file, guarded(source, source.chunks([column])), column, noun)


def _lines(file: Path, column: str) -> Chunk:
    """A file of one value per line; blank lines are left out."""
    with plain_errors(file), open_text(file) as stream:
        values = [(number, line.strip()) for number, line in enumerate(stream.read().decode("utf-8").split("\n"), 1)]
    known = [(number, value) for number, value in values if value]
    return Chunk({column: pa.array([v for _, v in known], pa.string())}, np.array([n for n, _ in known]), text=True)


def _ids(file: Path, chunks: Iterable[Chunk], column: str, noun: str) -> list[Any]:
    made, pieces = Ids(noun), []
    for chunk in chunks:
        faulty = Faulty(chunk)
        coded = faulty.ids(column, noun)
        for line, reason in faulty.rows()[:1]:
            raise DataError(f"{file} line {line}: {reason}; expected {noun} ids")
        pieces.append(made.add(coded))
    ids = made.finish()
    return list(dict.fromkeys(i for number in pieces for i in ids.at(made.rows(number)).tolist()))


class _Gathering:
    """The readers of all sources over one set of track ids, and the order in which they work."""

    def __init__(self, settings: Ingest, forgotten: Container[Any] | None = None) -> None:
        self.ids, self.rejects = Ids("track"), Rejects()
        self.plays = PlaysReader(self.ids, settings, self.rejects, forgotten)
        self.tracks = TracksReader(self.ids, settings, self.rejects)
        self.playlists = PlaylistsReader(self.ids, settings, self.rejects)
        self.content = ContentReader(self.ids, settings, self.rejects)
        self.listeners = ListenersReader(self.plays.users, settings, self.rejects, forgotten)

    def run(self, files: dict[str, list[Path]], progress: Progress | None) -> Gathered:
        """Read everything, then lay it over the ids found."""
        for what, paths in files.items():
            getattr(self, what).read(paths, progress)
        for chunk in self.plays.described:
            self.tracks.describe(chunk)
        made, dataset = self._dataset()
        counts: dict[str, float] = {f"{what}_files": len(paths) for what, paths in files.items()}
        counts |= {f"{what}_rows": self.rejects.seen[what] for what in files if files[what]}
        counts |= made | self.tracks.counts | self.playlists.counts
        counts |= self.listeners.counts if "listeners" in files else {}
        counts |= {"users": len(dataset.users), "tracks": len(dataset.tracks), "rejects": self.rejects.total}
        return Gathered(dataset, self.rejects.frame(), counts)

    def _dataset(self) -> tuple[dict[str, float], Dataset]:
        users, tracks = self.plays.users.finish(), self.ids.finish()
        made = layers(events(self.plays.pieces, self.plays.users, self.ids), users, tracks)
        catalogue = self.tracks.catalogue(tracks)
        playlists = self.playlists.interactions(tracks, catalogue)
        contents = self.content.embeddings(tracks)
        people = self.listeners.frame(users)
        return made.counts, Dataset(made.plays, catalogue, contents, made.skips, made.ratings, playlists, people)
