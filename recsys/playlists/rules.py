"""What a playlist must keep, and what is said when it can't.

Rules are hard: a list keeps them all whenever any list can. When none can, they give way one after another in the
order of ``Rules.order``, each as little as needed, and every one that did is a ``Relaxed`` in the answer.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsys.errors import DataError, did_you_mean

ORDER = (
    "album_gap",
    "artist_gap",
    "quotas",
    "max_per_album",
    "max_per_artist",
    "versions_once",
    "minutes",
    "tracks",
)  # the least important first
Mask = NDArray[np.bool_]
Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Quota:
    """How much of the list belongs to a set of tracks: a whole number counts tracks, a fraction is a share of the list.

    A share is rounded towards what can be kept: at least .3 of 50 is 15 tracks or more, at most .3 is 15 or fewer.

    Attributes:
        name: words for messages, such as "new".
        mask: the set, bool, one per track of the catalogue.
        at_least, at_most: int = number of tracks, float in 0..1 = share of the list; None = no bound.

    Raises:
        DataError: a bound out of range.

    >>> Quota("new", np.array([True, False]), at_least=0.3).bounds(50)
    (15, 50)
    """

    name: str
    mask: Mask
    at_least: int | float | None = None
    at_most: int | float | None = None

    def __post_init__(self) -> None:
        for word, bound in (("at_least", self.at_least), ("at_most", self.at_most)):
            if bound is not None and not (0 <= bound <= 1 if isinstance(bound, float) else bound >= 0):
                raise DataError(f"quota {self.name!r}: {word} is {bound}; expected a count or a share of 0.0 to 1.0")

    def bounds(self, tracks: int) -> tuple[int, int]:
        """The fewest and the most tracks of the set in a list of ``tracks``."""
        least, most = self.at_least or 0, tracks if self.at_most is None else self.at_most
        least = math.ceil(least * tracks - 1e-9) if isinstance(least, float) else least
        return least, math.floor(most * tracks + 1e-9) if isinstance(most, float) else most


@dataclass(frozen=True, eq=False)
class Spread:
    """How many different values of something the list has at least, such as two decades.

    Attributes:
        name: words for messages, such as "decades".
        codes: the value of each track of the catalogue as a small integer, −1 where unknown.
        at_least: number of different known values.

    >>> Spread("decades", np.array([198, 199, -1]), at_least=2).at_least
    2
    """

    name: str
    codes: Codes
    at_least: int

    def __post_init__(self) -> None:
        if self.at_least < 0:
            raise DataError(f"spread {self.name!r}: at_least is {self.at_least}; expected 0 or more")


@dataclass(frozen=True, eq=False)
class Rules:
    """The hard rules of one list; all are optional.

    ``where``, ``exclude``, ``include``, ``opening`` and ``closing`` never give way, nor is any track played twice.
    The others do in ``order``, which names all of ``ORDER``, the least important first: the gaps (which only say
    where a track stands), quotas, the caps, versions, and at last the length. What is asked for by row
    (``include``, ``opening``, ``closing``) need not satisfy ``where``, but counts towards all other rules.
    Tracks whose artist, album or recording is unknown are bound by no rule about it.

    Attributes:
        tracks: length in tracks, everything counted; None with ``minutes``.
        minutes: length in minutes instead, met within ``tolerance`` minutes.
        opening, closing: rows that begin and end the list, in this order.
        include: rows that stand anywhere in the list.
        exclude: rows that must not be in it.
        where: tracks that may be chosen, bool (tracks of the catalogue,); also licence, explicit, years, genres.
        max_per_artist, max_per_album: the most tracks of one artist, of one album.
        artist_gap, album_gap: an artist (album) returns so many places later at the earliest; 0 and 1 = may follow
            itself.
        versions_once: at most one track of each recording (catalogue column ``recording``, or the same title and
            artist apart from notes such as "(2011 remaster)").
        quotas: shares and spreads, see ``Quota`` and ``Spread``; the first is the most important of them.

    Raises:
        DataError: a number out of range, or rows both asked for and excluded.

    >>> Rules(tracks=30, max_per_artist=2, artist_gap=3).length
    30
    """

    tracks: int | None = None
    minutes: float | None = None
    tolerance: float = 2.0
    opening: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()
    include: tuple[int, ...] = ()
    exclude: ArrayLike = ()
    where: Mask | None = None
    max_per_artist: int | None = None
    max_per_album: int | None = None
    artist_gap: int = 0
    album_gap: int = 0
    versions_once: bool = True
    quotas: tuple[Quota | Spread, ...] = ()
    order: tuple[str, ...] = ORDER

    def __post_init__(self) -> None:
        if self.tracks is not None and self.minutes is not None:
            raise DataError(f"tracks is {self.tracks} and minutes is {self.minutes}; expected only one of them")
        _at_least("tracks", self.tracks, 1)
        _at_least("max_per_artist", self.max_per_artist, 1)
        _at_least("max_per_album", self.max_per_album, 1)
        _at_least("artist_gap", self.artist_gap, 0)
        _at_least("album_gap", self.album_gap, 0)
        _at_least("tolerance", self.tolerance, 0)
        if self.minutes is not None and not 0 < self.minutes < 1e6:
            raise DataError(f"minutes is {self.minutes}; expected more than 0")
        both = np.intersect1d(self.fixed, np.asarray(self.exclude, np.int32))
        if len(both):
            raise DataError(f"rows {both[:5].tolist()} are asked for and excluded; leave them out of one of the two")
        _check_order(self.order)

    @property
    def length(self) -> int | None:
        """Number of tracks asked for; 50 when nothing is said, None with ``minutes``."""
        return None if self.minutes is not None else 50 if self.tracks is None else self.tracks

    @property
    def fixed(self) -> NDArray[np.int32]:
        """Rows that must be in the list, each once: opening, include, closing."""
        rows = (*self.opening, *self.include, *self.closing)
        return np.array(list(dict.fromkeys(rows)), np.int32)


@dataclass(frozen=True)
class Relaxed:
    """A rule that could not be kept.

    Attributes:
        rule: its name: a field of ``Rules``, or the name of a quota or spread.
        asked: what was asked for.
        got: what the list has.
        why: what stood in the way, such as "the filter leaves 11 tracks by 3 artists".
        fix: what would help, such as "add artists or ask for 6 tracks".

    >>> print(Relaxed("max_per_artist", 2, 4, "the filter leaves 11 tracks by 3 artists", "ask for 6 tracks"))
    max_per_artist relaxed from 2 to 4: the filter leaves 11 tracks by 3 artists; ask for 6 tracks
    """

    rule: str
    asked: float
    got: float
    why: str
    fix: str

    @property
    def by(self) -> float:
        """How far the list is from what was asked."""
        return abs(self.got - self.asked)

    def __str__(self) -> str:
        return f"{self.rule} relaxed from {self.asked:g} to {self.got:g}: {self.why}; {self.fix}"


def _at_least(name: str, value: float | None, low: int) -> None:
    if value is not None and value < low:
        raise DataError(f"{name} is {value}; expected at least {low}")


def _check_order(order: Collection[str]) -> None:
    for name in order:
        if name not in ORDER:
            raise DataError(f"unknown rule {name!r} in the order of importance{did_you_mean(name, ORDER)}")
    if len(order) != len(ORDER) or len(set(order)) != len(ORDER):
        raise DataError(f"the order of importance names {len(order)} rules; expected each of {', '.join(ORDER)} once")
