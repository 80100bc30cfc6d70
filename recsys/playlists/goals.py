"""What makes one list better than another that keeps the same rules.

Every goal is a number from 0 to 1, larger is better; the objective is their weighted mean:

==============  =========================================================================================
relevance       mean relevance of the tracks, where the best of the pool has 1 and the least 0
transitions     1 − mean step between neighbours (``recsys.playlists.transitions``)
diversity       mean unlikeness of all pairs of the list
familiarity     1 − distance of the share of familiar tracks from the share wished for
curve           1 − mean distance from the curves asked for, place by place
==============  =========================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

Rows = NDArray[np.int32]
Likeness = Callable[[Rows, Rows], NDArray[np.floating]]  # rows (a,) and (b,) to likeness (a, b), larger is closer
STEPS = {"tempo": 1.0, "key": 1.0, "energy": 0.5, "loudness": 1.0, "likeness": 0.5, "extra": 1.0}
POINT = re.compile(r"(\d+(?:\.\d+)?)%?:(-?\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True)
class Curve:
    """What a trait should do over the list, straight lines between points.

    Attributes:
        trait: a numeric fact of the tracks: energy, tempo, loudness, valence, arousal, year …
        points: (place from 0 = first to 1 = last track, target) in ascending order of places.
        absolute: targets are values of the trait; otherwise parts of the pool, 0 = its lowest track, 1 = its highest.

    Raises:
        DataError: no points, or places that are not ascending within 0..1, or shares outside 0..1.

    >>> Curve("energy", ((0, .2), (1, .8))).at(3).tolist()
    [0.2, 0.5, 0.8]
    """

    trait: str
    points: tuple[tuple[float, float], ...]
    absolute: bool = False

    def __post_init__(self) -> None:
        places = [place for place, _ in self.points]
        if not places or sorted(set(places)) != places or not 0 <= places[0] <= places[-1] <= 1:
            raise DataError(f"curve of {self.trait}: places {places}; expected ascending ones from 0 to 1")
        if not self.absolute and not all(0 <= target <= 1 for _, target in self.points):
            raise DataError(f"curve of {self.trait}: targets outside 0 %..100 %; leave % out for values of the trait")

    @classmethod
    def parse(cls, trait: str, text: str) -> Curve:
        """A curve written as place:target pairs; targets with % are parts of the pool, without it values.

        >>> Curve.parse("energy", "0:20% 50:90% 100:30%").points
        ((0.0, 0.2), (0.5, 0.9), (1.0, 0.3))
        >>> Curve.parse("tempo", "0:90 100:130").absolute
        True
        """
        found = [POINT.fullmatch(word) for word in text.replace(",", " ").split()]
        if not found or not all(found) or len({m[3] for m in found if m}) != 1:
            raise DataError(f'curve of {trait}: found {text!r}; expected e.g. "0:20% 50:90% 100:30%" or "0:90 100:130"')
        parts = [(float(m[1]) / 100, float(m[2]) / (100 if m[3] else 1)) for m in found if m]
        return cls(trait, tuple(parts), absolute=not all(m[3] for m in found if m))

    def at(self, tracks: int) -> NDArray[np.float64]:
        """The target at each of ``tracks`` places, (tracks,)."""
        places, targets = zip(*self.points, strict=True)
        return np.interp(np.linspace(0, 1, tracks), places, targets)


@dataclass(frozen=True)
class Goals:
    """Weights of the goals, 0 = not looked at. A goal about which the pool knows nothing drops out.

    Attributes:
        steps: what a transition is made of, weights of tempo, key, energy, loudness, likeness and extra.
        extra: a further badness of transitions, rows (a,) and (b,) to 0..1 (a, b): of the step from a to b.
        familiar: share of the list that should be familiar, 0..1.
        curves: what traits should do over the list; with equal weight among them.

    >>> Goals(transitions=0).weights["transitions"]
    0.0
    """

    relevance: float = 1.0
    transitions: float = 0.4
    diversity: float = 0.0
    familiarity: float = 0.0
    curve: float = 0.8
    steps: Mapping[str, float] = field(default_factory=lambda: dict(STEPS))
    extra: Likeness | None = None
    familiar: float = 1.0
    curves: tuple[Curve, ...] = ()

    def __post_init__(self) -> None:
        for name, weight in (*self.weights.items(), *self.steps.items()):
            if not 0 <= weight < float("inf"):
                raise DataError(f"goal {name} has weight {weight}; expected 0 or more")
        if not 0 <= self.familiar <= 1:
            raise DataError(f"familiar is {self.familiar}; expected a share of 0 to 1")

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each goal by name."""
        names = ("relevance", "transitions", "diversity", "familiarity", "curve")
        return {name: float(getattr(self, name)) for name in names}
