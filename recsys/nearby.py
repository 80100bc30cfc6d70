"""A track row in, its neighbours under rules out: filters inside the search, artist caps, other albums only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.contracts import Rows
from recsys.errors import DataError
from recsys.index import Index
from recsys.tables import Catalogue

WAYS = ("hybrid", "collaborative", "content")
WORDS = {"collaborative": "heard by the same listeners", "content": "alike in content"}


class Near(NamedTuple):
    """Track rows, best first, and their scores; both (k,)."""

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


def weights(index: Index, by: str, taste: float) -> dict[str, float]:
    """Block weights of a way to compare; a hybrid takes what there is.

    Raises:
        DataError: no such way, or a space that this bundle does not have.
    """
    if by not in WAYS:
        raise DataError(f"by {by!r}; expected one of {', '.join(WAYS)}")
    wanted = {"collaborative": taste, "content": 1 - taste} if by == "hybrid" else {by: 1.0}
    there = {name: weight for name, weight in wanted.items() if name in index.blocks}
    if not there:
        raise DataError(f"this bundle has no {by} space; it has {', '.join(index.blocks) or 'none'}")
    return there if sum(there.values()) > 0 else dict.fromkeys(there, 1.0)


def neighbours(
    index: Index,
    catalogue: Catalogue,
    row: int,
    n: int,
    *,
    weights: dict[str, float],
    allow: Rows | None = None,
    max_per_artist: int | None = None,
    not_same_album: bool = False,
) -> Near:
    """The ``n`` nearest tracks that the rules allow; fewer only when no more exist."""
    exclude = album_mates(catalogue, row)[None, :] if not_same_album else None
    ask = n if max_per_artist is None else 4 * n
    while True:
        lists = index.neighbours(np.array([row]), ask, weights=weights, allow=allow, exclude=exclude)
        rows, scores = lists.rows[0][: lists.lengths[0]], lists.scores[0][: lists.lengths[0]]
        kept = first_of_each(catalogue.artists[rows], max_per_artist)
        if len(kept) >= n or len(rows) < ask:
            return Near(rows[kept][:n], scores[kept][:n])
        ask *= 4


def first_of_each(artists: NDArray[np.int32], most: int | None) -> NDArray[np.intp]:
    """Places of the first ``most`` of each artist, in order; unknown artists (−1) are not limited.

    >>> first_of_each(np.array([4, 4, 4, -1, -1, 7]), 1).tolist()
    [0, 3, 4, 5]
    """
    if most is None:
        return np.arange(len(artists))
    place = pd.Series(artists).groupby(artists).cumcount().to_numpy()
    return np.flatnonzero((place < most) | (artists < 0))


def album_mates(catalogue: Catalogue, row: int) -> Rows:
    """All tracks of the same album, if it is known."""
    albums = catalogue.albums
    return np.flatnonzero((albums == albums[row]) & (albums >= 0)).astype(np.int32)


def alike(index: Index, catalogue: Catalogue, row: int, other: int, by: str) -> str:
    """Why two tracks are neighbours: the cosine in each space, and whether the artist is the same."""
    spaces = [name for name in (WORDS if by == "hybrid" else [by]) if name in index.blocks]
    parts = []
    for name in spaces:
        mine, theirs = index.vectors(name, [row, other])
        parts.append(f"{WORDS[name]} ({float(mine @ theirs):.2f})")
    same = catalogue.artists[row] == catalogue.artists[other] and catalogue.artists[row] >= 0
    return "; ".join([*parts, *(["same artist"] if same else [])])
