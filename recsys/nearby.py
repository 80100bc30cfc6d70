"""Seeds in, their neighbours under rules out: filters inside the search, artist caps, other albums only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.contracts import Rows
from recsys.errors import DataError
from recsys.index import Index
from recsys.tables import Catalogue

MELODY = "melody"  # no space: melodies are aligned, see ``recsys.producers.melody``
HARMONY = "harmony"  # the space of the harmony.parquet that transcribe writes
WAYS = ("hybrid", "collaborative", "content", "sound", HARMONY, MELODY)
WORDS = {
    "collaborative": "heard by the same listeners",
    "content": "alike in content",
    "sound": "alike in sound",
    HARMONY: "alike in harmony",
}
AWAY = 0.5  # what a track to keep away from weighs against one to come near
Floats = NDArray[np.float32]
NONE = np.empty(0, np.int32)


class Seeds(NamedTuple):
    """What a search starts from.

    Attributes:
        name: what it is called in the answer.
        likes, unlikes: track rows to come near, and to keep away from; none of them is found.
        heard, unheard: the same for sounds that are no tracks: unit vectors of the space "sound".
        artists: codes of the artists of the sounds to come near, −1 where unknown.
        same: track rows that are those sounds again, as far as tags tell; not found either.
    """

    name: Any
    likes: Rows
    unlikes: Rows = NONE
    heard: Sequence[Floats] = ()
    unheard: Sequence[Floats] = ()
    artists: Sequence[int] = ()
    same: Rows = NONE

    @classmethod
    def track(cls, row: int) -> Seeds:
        """One track."""
        return cls(row, np.array([row], np.int32))

    @property
    def named(self) -> NDArray[Any]:
        """The name as an array (1,), a number as a number."""
        return np.array([self.name], None if isinstance(self.name, np.integer) else object)

    @property
    def outside(self) -> bool:
        """Whether any of them is no track."""
        return bool(self.heard or self.unheard)

    @property
    def rows(self) -> Rows:
        """All that are tracks, or are the same as one."""
        return np.concatenate([self.likes, self.unlikes, self.same])

    def query(self, index: Index, space: str) -> Floats:
        """The mean of what to come near less a part of the mean of what to keep away from, of length 1 or 0, (1, d)."""
        if len(self.likes) == 1 and not (len(self.unlikes) or self.outside):
            return index.vectors(space, self.likes)  # of length 1 or 0 already
        near = _mean([*index.vectors(space, self.likes), *self.heard], index.blocks[space])
        away = _mean([*index.vectors(space, self.unlikes), *self.unheard], index.blocks[space])
        made = near - np.float32(AWAY) * away if near.any() else near
        return (made / max(float(np.linalg.norm(made)), 1e-30))[None, :].astype(np.float32)


def _mean(vectors: Sequence[Floats], dimensions: int) -> Floats:
    """The mean direction of the vectors that are known."""
    known = [vector for vector in vectors if vector.any()]
    return np.mean(known, axis=0, dtype=np.float32) if known else np.zeros(dimensions, np.float32)


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
    seeds: Seeds,
    n: int,
    *,
    weights: Mapping[str, float],
    allow: Rows | None = None,
    max_per_artist: int | None = None,
    not_same_album: bool = False,
    collapse: bool = False,
) -> Near:
    """The ``n`` nearest tracks that the rules allow; fewer only when no more exist."""
    mates = [album_mates(catalogue, row) for row in seeds.likes] if not_same_album else []
    once = catalogue.codes("recording") if collapse and "recording" in catalogue.frame else None
    if once is not None:
        mates += [np.flatnonzero((once == once[row]) & (once >= 0)).astype(np.int32) for row in seeds.likes]
    exclude = np.unique(np.concatenate([seeds.rows, *mates])).astype(np.int32)[None, :]
    queries = {space: seeds.query(index, space) for space in weights}
    ask = n if max_per_artist is None and once is None else 4 * n
    while True:
        lists = index.search(queries, ask, weights=weights, allow=allow, exclude=exclude)
        rows, scores = lists.rows[0][: lists.lengths[0]], lists.scores[0][: lists.lengths[0]]
        single = np.arange(len(rows)) if once is None else first_of_each(once[rows], 1)
        kept = single[first_of_each(catalogue.artists[rows[single]], max_per_artist)]
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


def likeness(index: Index, weights: Mapping[str, float]) -> Callable[[Rows, Rows], Floats]:
    """A function of two sets of track rows, (a,) and (b,), to the likeness of each pair, (a, b)."""

    def alike(first: Rows, second: Rows) -> Floats:
        pairs = ((w, index.vectors(b, first), index.vectors(b, second)) for b, w in weights.items())
        return np.sum([w * (mine @ theirs.T) for w, mine, theirs in pairs], axis=0, dtype=np.float32)

    return alike


def album_mates(catalogue: Catalogue, row: int) -> Rows:
    """All tracks of the same album, if it is known."""
    albums = catalogue.albums
    return np.flatnonzero((albums == albums[row]) & (albums >= 0)).astype(np.int32)


def alike(index: Index, catalogue: Catalogue, seeds: Seeds, other: int, spaces: Mapping[str, float]) -> str:
    """Why a track is near: the cosine in each space, and whether the artist is the same."""
    return "; ".join(likenesses(index, catalogue.artists, seeds, [other], spaces)[0])


def likenesses(
    index: Index, artists: NDArray[np.int32], seeds: Seeds, others: Sequence[int] | Rows, spaces: Mapping[str, float]
) -> list[list[str]]:
    """Why each of some tracks is near, part by part; ``artists`` are the codes of all tracks, (tracks,)."""
    cosines = [(WORDS[name], index.vectors(name, others) @ seeds.query(index, name)[0]) for name in spaces]
    own = {*artists[seeds.likes].tolist(), *seeds.artists} - {-1}
    found = []
    for place, artist in enumerate(artists[np.asarray(others, np.int64)].tolist()):
        parts = [f"{words} ({near[place]:.2f})" for words, near in cosines]
        found.append([*parts, "same artist"] if artist in own else parts)
    return found
