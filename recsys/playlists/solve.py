"""A pool, rules and goals in, a playlist out: the door of the solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.goals import Goals
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Relaxed, Rules


@dataclass(frozen=True, eq=False)
class Playlist:
    """Tracks in playing order.

    Attributes:
        rows: int32, (n,), each once.
        scores: the candidates' scores, float32, (n,); NaN for a track that was asked for and is no candidate.
        seconds: total length, unknown lengths counted as typical; None when none of the list is known.
        relaxed: what could not be kept, by how much, and what would help; empty when every rule holds.
        parts: each goal that counted, 0..1, and their weighted mean as ``objective``.
        notes: what else should be known, such as lengths that are guessed.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    seconds: float | None
    relaxed: tuple[Relaxed, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


def solve(pool: Pool, rules: Rules | None = None, goals: Goals | None = None, *, seed: int = 0) -> Playlist:
    """The best list of a pool: every rule holds if any list can keep them all, else the answer says which gave way.

    The tracks are chosen exactly by relevance under the rules (mixed-integer programme), put in an order that keeps
    the gaps, and then chosen and ordered together by simulated annealing on the whole objective. Equal seeds give
    equal lists.

    Raises:
        DataError: a fixed row or a mask that does not fit the catalogue.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue
    >>> songs = Catalogue(pd.DataFrame({"title": list("abcd"), "artist": ["Ann", "Ann", "Ann", "Bo"]}))
    >>> made = solve(Pool.of(songs, [0, 1, 2, 3], [.9, .8, .7, .6]), Rules(tracks=2, max_per_artist=1))
    >>> sorted(made.rows.tolist()), made.relaxed
    ([0, 3], ())
    """
    rules, goals = rules or Rules(), goals or Goals()
    raise NotImplementedError
