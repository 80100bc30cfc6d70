"""A bundle in, everything that answers need out, opened once and shared by all requests until the next bundle comes."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import __version__
from recsys.contracts import Rows
from recsys.engine import Engine
from recsys.errors import UnknownId
from recsys.listing.desk import Desk
from recsys.serving.answers.library import Library
from recsys.serving.answers.shelf import Shelf
from recsys.settings import Settings
from recsys.tables import IdMap
from recsys.tables.narrowed import narrowed

FILTERS = 32  # filters whose tracks are remembered
NEAREST = 3
PATH = re.compile(r"(?<![\w:])(?:/[^\s/'\",;:]+){2,}/?")


class Stand:
    """An open bundle.

    Attributes:
        engine: answers in rows.
        shelf: what lists say of tracks.
        version: name of the bundle's folder.
        tag: the entity tag of all that it answers.
    """

    def __init__(self, folder: Path, library: Library, settings: Settings) -> None:
        self.engine, self.settings = Engine(folder), settings
        self.version = folder.name
        self.tag = f'"{__version__}-{folder.name}"'
        with ThreadPoolExecutor(1) as beside:  # both are mostly reading, of which neither waits for the other
            opened = beside.submit(self._open_index)
            self.shelf = Shelf(folder / "tracks.parquet", self.engine.tracks.ids, library)
            opened.result()
        self._filters: dict[tuple[str | None, str | None], NDArray[np.bool_]] = {}
        self._lock = Lock()

    def _open_index(self) -> None:
        if (self.engine.folder / "index").is_dir():
            self.engine.index.threads = 1  # requests share the processors, a single one needs but one

    @property
    def tracks(self) -> IdMap:
        """Ids of the tracks."""
        return self.engine.tracks

    @cached_property
    def desk(self) -> Desk:
        """Where playlists are made; no ledger is kept here."""
        return Desk(self.engine, now=float(self.engine.listening.newest or 0))

    def prepare(self) -> None:
        """Read what recommendations need as well, so that the first is as quick as the others."""
        with self._lock:
            if len(self.engine.users) and self.engine.facts.get("chosen"):
                self.engine.explain(self.engine.histories[:1], 1, rows=np.zeros(1, np.int32))

    # ---- ids ----

    def row(self, track: str) -> int:
        """The row of a track.

        Raises:
            UnknownId: there is none of this id; with those that stand beside it in the order of ids.
        """
        return _row(self.tracks, track, "track")

    def rows(self, tracks: Sequence[str]) -> Rows:
        """The rows of some tracks, each once, in order."""
        return np.array([*dict.fromkeys(self.row(track) for track in tracks)], np.int32)

    def user(self, user: str) -> int:
        """The row of a listener.

        Raises:
            UnknownId: nobody of this id; no other listener is named.
        """
        found = self.engine.users.rows([user], missing="mark")
        if found[0] < 0:
            raise UnknownId("user", user)
        return int(found[0])

    # ---- filters ----

    def allow(self, where: str | None, mood: str | None = None) -> NDArray[np.bool_] | None:
        """Tracks for which a filter holds and that have a mood, bool (tracks,); None = all.

        Raises:
            DataError: a filter or a mood that can't be read, or nothing here tells moods.
        """
        if where is None and mood is None:
            return None
        found = self._filters.get((where, mood))
        if found is None:
            catalogue = self.engine.catalogue
            found = catalogue.where(narrowed(catalogue.frame, where, mood) or "")
            with self._lock:
                while len(self._filters) >= FILTERS:
                    self._filters.pop(next(iter(self._filters)))
                self._filters[where, mood] = found
        return found

    def scrubbed(self, text: str) -> str:
        """A message on one line that names no folder of this machine."""
        for folder in (self.engine.folder, self.engine.folder.parent):
            text = text.replace(str(folder), "this bundle")
        return scrubbed(text)


def scrubbed(text: str) -> str:
    """A message on one line, without anything that looks like a path.

    >>> scrubbed("no file /srv/music/a.ogg; give another")
    'no file …; give another'
    """
    return " ".join(PATH.sub("…", text).split())[:500]


def _row(ids: IdMap, found: str, noun: str) -> int:
    row = int(ids.rows([found], missing="mark")[0])
    if row < 0:
        raise UnknownId(noun, found, _beside(ids, found))
    return row


def _beside(ids: IdMap, found: str) -> list[Any]:
    """Ids next to where one would stand, by the longest common beginning."""
    if not len(ids) or ids.integer:
        return []
    place = bisect.bisect_left(ids.ids, found)
    near = [str(one) for one in ids.ids[max(0, place - NEAREST) : place + NEAREST]]
    return sorted(near, key=lambda one: -_common(one, found))[:NEAREST]


def _common(first: str, second: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
