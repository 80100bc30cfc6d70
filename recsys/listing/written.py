"""Finished lists to files: where each belongs, what changed against the file that is there, rows of a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recsys import manifest
from recsys.errors import DataError
from recsys.listing.desk import Desk
from recsys.listing.make import Listing, entries
from recsys.listing.push import Server
from recsys.playlists.formats import write_playlist
from recsys.playlists.ledger import listed
from recsys.playlists.names import safe_name
from recsys.playlists.picture import svg
from recsys.pseudonyms import Pseudonyms
from recsys.sources.playlist_files import read_listing


def place(out: Path, listing: Listing, format: str) -> Path:
    """Where a list belongs: a folder for each listener, a file for each name; never outside of ``out``."""
    folder = out / safe_name(listing.who.name, "listener") if listing.who.ids else out
    return folder / f"{safe_name(listing.name)}.{format}"


def write(desk: Desk, listing: Listing, path: Path, library: Path | None = None) -> None:
    """Write a list, in the place of the one that is there."""
    about = f"{listing.report.tracks} tracks; " + "; ".join([*listing.report.relaxed, *listing.report.notes])
    write_playlist(path, entries(desk, listing), title=listing.title, root=library, about=about.rstrip("; "))


def push(desk: Desk, listing: Listing, server: Server) -> dict[str, Any]:
    """Hand a list to a server, under its name and that of its listener; what came of it."""
    name = f"{listing.name} ({listing.who.name})" if listing.who.ids else listing.name
    return {"name": name, **server.push(name, entries(desk, listing))._asdict()}


def tell(listing: Listing, path: Path, desk: Desk) -> Path:
    """Write how a list turned out: .json, .txt or .svg.

    Raises:
        DataError: another suffix.
    """
    told: dict[str, Callable[[], str]] = {
        ".json": lambda: json.dumps(described(desk, listing), indent=1, ensure_ascii=False, default=str) + "\n",
        ".txt": lambda: listing.report.text() + "\n",
        ".svg": lambda: svg(listing.report),
    }
    if path.suffix.lower() not in told:
        raise DataError(f"{path.name}: a report is .json, .txt or .svg")
    manifest.write_bytes(path, told[path.suffix.lower()]().encode())
    return path


def described(desk: Desk, listing: Listing) -> dict[str, Any]:
    """A list with its report and the reason of every track, as plain values."""
    rows = zip(listing.made.rows.tolist(), listing.reasons, strict=True)
    tracks = [
        {"track_id": desk.engine.tracks.at(row), "name": desk.engine.name(row), "reason": why} for row, why in rows
    ]
    return {"name": listing.name, "listener": listing.who.name, "kind": listing.kind} | {
        **listing.report.json(),
        "list": tracks,
    }


@dataclass(frozen=True)
class Change:
    """What a new list does to the file that is there.

    Attributes:
        new, gone: names of tracks.
        stay: tracks in both.
        moved: of those, whether any stands in another order.
    """

    new: list[str]
    gone: list[str]
    stay: int
    moved: bool

    def __str__(self) -> str:
        lines = [f"+ {name}" for name in self.new] + [f"- {name}" for name in self.gone]
        order = ", in another order" if self.moved else ""
        return "\n".join([*lines, f"= {self.stay} tracks stay{order}"])


def change(desk: Desk, listing: Listing, path: Path) -> Change | None:
    """What would change in a file; None when there is no file or none that can be read."""
    if not path.is_file():
        return None
    try:
        there = read_listing(path).entries
    except DataError:
        return None
    old = [desk.matcher.row(entry) for entry in there]
    new = listing.made.rows.tolist()
    lost = [str(entry) for entry, row in zip(there, old, strict=True) if row < 0]
    gone = [desk.engine.name(row) for row in old if row >= 0 and row not in set(new)] + lost
    stay = [row for row in new if row in set(old)]
    before = [row for row in old if row in set(new)]
    return Change([desk.engine.name(row) for row in new if row not in set(old)], gone, len(stay), stay != before)


def rows(desk: Desk, listing: Listing, names: Pseudonyms | None = None) -> pd.DataFrame:
    """A list as rows of a table, that speaks of listeners by these names."""
    tracks, who = listing.made.rows, listing.who

    def told(text: str) -> str:
        return text if names is None else names.without(text, who.ids)

    return pd.DataFrame(
        {
            "listener": told(who.name),
            "name": listing.name,
            "title": told(listing.title),
            "position": range(1, len(tracks) + 1),
            "track_id": desk.engine.tracks.at(tracks),
            "score": listing.made.scores,
            "reason": [told(reason) for reason in listing.reasons],
        }
    )


def remembered(desk: Desk, listing: Listing, seed: int, asof: float, made: float) -> pd.DataFrame:
    """A list as rows of the ledger, for every member of a household; see ``Edition`` for the three numbers."""
    tracks, bundle = desk.engine.tracks.at(listing.made.rows).tolist(), desk.engine.folder.name
    told: dict[str, Any] = {"time": made, "seed": seed, "asof": asof, "bundle": bundle}
    return pd.concat([listed(one, listing.name, tracks, **told) for one in listing.who.ids or ("",)], ignore_index=True)
