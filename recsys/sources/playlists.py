"""Playlists of any form to one layer: each playlist is an owner of tracks, with positions for times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.settings import Ingest
from recsys.sources.cells import numbers
from recsys.sources.chunks import Chunk
from recsys.sources.coding import Ids, encode
from recsys.sources.columns import PLAYLISTS, find, missing
from recsys.sources.faulty import Faulty
from recsys.sources.matching import Matcher
from recsys.sources.playlist_entries import Listing
from recsys.sources.playlist_files import SUFFIXES, looks_like_jspf, read_listing
from recsys.sources.read import Progress, guarded, open_source
from recsys.sources.rejects import Rejects, shown
from recsys.tables import Catalogue, IdMap, Interactions


@dataclass
class Piece:
    """Some rows of a table of playlists."""

    owner: int
    track: int
    position: NDArray[np.int64]


class PlaylistsReader:
    """Reads playlist files and tables; files are matched against the catalogue at the end.

    An entry of a file that matches no track is listed among the rejects, but is no bad row: a playlist may well
    hold tracks from elsewhere. If nothing matches at all, that is an error.
    """

    def __init__(self, tracks: Ids, settings: Ingest, rejects: Rejects) -> None:
        self.owners, self.tracks = Ids("playlist"), tracks
        self.settings, self.rejects = settings, rejects
        self.pieces: list[Piece] = []
        self.listings: list[Listing] = []
        self.counts = {"playlist_entries": 0, "unmatched_entries": 0}

    def read(self, files: list[Path], progress: Progress | None = None) -> None:
        """Read files one after another.

        Raises:
            DataError: an unreadable file, missing columns, or more bad rows than the settings allow.
        """
        for number, file in enumerate(files, 1):
            if file.suffix.lower() in SUFFIXES or looks_like_jspf(file):
                self.listings.append(read_listing(file))
            else:
                self._table(file)
            if progress:
                progress("playlists", number, len(files))
        self.rejects.check("playlists", self.settings.max_reject_share)

    def interactions(self, tracks: IdMap, catalogue: Catalogue) -> Interactions | None:
        """All playlists over the finished tracks; None without any."""
        found = self._matched(tracks, catalogue)
        names = _distinct(self.listings)
        owner = [name for name, rows in zip(names, found, strict=True) for _ in rows]
        files = self.owners.add(encode(pa.array(owner, pa.string()), text=False))
        users = self.owners.finish()
        numbers_ = [*(p.owner for p in self.pieces), files]
        user = np.concatenate([self.owners.rows(number) for number in numbers_])
        rows = [*(self.tracks.rows(p.track) for p in self.pieces), *(np.array(r[:, 0], np.int32) for r in found)]
        places = [*(p.position for p in self.pieces), *(r[:, 1] for r in found)]
        self.counts["playlist_entries"] = len(user)
        if not len(user):
            return None
        ones = np.ones(len(user), np.float32)
        return Interactions(users, tracks, user, np.concatenate(rows), ones, np.concatenate(places))

    def _table(self, file: Path) -> None:
        source = open_source(file)
        found = find(source.names, self.settings.columns, PLAYLISTS)
        lacking = [name for name in PLAYLISTS[:2] if name not in found]
        if lacking:
            raise missing(file, source.names, lacking, "playlists")
        seen: Counter[str] = Counter()
        for chunk in guarded(source, source.chunks(list(dict.fromkeys(found.values())))):
            self._keep(file, chunk, found, seen)

    def _keep(self, file: Path, chunk: Chunk, found: dict[str, str], seen: Counter[str]) -> None:
        faulty = Faulty(chunk)
        owner = faulty.ids(found["playlist_id"], "playlist")
        track = faulty.ids(found["track_id"], "track")
        if "position" in found:
            place = numbers(chunk.columns[found["position"]])
            wrong = ~np.isfinite(place) | (np.abs(place) > 2**53)
            faulty.mark(wrong, "position is not a number", found["position"])
            position = np.where(wrong, 0, place).astype(np.int64)
        else:
            position = _in_order([str(v) for v in chunk.columns[found["playlist_id"]].to_pylist()], seen)
        self.rejects.saw("playlists", faulty.seen)
        self.rejects.add("playlists", file, faulty.rows())
        good = faulty.good
        self.pieces.append(Piece(self.owners.add(owner.take(good)), self.tracks.add(track.take(good)), position[good]))

    def _matched(self, tracks: IdMap, catalogue: Catalogue) -> list[NDArray[np.int64]]:
        """Per playlist file (row, position) of its matched entries, int64 (n, 2)."""
        if not self.listings:
            return []
        matcher = Matcher(tracks, catalogue)
        made = [self._one(listing, matcher) for listing in self.listings]
        entries = sum(len(listing.entries) for listing in self.listings)
        if entries and not any(len(rows) for rows in made):
            first = next(listing for listing in self.listings if listing.entries)
            raise DataError(
                f"none of the {entries:,} playlist entries matches a track, e.g. {first.file}: {first.entries[0]}; "
                "expected an id, path, MBID, ISRC or artist and title from the tracks table"
            )
        return made

    def _one(self, listing: Listing, matcher: Matcher) -> NDArray[np.int64]:
        found = [(matcher.row(entry), place) for place, entry in enumerate(listing.entries, 1)]
        lost = [entry for entry, (row, _) in zip(listing.entries, found, strict=True) if row < 0]
        faults = [(entry.line, f"no track matches this playlist entry: {shown(str(entry))}") for entry in lost]
        self.rejects.add("unmatched", listing.file, faults)
        self.counts["unmatched_entries"] += len(lost)
        return np.array([pair for pair in found if pair[0] >= 0], np.int64).reshape(-1, 2)


def _in_order(owners: list[str], seen: Counter[str]) -> NDArray[np.int64]:
    """Positions 1, 2, … within each playlist, by the order of rows."""
    made = np.empty(len(owners), np.int64)
    for row, owner in enumerate(owners):
        seen[owner] += 1
        made[row] = seen[owner]
    return made


def _distinct(listings: list[Listing]) -> list[str]:
    """Names of playlists; the second "Mix" becomes "Mix (2)"."""
    seen: Counter[str] = Counter()
    made = []
    for listing in listings:
        seen[listing.name] += 1
        made.append(listing.name if seen[listing.name] == 1 else f"{listing.name} ({seen[listing.name]})")
    return made
