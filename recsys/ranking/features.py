"""Numbers about a listener and a candidate that a ranker learns from; a later kind is one more function.

Conventions:
    * A feature is a function from a ``Scene`` to one number per candidate, NaN where it can't be known.
    * It names the facts about tracks that it needs; where they are missing it is left out.
    * It belongs to a part of a reason: "popularity", "content" or "collaborative".
    * What members say of the candidates (score and rank) needs no function; every ranker has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories
from recsys.ranking.candidates import Candidates, artist_share

if TYPE_CHECKING:
    from recsys.tables import Dataset

Facts = Mapping[str, NDArray[Any]]
LONGEST = 64  # plays of a history that candidates are compared with, strongest first
NEAREST = 5
DEEPEST = 150  # ranks beyond this are all the same
MOODS = ("energy", "valence", "arousal", "danceability", "acousticness", "loudness")
LATE = 0.1  # last share of all plays that a trend looks at
DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Scene:
    """What features are made from.

    Attributes:
        histories: CSR (q, tracks).
        candidates: the tracks to rank.
        scores: standardised scores of each member, float32 (members, n).
        ranks: places in each member's list, from 0, at most ``DEEPEST``, (members, n).
        facts: arrays about tracks by name, first axis tracks.
    """

    histories: Histories
    candidates: Candidates
    scores: Floats
    ranks: Floats
    facts: Facts

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The listener of each candidate, (n,)."""
        return self.candidates.owner

    @cached_property
    def length(self) -> NDArray[np.int64]:
        """Tracks in each history, (q,)."""
        return np.diff(self.histories.indptr)

    @cached_property
    def strongest(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Starts (q + 1,) and rows of the strongest plays of each history, strongest first."""
        few = strongest(self.histories, LONGEST)
        return few.indptr.astype(np.int64), few.indices.astype(np.int32)

    def fact(self, name: str) -> NDArray[Any]:
        """A fact of each candidate, (n, …)."""
        return self.facts[name][self.candidates.rows]

    def usual(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Mean over each history of a number per track, NaN where none of its tracks has one, (q,)."""
        known = np.isfinite(values[self.histories.indices])
        owner = np.repeat(np.arange(self.histories.shape[0]), self.length)[known]
        size = self.histories.shape[0]
        count = np.bincount(owner, minlength=size)
        total = np.bincount(owner, values[self.histories.indices][known], minlength=size)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def strongest(histories: Histories, most: int) -> sp.csr_array:
    """The ``most`` largest entries of each row, largest first, CSR of the same shape."""
    length = np.diff(histories.indptr)
    owner = np.repeat(np.arange(histories.shape[0]), length)
    order = np.lexsort((histories.indices, -histories.data, owner))
    kept = order[np.arange(len(order)) - histories.indptr[owner] < most]
    starts = np.r_[0, np.cumsum(np.minimum(length, most))]
    return sp.csr_array((histories.data[kept], histories.indices[kept], starts), shape=histories.shape)


Make = Callable[[Scene], NDArray[Any]]


@dataclass(frozen=True)
class Feature:
    """A registered function and what it needs."""

    name: str
    part: str
    needs: tuple[str, ...]
    make: Make


FEATURES: dict[str, Feature] = {}


def feature(name: str, part: str, *needs: str) -> Callable[[Make], Make]:
    """Register a function; rankers that are learned from now on use it where the facts it needs exist."""

    def register(make: Make) -> Make:
        FEATURES[name] = Feature(name, part, needs, make)
        return make

    return register


def possible(facts: Facts) -> list[str]:
    """Names of the features that these facts allow.

    >>> possible({"tempo": np.ones(3)})
    ['length', 'votes', 'tempo']
    """
    return [f.name for f in FEATURES.values() if all(need in facts for need in f.needs)]


def columns(members: Sequence[str], names: Iterable[str]) -> list[tuple[str, str]]:
    """Name and part of each column of ``table``."""
    said = [(f"{kind} {member}", member) for kind in ("score", "rank") for member in members]
    return said + [(name, FEATURES[name].part) for name in names]


def table(scene: Scene, names: Iterable[str]) -> Floats:
    """Scores, ranks and the named features of all candidates, float32 (n, columns)."""
    made = [np.asarray(FEATURES[name].make(scene), np.float32) for name in names]
    return np.column_stack([*scene.scores, *-np.log1p(scene.ranks), *made]).astype(np.float32)


def facts_of(dataset: Dataset, spaces: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    """What is known about tracks: plays, age and trend if there are times, artist, tempo, key, mood, and ``spaces``.

    Args:
        spaces: vectors of tracks of length 1 or 0, each (tracks, d); "taste" and "content" are looked at.
    """
    histories = dataset.histories()
    plays = np.bincount(histories.indices, minlength=histories.shape[1]).astype(np.float32)
    weight = np.bincount(histories.indices, histories.data, minlength=histories.shape[1]) / np.maximum(plays, 1)
    frame = dataset.catalogue.frame
    found: dict[str, NDArray[Any]] = {"plays": plays, "weight": np.log1p(weight).astype(np.float32), **spaces}
    if (dataset.catalogue.artists >= 0).any():
        found["artist"] = dataset.catalogue.artists
    if dataset.plays.time is not None and len(dataset.plays):
        found |= _times(dataset)
    if "tempo" in frame:
        found["tempo"] = np.log2(np.where(_number(frame["tempo"]) > 0, _number(frame["tempo"]), np.nan))
    if "key" in frame:
        found["key"] = dataset.catalogue.codes("key")
    moods = [_number(frame[name]) for name in MOODS if name in frame]
    moods = [_standard(mood) for mood in moods if np.isfinite(mood).any()]
    return found | ({"mood": np.column_stack(moods).astype(np.float32)} if moods else {})


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((values - np.nanmean(values)) / (np.nanstd(values) or 1), np.float32)


def _number(values: Any) -> NDArray[np.float32]:
    import pandas as pd

    return pd.to_numeric(values, errors="coerce").to_numpy(np.float32)


def _times(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """Days since a track was first played, and how much larger its share of late plays is than of all, logs."""
    plays, time = dataset.plays, dataset.plays.time
    assert time is not None
    size = len(plays.tracks)
    first = np.full(size, float(time.max()))
    np.minimum.at(first, plays.track, time)
    late = time >= np.quantile(time, 1 - LATE)
    recent, every = (np.bincount(t, minlength=size) for t in (plays.track[late], plays.track))
    trend = np.log((recent + 1) / (late.mean() * every + 1))
    age = np.log1p((time.max() - first) / DAY)
    return {"age": np.where(every > 0, age, np.nan).astype(np.float32), "trend": trend.astype(np.float32)}


@feature("length", "popularity")
def _length(scene: Scene) -> NDArray[Any]:
    return np.log1p(scene.length)[scene.owner]


@feature("votes", "popularity")
def _votes(scene: Scene) -> NDArray[Any]:
    return (scene.ranks < min(100, DEEPEST)).sum(axis=0)


@feature("plays", "popularity", "plays")
def _plays(scene: Scene) -> NDArray[Any]:
    return np.log1p(scene.fact("plays"))


@feature("usual plays", "popularity", "plays")
def _usual_plays(scene: Scene) -> NDArray[Any]:
    return scene.usual(np.log1p(scene.facts["plays"]))[scene.owner]


@feature("plays against usual", "popularity", "plays")
def _against_usual(scene: Scene) -> NDArray[Any]:
    return _plays(scene) - _usual_plays(scene)


@feature("plays per listener", "popularity", "weight")
def _weight(scene: Scene) -> NDArray[Any]:
    return scene.fact("weight")


@feature("age", "popularity", "age")
def _age(scene: Scene) -> NDArray[Any]:
    return scene.fact("age")


@feature("trend", "popularity", "trend")
def _trend(scene: Scene) -> NDArray[Any]:
    return scene.fact("trend")


@feature("artist share", "content", "artist")
def _artist_share(scene: Scene) -> NDArray[Any]:
    artist = scene.fact("artist")
    share = artist_share(scene.histories, scene.facts["artist"])
    found = np.asarray(share[scene.owner, np.maximum(artist, 0)]).ravel()
    return np.where(artist >= 0, found, np.nan)


@feature("tempo", "content", "tempo")
def _tempo(scene: Scene) -> NDArray[Any]:
    """Octaves between a track and the usual tempo of the history, double and half counting as the same."""
    apart = scene.fact("tempo") - scene.usual(scene.facts["tempo"])[scene.owner]
    return np.abs(apart - np.round(apart))


@feature("key", "content", "key")
def _key(scene: Scene) -> NDArray[Any]:
    """Share of the history in the same key."""
    key = scene.fact("key")
    found = np.asarray(artist_share(scene.histories, scene.facts["key"])[scene.owner, np.maximum(key, 0)]).ravel()
    return np.where(key >= 0, found, np.nan)


@feature("mood", "content", "mood")
def _mood(scene: Scene) -> NDArray[Any]:
    """Distance from the usual mood of the history, in deviations."""
    moods = scene.facts["mood"]
    usual = np.column_stack([scene.usual(column) for column in moods.T])
    gaps = np.abs(moods[scene.candidates.rows] - usual[scene.owner])
    known = np.isfinite(gaps)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, gaps, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _register_likeness(space: str, part: str) -> None:
    """Cosines with the nearest play, the mean of the nearest few, and the mean of the strongest few."""
    for place, word in enumerate(("nearest", f"nearest {NEAREST}", f"strongest {NEAREST}")):
        feature(f"{space} {word}", part, space)(partial(_likeness_at, space, place))


def _likeness_at(space: str, place: int, scene: Scene) -> NDArray[Any]:
    return likeness(scene, space)[:, place]


def likeness(scene: Scene, space: str) -> Floats:
    """Cosines of each candidate with a history: largest, mean of the largest few, of the strongest few, (n, 3)."""
    kept = scene.__dict__.setdefault("_likeness", {})
    if space not in kept:
        starts, rows = scene.strongest
        found = np.zeros((len(scene.candidates.rows), 3), np.float32)
        vectors = np.asarray(scene.facts[space], np.float32)
        _compare(*scene.candidates, starts, rows, vectors, NEAREST, found)
        kept[space] = found
    return kept[space]


_register_likeness("taste", "collaborative")
_register_likeness("content", "content")


@numba.njit(cache=True, parallel=True, nogil=True, fastmath=True)
def _compare(starts: Any, rows: Any, own_starts: Any, own_rows: Any, vectors: Any, few: Any, found: Any) -> None:
    for listener in numba.prange(len(starts) - 1):
        mine = own_rows[own_starts[listener] : own_starts[listener + 1]]
        if len(mine) == 0:
            continue
        cosines = np.empty(len(mine), np.float32)
        taken = min(few, len(mine))
        for place in range(starts[listener], starts[listener + 1]):
            target = vectors[rows[place]]
            for other in range(len(mine)):
                total = np.float32(0)
                source = vectors[mine[other]]
                for d in range(vectors.shape[1]):
                    total += target[d] * source[d]
                cosines[other] = total
            strongest = np.float32(0)
            for other in range(taken):
                strongest += cosines[other]
            ordered = np.sort(cosines)
            nearest = np.float32(0)
            for other in range(taken):
                nearest += ordered[len(mine) - 1 - other]
            found[place, 0], found[place, 1], found[place, 2] = ordered[-1], nearest / taken, strongest / taken
