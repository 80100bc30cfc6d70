"""Numbers about a listener and a candidate that a ranker learns from; a later kind is one more function.

Conventions:
    * A feature is a function from a ``Scene`` to one number per candidate, NaN where it can't be known.
    * It names the facts about tracks that it needs; where they are missing it is left out.
    * It belongs to a part of a reason: "popularity", "content" or "collaborative".
    * What members say of the candidates (score and rank) needs no function; every ranker has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats
from recsys.ranking.candidates import artist_share
from recsys.ranking.likeness import NEAREST, latest_likeness, likeness
from recsys.ranking.scenes import DEEPEST, Facts, Scene

Make = Callable[[Scene], NDArray[Any]]
TIMES = "trend"  # a fact that is there where plays have times


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


@feature("age against usual", "popularity", "age")
def _age_against_usual(scene: Scene) -> NDArray[Any]:
    """How much older a track is than what the listener plays."""
    return _against(scene, "age")


@feature("trend against usual", "popularity", "trend")
def _trend_against_usual(scene: Scene) -> NDArray[Any]:
    return _against(scene, "trend")


@feature("returns", "popularity", "returns")
def _returns(scene: Scene) -> NDArray[Any]:
    """How often listeners come back to a track."""
    return scene.fact("returns")


@feature("returns against usual", "popularity", "returns")
def _returns_against_usual(scene: Scene) -> NDArray[Any]:
    return _against(scene, "returns")


def _against(scene: Scene, fact: str) -> NDArray[Any]:
    """How much larger a fact is than in the listener's history."""
    return np.asarray(scene.fact(fact) - scene.usual(scene.facts[fact])[scene.owner])


@feature("artist share", "content", "artist")
def _artist_share(scene: Scene) -> NDArray[Any]:
    artist = scene.fact("artist")
    share = artist_share(scene.histories, scene.facts["artist"])
    found = np.asarray(share[scene.owner, np.maximum(artist, 0)]).ravel()
    return np.where(artist >= 0, found, np.nan)


@feature("artist lately", "content", "artist", TIMES)
def _artist_lately(scene: Scene) -> NDArray[Any]:
    """Share of the latest plays by the same artist."""
    artist, latest = scene.fact("artist"), scene.latest[scene.owner]
    same = (scene.facts["artist"][latest] == artist[:, None]) & (latest >= 0)
    count = (latest >= 0).sum(axis=1)
    return np.where((artist >= 0) & (count > 0), same.sum(axis=1) / np.maximum(count, 1), np.nan)


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
    """Cosines with the nearest play, and the means of the nearest few, of the strongest few and of the latest few."""
    feature(f"{space} latest {NEAREST}", part, space, TIMES)(partial(latest_likeness, space=space))
    for place, word in enumerate(("nearest", f"nearest {NEAREST}", f"strongest {NEAREST}")):
        feature(f"{space} {word}", part, space)(partial(_likeness_at, space, place))


def _likeness_at(space: str, place: int, scene: Scene) -> NDArray[Any]:
    return likeness(scene, space)[:, place]


_register_likeness("taste", "collaborative")
_register_likeness("content", "content")
