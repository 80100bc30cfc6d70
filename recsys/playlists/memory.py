"""One listener's part of the ledger in track rows: what was listed lately, how often in vain, what is due again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.playlists.ledger import DAY, LISTED, PLAYED, SKIPPED
from recsys.tables import IdMap

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
NEVER = -np.inf


@dataclass(frozen=True, eq=False)
class Memory:
    """What the ledger remembers of one listener before ``now``.

    Attributes:
        rows: the listener's rows of the ledger, with a column ``row``: the track row, never −1.
        tracks: how many tracks the catalogue has.
        now: Unix seconds.

    >>> from recsys.playlists.ledger import listed
    >>> rows = pd.concat([listed("ann", "mix", ["a", "b"], time=0), listed("ann", "mix", ["b", "c"], time=DAY)])
    >>> memory = Memory.of(rows, IdMap(["a", "b", "c"]), now=2 * DAY)
    >>> memory.on_last("mix", 1).tolist(), memory.within(1.5).tolist()
    ([False, True, True], [False, True, True])
    """

    rows: pd.DataFrame
    tracks: int
    now: float

    @classmethod
    def of(cls, rows: pd.DataFrame, tracks: IdMap, now: float) -> Memory:
        """Rows of the ledger of one listener, whatever of them lies before ``now`` and is still a track."""
        rows = rows[rows["time"] < now]
        found = tracks.rows(rows["track"].tolist(), missing="mark") if len(rows) else np.empty(0, np.int32)
        return cls(rows.assign(row=found)[found >= 0], len(tracks), now)

    def on_last(self, name: str, lists: int) -> NDArray[np.bool_]:
        """Tracks that stood on any of the last lists of this name, (tracks,)."""
        mine = self._listed(name)
        times = np.unique(mine["time"])[-lists:] if lists else mine["time"].to_numpy()[:0]
        return self._mask(mine.loc[mine["time"].isin(times), "row"].to_numpy())

    def within(self, days: float) -> NDArray[np.bool_]:
        """Tracks on any list of the last days, (tracks,)."""
        mine = self._listed()
        return self._mask(mine.loc[mine["time"] >= self.now - days * DAY, "row"].to_numpy())

    def fatigue(self, half_life: float = 14.0) -> Floats:
        """How tired the listener must be of each track, (tracks,), 0 = fresh.

        A listing counts 1, a skip 2 and a play takes 1 away, each fading by half in ``half_life`` days.
        """
        weight = self.rows["event"].map({LISTED: 1.0, SKIPPED: 2.0, PLAYED: -1.0}).to_numpy(np.float64)
        age = (self.now - self.rows["time"].to_numpy(np.float64)) / DAY
        counted = np.bincount(self.rows["row"], weight * 0.5 ** (age / half_life), minlength=self.tracks)
        return np.maximum(counted, 0).astype(np.float32)

    def last_listed(self, name: str | None = None) -> NDArray[np.float64]:
        """When each track was last on a list, −inf if never, (tracks,)."""
        mine = self._listed(name)
        times = np.full(self.tracks, NEVER)
        np.maximum.at(times, mine["row"].to_numpy(), mine["time"].to_numpy(np.float64))
        return times

    def due(self, name: str, among: NDArray[np.bool_], lists: int) -> Rows:
        """The tracks that have waited longest for this list, as many as make all come within ``lists`` lists."""
        rows = np.flatnonzero(among).astype(np.int32)
        order = np.lexsort((rows, self.last_listed(name)[rows]))
        return rows[order[: -(-len(rows) // lists)]]

    def _listed(self, name: str | None = None) -> pd.DataFrame:
        mine = self.rows[self.rows["event"] == LISTED]
        return mine if name is None else mine[mine["name"] == name]

    def _mask(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        made = np.zeros(self.tracks, bool)
        made[rows] = True
        return made


def overlap(new: Rows, before: NDArray[np.bool_]) -> float:
    """Share of a list that stood on earlier ones.

    >>> overlap(np.array([0, 1], np.int32), np.array([True, False]))
    0.5
    """
    return float(before[new].mean()) if len(new) else 0.0
