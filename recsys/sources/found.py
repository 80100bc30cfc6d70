"""Names of files, folders and globs in, the files behind them out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from recsys.sources.playlist_files import SUFFIXES
from recsys.sources.read import TABLES, expand

READABLE = {
    "plays": TABLES,
    "tracks": TABLES,
    "playlists": (*TABLES, *SUFFIXES),
    "content": (*TABLES, ".npz"),
    "listeners": TABLES,
}


def find_files(
    plays: Iterable[str | Path] = (),
    tracks: Iterable[str | Path] = (),
    playlists: Iterable[str | Path] = (),
    content: Iterable[str | Path] = (),
    listeners: Iterable[str | Path] = (),
) -> dict[str, list[Path]]:
    """The files of each kind that ``gather`` would read, in its order.

    Raises:
        DataError: a name that matches nothing.
    """
    named = {"plays": plays, "tracks": tracks, "playlists": playlists, "content": content}
    named |= {"listeners": listeners} if listeners else {}
    return {kind: expand(paths, kind, READABLE[kind]) for kind, paths in named.items()}
