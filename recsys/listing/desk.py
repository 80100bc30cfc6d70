"""What lists are made from: an engine, the time, the ledger; and listeners, alone or as a household."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import nearby
from recsys.contracts import Floats, Rows, VectorRecommender
from recsys.engine import Engine
from recsys.errors import DataError, UnknownId
from recsys.index import Index
from recsys.playlists.facts import Facts
from recsys.playlists.goals import Likeness
from recsys.playlists.ledger import Ledger
from recsys.playlists.memory import Memory
from recsys.retrieval import top_lists
from recsys.sources.matching import Matcher, normalised
from recsys.tables import TopK
from recsys.tables.predicted import is_predicted

Mask = NDArray[np.bool_]
SOME = 20  # columns that a message names


@dataclass(frozen=True, eq=False)
class Listener:
    """Whom a list is for.

    Attributes:
        ids: their ids; several for a household, none when the list is for nobody in particular.
        history: what they played, weights added, CSR (1, tracks).
        row: the trained listener, −1 for a household or nobody.
        last: when each entry of ``history`` was last heard, Unix seconds, float64 (nnz,); None without times.
    """

    ids: tuple[Any, ...]
    history: sp.csr_array
    row: int = -1
    last: NDArray[np.float64] | None = None

    @property
    def name(self) -> str:
        """Their ids as one text; "" for nobody."""
        return " + ".join(map(str, self.ids))

    @property
    def heard(self) -> Rows:
        """Track rows they have played."""
        return self.history.indices


class Desk:
    """An engine with all that making lists needs besides; made once, used for many lists.

    Args:
        now: Unix seconds: lists are made as of then.
        ledger: what was listed and heard before; None = nothing is remembered.
        folder: where playlist files named in recipes are looked for.
    """

    def __init__(self, engine: Engine, *, now: float, ledger: Ledger | None = None, folder: Path = Path()) -> None:
        self.engine, self.now, self.ledger, self.folder = engine, now, ledger, folder

    def at(self, now: float) -> Desk:
        """The same as of another time; what is read already is shared."""
        other = copy(self)
        other.now = now
        return other

    @cached_property
    def facts(self) -> Facts:
        """What is known of each track."""
        return Facts(self.engine.catalogue)

    @cached_property
    def index(self) -> Index:
        """Track vectors."""
        return self.engine.index

    @cached_property
    def matcher(self) -> Matcher:
        """Finds the tracks of foreign playlists."""
        return Matcher(self.engine.tracks, self.engine.catalogue)

    @cached_property
    def weights(self) -> dict[str, float]:
        """Blocks that tracks are compared by."""
        return nearby.weights(self.index, "hybrid", 0.5)

    @cached_property
    def likeness(self) -> Likeness | None:
        """Likeness of tracks by taste and content; None without vectors."""
        if not (self.engine.folder / "index").is_dir():
            return None
        return nearby.likeness(self.index, self.weights)

    @cached_property
    def _artists(self) -> dict[str, int]:
        names = self.engine.catalogue.values("artist")
        codes = self.engine.catalogue.artists
        return {normalised(name): int(code) for name, code in zip(names, codes, strict=True) if isinstance(name, str)}

    # ---- listeners ----

    def nobody(self) -> Listener:
        """No listener in particular."""
        return Listener((), sp.csr_array((1, len(self.engine.tracks)), dtype=np.float32))

    def listener(self, *ids: Any) -> Listener:
        """One trained listener, or several as one: histories added, the last time of any of them counts.

        Raises:
            UnknownId: a listener that the engine was not trained on.
        """
        rows = self.engine.users.rows(list(ids))
        names = tuple(self.engine.users.at(rows).tolist())
        if len(rows) == 1:
            return Listener(names, self.engine.histories[rows], int(rows[0]), self._last(int(rows[0])))
        history = sp.csr_array(self.engine.histories[rows].sum(axis=0).reshape(1, -1))
        return Listener(names, history, -1, self._last_of_any(rows, history.indices))

    def _last(self, row: int) -> NDArray[np.float64] | None:
        listening = self.engine.listening
        if listening.last is None:
            return None
        start, end = listening.histories.indptr[row : row + 2]
        return np.asarray(listening.last[start:end], np.float64)

    def _last_of_any(self, rows: Rows, tracks: Rows) -> NDArray[np.float64] | None:
        if self.engine.listening.last is None:
            return None
        last = np.full(len(self.engine.tracks), -np.inf)
        indptr = self.engine.histories.indptr
        for start, end in zip(indptr[rows], indptr[rows + 1], strict=True):
            np.maximum.at(last, self.engine.histories.indices[start:end], self.engine.listening.last[start:end])
        return last[tracks]

    def memory(self, who: Listener) -> Memory | None:
        """What the ledger remembers of them; None without a ledger."""
        if self.ledger is None:
            return None
        rows = self.ledger.read(listeners=[*map(str, who.ids)] or [""], until=self.now)
        return Memory.of(rows, self.engine.tracks, self.now)

    # ---- tracks ----

    def rows(self, ids: Sequence[Any]) -> Rows:
        """Track rows of ids; "Artist - Title" and paths will do where they are certain.

        Raises:
            UnknownId: what is no track.
        """
        found = self.engine.tracks.rows(list(ids), missing="mark")
        for place in np.flatnonzero(found < 0).tolist():
            found[place] = self._named(str(ids[place]))
            if found[place] < 0:
                raise UnknownId("track", ids[place], self.engine.tracks.nearest(ids[place]))
        return found

    def _named(self, text: str) -> int:
        from recsys.sources.playlist_entries import Entry

        artist, dash, title = text.partition(" - ")
        entry = Entry(1, [], [text], title.strip(), artist.strip()) if dash else Entry(1, [], [text])
        return self.matcher.row(entry)

    def artists(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Codes of artists by name.

        Raises:
            UnknownId: nobody of that name.
        """
        for name in names:
            if normalised(name) not in self._artists:
                raise UnknownId("artist", name, _near(name, self.engine.catalogue.values("artist")))
        return np.array([self._artists[normalised(name)] for name in names], np.int32)

    def trait(self, *names: str) -> tuple[str, Floats]:
        """The first of some numeric columns that the catalogue has, and its values, (tracks,).

        Raises:
            DataError: none of them is there.
        """
        for name in names:
            values = self.facts.number(name)
            if np.isfinite(values).any():
                return name, values
        several = [name for name in self.numbers if not is_predicted(name, self.engine.catalogue.frame)]
        there = ", ".join(several[:SOME]) + (", …" if len(several) > SOME else "") or "none"
        raise DataError(f"no track has {' or '.join(names)}; the catalogue has numbers for: {there}{SOUND}")

    def knows(self, *names: str) -> bool:
        """Whether any track has one of some numbers."""
        return any(np.isfinite(self.facts.number(name)).any() for name in names)

    @cached_property
    def numbers(self) -> list[str]:
        """Columns with numbers."""
        frame = self.engine.catalogue.frame
        return [str(name) for name in frame if frame[name].dtype.kind in "fiu" and frame[name].notna().any()]

    # ---- scores ----

    def lists(self, histories: sp.csr_array, k: int, *, rows: Rows | None = None, **options: Any) -> TopK:
        """The best tracks for histories by the engine's model."""
        return top_lists(self.engine.model, histories, k, users=rows, **options)

    def scores(self, who: Listener, rows: Rows) -> Floats:
        """What the model thinks of some tracks for a listener, (rows,); popularity for nobody."""
        if not who.history.nnz:
            return self.engine.listeners[rows]
        model, users = self.engine.model, np.array([who.row], np.int32)
        if isinstance(model, VectorRecommender):
            return model.item_vectors()[rows] @ model.user_vectors(who.history, users)[0]
        return model.scores(who.history, users)[0, rows]


SOUND = "; sound can be analysed (recsys analyze), or a table of tracks can bring the column"


def _near(name: str, known: NDArray[Any]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, sorted({one for one in known if isinstance(one, str)}), n=3)
