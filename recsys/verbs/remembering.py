"""Playlists that are there: whose tracks they hold; what was listed when, for whom, and heard since."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import DataError
from recsys.settings import Settings
from recsys.verbs.made import Pathlike, Paths

if TYPE_CHECKING:
    import pandas as pd


def playlist_match(
    file: Pathlike, *, bundle: Pathlike, out: Pathlike | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """The entries of a playlist file and the tracks they are: columns line, entry, track_id, by, nearest.

    Args:
        file: M3U, XSPF, JSPF, CSV or Parquet from anywhere.
        out: the list of the tracks found, as another file.
    """
    import pandas as pd

    from recsys.engine import Engine
    from recsys.playlists import write_playlist
    from recsys.sources.matching import Matcher
    from recsys.sources.playlist_files import read_listing

    engine, listing = Engine.open(bundle), read_listing(Path(file))
    matcher = Matcher(engine.tracks, engine.catalogue)
    found = [matcher.match(entry) for entry in listing.entries]
    if out is not None:
        entries = [
            engine.entry(one.row, entry.reason)
            for one, entry in zip(found, listing.entries, strict=True)
            if one.row >= 0
        ]
        write_playlist(Path(out), entries, title=listing.name)
    return pd.DataFrame(
        {
            "line": [entry.line for entry in listing.entries],
            "entry": [str(entry) for entry in listing.entries],
            "track_id": [engine.tracks.at(one.row) if one.row >= 0 else None for one in found],
            "by": [one.by for one in found],
            "nearest": [
                f"{engine.name(one.nearest[0])} ({one.nearest[1]:.2f})" if one.nearest else None for one in found
            ],
        }
    )


def playlist_ledger(
    ledger: Pathlike,
    *,
    listeners: Sequence[Any] | None = None,
    names: Sequence[str] = (),
    days: float | None = None,
    plays: Paths = (),
    erase: bool = False,
    compact: bool = False,
    settings: Settings | None = None,
    time: float | None = None,
) -> pd.DataFrame:
    """What was put on which list, when and for whom, and what was heard since; one row per track and event.

    Args:
        ledger: its folder.
        listeners, names: only of these listeners and lists.
        days: only of the last days.
        plays: listening logs; plays and skips of what was listed before are added first.
        erase: remove every row of ``listeners``; the table returned has a row for each, with the rows removed and the
            rows left, counted again on disk.
        compact: make one part of all, which is read faster; the table returned has the parts there were, and the rows.

    Raises:
        DataError: erase without listeners, erase and compact at once, or logs without times.
    """
    import pandas as pd

    from recsys.playlists.ledger import DAY, Ledger

    book = Ledger(Path(ledger))
    if plays:
        _heard_since(book, plays, settings or Settings())
    if erase and compact:
        raise DataError("found erase and compact; expected one of them")
    if compact:
        return pd.DataFrame([{"ledger": str(book.folder), "parts": book.compact(), "rows": len(book.read())}])
    if erase:
        if not listeners:
            raise DataError("erase needs listeners; name them with --for")
        return pd.DataFrame([book.erase(one)._asdict() for one in listeners])
    now = clock.time() if time is None else time
    rows = book.read(listeners=listeners, since=None if days is None else now - days * DAY)
    return rows[rows["name"].isin(names)].reset_index(drop=True) if names else rows


def _heard_since(book: Any, plays: Paths, settings: Settings) -> None:
    from recsys import sources
    from recsys.playlists.ledger import PLAYED, SKIPPED, heard

    dataset = sources.gather(plays=plays, settings=settings.ingest).dataset
    for event, layer in ((PLAYED, dataset.plays), (SKIPPED, dataset.skips)):
        if layer is None or not len(layer):
            continue
        if layer.time is None:
            raise DataError("these plays have no times; expected a timestamp column")
        users, tracks = layer.users.at(layer.user), layer.tracks.at(layer.track)
        book.append(heard(book, users.tolist(), tracks.tolist(), layer.time.tolist(), event))
