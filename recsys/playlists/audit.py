"""What a finished list keeps of its rules, measured on the list itself, and in words what stood in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.facts import Facts
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Quota, Relaxed, Rules, Spread

Rows = NDArray[np.int32]
NOUN = {"artist": "artists", "album": "albums", "recording": "recordings"}


def audit(rows: Rows, rules: Rules, facts: Facts, pool: Pool | None = None) -> tuple[Relaxed, ...]:
    """Every rule that a list breaks, the most important first; ``pool`` (what could be chosen) is for the reasons.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue
    >>> facts = Facts(Catalogue(pd.DataFrame({"artist": ["Ann", "Ann"], "title": ["A", "B"]})))
    >>> [(r.rule, r.asked, r.got) for r in audit(np.array([0, 1], np.int32), Rules(tracks=2, max_per_artist=1), facts)]
    [('max_per_artist', 1, 2)]
    """
    return tuple(Auditor(rows, rules, facts, pool).broken())


class Auditor:
    """One list held against its rules."""

    def __init__(self, rows: Rows, rules: Rules, facts: Facts, pool: Pool | None) -> None:
        self.rows, self.rules, self.facts = rows, rules, facts
        self.pool = pool if pool is not None else Pool.of(facts, rows)

    def broken(self) -> Iterator[Relaxed]:
        """One ``Relaxed`` per broken rule."""
        checks = {
            "tracks": self._tracks,
            "minutes": self._minutes,
            "versions_once": lambda: self._cap("recording", 1 if self.rules.versions_once else None, "versions_once"),
            "max_per_artist": lambda: self._cap("artist", self.rules.max_per_artist, "max_per_artist"),
            "max_per_album": lambda: self._cap("album", self.rules.max_per_album, "max_per_album"),
            "artist_gap": lambda: self._gap("artist", self.rules.artist_gap, "artist_gap"),
            "album_gap": lambda: self._gap("album", self.rules.album_gap, "album_gap"),
            "quotas": self._quotas,
        }
        for name in reversed(self.rules.order):
            yield from checks[name]()

    def _tracks(self) -> Iterator[Relaxed]:
        asked, got = self.rules.length, len(self.rows)
        if asked is None or asked == got:
            return
        if got > asked:
            why, fix = f"{len(self.rules.fixed)} tracks are asked for by name", f"ask for {got} tracks or name fewer"
        elif got == len(self.pool):
            why, fix = self._supply(), f"widen the filter, add tracks or ask for {got}"
        else:
            why, fix = "more important rules leave no more", f"ask for {got} tracks or loosen another rule"
        yield Relaxed("tracks", asked, got, why, fix)

    def _minutes(self) -> Iterator[Relaxed]:
        if self.rules.minutes is None:
            return
        got = float(self.facts.seconds[self.rows].sum()) / 60
        off = abs(got - self.rules.minutes)
        if off > self.rules.tolerance + 1e-6:
            supply = self.pool.seconds.sum() / 60
            if supply < self.rules.minutes - self.rules.tolerance:
                why, fix = f"{self._supply()}, {supply:.1f} minutes", "widen the filter or add tracks"
            elif got > self.rules.minutes and len(self.rows) <= max(1, len(self.rules.fixed)):
                why, fix = "the tracks asked for or the shortest track are longer", f"ask for {got:.0f} minutes"
            else:
                why, fix = "no choice of tracks comes closer", f"allow {off:.2g} minutes more or less"
            yield Relaxed("minutes", self.rules.minutes, round(got, 2), why, fix)

    def _codes(self, family: str, rows: Rows) -> NDArray[np.int32]:
        if family == "recording":
            return self.facts.versions(rows)
        return (self.facts.artist if family == "artist" else self.facts.album)[rows]

    def _cap(self, family: str, cap: int | None, rule: str) -> Iterator[Relaxed]:
        got = most(self._codes(family, self.rows))
        if cap is not None and got > cap:
            codes = self._codes(family, self.pool.rows)
            room = int(np.minimum(np.bincount(codes[codes >= 0]), cap).sum() + (codes < 0).sum()) if len(codes) else 0
            fixed = most(self._codes(family, self.rules.fixed))
            if fixed >= got:
                why, fix = f"{fixed} of the tracks asked for are of one {family}", "ask for fewer of them"
            elif room < len(self.rows):
                why, fix = self._supply(family), f"add {NOUN[family]} or ask for {room} tracks"
            else:
                why, fix = "more important rules leave no other choice", f"loosen them or allow {got}"
            yield Relaxed(rule, cap, got, why, fix)

    def _gap(self, family: str, gap: int, rule: str) -> Iterator[Relaxed]:
        got = closest(self._codes(family, self.rows))
        if got is not None and got < gap:
            codes = self._codes(family, self.rows)
            often = most(codes)
            need = (often - 1) * gap + 1
            if need > len(codes):
                why = f"one {family} has {often} of {len(codes)} tracks"
                fix = f"allow at most {(len(codes) - 1) // gap + 1} per {family} or a gap of {got}"
            else:
                why, fix = f"{self._supply(family)}", f"add {NOUN[family]} or allow a gap of {got}"
            yield Relaxed(rule, gap, got, why, fix)

    def _quotas(self) -> Iterator[Relaxed]:
        for quota in self.rules.quotas:
            yield from self._spread(quota) if isinstance(quota, Spread) else self._quota(quota)

    def _spread(self, spread: Spread) -> Iterator[Relaxed]:
        got = distinct(spread.codes[self.rows])
        if got < spread.at_least:
            there = distinct(spread.codes[self.pool.rows])
            few = there < spread.at_least
            why = (
                f"there are {there} {spread.name} among {len(self.pool)} tracks" if few else "other rules leave no more"
            )
            yield Relaxed(spread.name, spread.at_least, got, why, f"widen the filter or ask for {got}")

    def _quota(self, quota: Quota) -> Iterator[Relaxed]:
        low, high = quota.bounds(len(self.rows))
        got, there = int(quota.mask[self.rows].sum()), int(quota.mask[self.pool.rows].sum())
        supply = f"{there} of {len(self.pool)} tracks are {quota.name}"
        if got < low:
            why = supply if there < low else f"{supply}, but more important rules leave no more"
            fix = f"add such tracks or ask for {got}"
            yield Relaxed(quota.name, low, got, why, fix if there < low else f"loosen them or ask for {got}")
        elif got > high:
            few = len(self.pool) - there < len(self.rows) - high
            why = supply if few else f"{supply}, and more important rules need them"
            yield Relaxed(quota.name, high, got, why, f"add other tracks or allow {got}")

    def _supply(self, family: str | None = None) -> str:
        """How many tracks could be chosen, and by how many artists."""
        filtered = self.rules.where is not None or np.size(self.rules.exclude) > 0
        noun = "the filter leaves" if filtered else "there are"
        tracks = f"{noun} {len(self.pool)} track{'s' * (len(self.pool) != 1)}"
        if family is None:
            return tracks
        kinds = distinct(self._codes(family, self.pool.rows))
        word = "of" if family == "recording" else "by" if family == "artist" else "from"
        return f"{tracks} {word} {kinds} {NOUN[family] if kinds != 1 else family}"


def most(codes: NDArray[np.integer]) -> int:
    """How many tracks the most frequent known value has; 0 when none is known."""
    return max(Counter(codes[codes >= 0].tolist()).values(), default=0)


def distinct(codes: NDArray[np.integer]) -> int:
    """How many known values there are."""
    return len(np.unique(codes[codes >= 0]))


def closest(codes: NDArray[np.integer]) -> int | None:
    """The smallest distance between two places of the same known value; None when nothing returns.

    >>> closest(np.array([0, 1, 0, -1, -1])), closest(np.array([0, 1]))
    (2, None)
    """
    last: dict[int, int] = {}
    gaps = []
    for place, code in enumerate(codes.tolist()):
        if code >= 0:
            if code in last:
                gaps.append(place - last[code])
            last[code] = place
    return min(gaps, default=None)
