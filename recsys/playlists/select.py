"""Which tracks: the most relevant choice that keeps the rules, exactly, and how far rules must give way for it.

Gaps bind the choice too. A list of L places in which an artist returns after ``gap`` places at the earliest splits
into q = L // gap whole stretches and r = L % gap places over: every artist fits q times, and r of them once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.pool import Pool
from recsys.playlists.programme import Programme, fit, groups, smallest
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.playlists.walk import Limit, walk

FAMILIES = ("artist", "album", "recording")
GAPPED = FAMILIES[:2]
FINEST = 3.0  # seconds closer than which no length is sought
STEP = 15.0  # seconds by which minutes are relaxed while looking for a choice
Codes = NDArray[np.int32]
Levels = Mapping[str, int]  # how far each rule gives way, by name; what is not named is not kept at all


@dataclass(frozen=True, eq=False)
class Choice:
    """Chosen candidates and how far each rule gave way for them."""

    positions: NDArray[np.int64]
    levels: Levels


class Chooser:
    """The choice of tracks from one pool under rules; c candidates.

    Args:
        pool: all of it may be chosen; it holds every fixed row.
    """

    def __init__(self, pool: Pool, rules: Rules, gain: NDArray[np.floating]) -> None:
        self.pool, self.rules = pool, rules
        self.codes: dict[str, Codes] = {"artist": pool.artist, "album": pool.album, "recording": pool.versions()}
        self.fixed = np.isin(pool.rows, rules.fixed)
        self.ends = np.isin(pool.rows, (*rules.opening, *rules.closing))
        self.seconds = pool.seconds
        self.gain = np.asarray(gain, np.float64)
        asked = rules.length
        self.tracks = None if asked is None else int(np.clip(asked, self.fixed.sum(), len(pool)))
        self.length: int | None = None  # where minutes say the length: the number of tracks once it is settled
        self.members = [_member(quota, pool) for quota in rules.quotas]

    def strict(self) -> Choice | None:
        """The best choice that keeps all rules; None when there is none."""
        kept = dict.fromkeys(self.names(), 0)
        found = self._quick(kept)
        found = self._solve(kept, self.gain) if found is None else found
        if found is not None and self.tracks is None and self.gapped:
            found = next(
                (again for _ in self._lengths(len(found)) if (again := self._solve(kept, self.gain)) is not None), None
            )
        return None if found is None else Choice(found, kept)

    def relaxed(self) -> Choice:
        """The best choice when rules give way, each as little as the more important ones allow."""
        levels: dict[str, int] = {}
        for name in self.names():
            if name.endswith("_gap") and self.tracks is None and self.length is None:
                self._settle(levels, name)
            levels[name] = self._level(levels, name)
        found = self._solve(levels, self.gain)
        if found is None:  # the search was cut short: what was found feasible is still so without a gain
            found = self._solve(levels, np.zeros_like(self.gain))
        return Choice(np.flatnonzero(self.fixed) if found is None else found, levels)

    def _level(self, levels: Levels, name: str) -> int:
        """How far a rule must give way beside what is settled."""
        low = self._least(name)
        return smallest(low, max(low, self._loosest(name)), lambda level: self._holds({**levels, name: level}))

    def _least(self, name: str) -> int:
        """How far a quota must give way by mere counting: there are no more such tracks."""
        tracks = self.length or self.tracks
        if not name.startswith("quota") or tracks is None:
            return 0
        quota, member = self.rules.quotas[int(name[6:])], self.members[int(name[6:])]
        if isinstance(quota, Spread):
            return max(0, quota.at_least - len(np.unique(member[member >= 0])))
        return max(0, quota.bounds(tracks)[0] - int(member.sum())) if "tracks" in self.rules.order[-2:] else 0

    def _lengths(self, near: int) -> Iterator[int]:
        """Numbers of tracks to try where minutes say the length, which settles what gaps leave."""
        for tracks in (near, near - 1, near + 1, near - 2, near + 2):
            if max(1, self.fixed.sum()) <= tracks <= len(self.pool):
                self.length = tracks
                yield tracks
        self.length = None

    def _settle(self, levels: Levels, name: str) -> None:
        """Settle the number of tracks for which a gap gives way least."""
        found = self._solve(levels, self.gain)
        if found is not None and len(found):
            fits = {n: self._level(levels, name) for n in self._lengths(len(found)) if self._holds(levels)}
            self.length = min(fits, key=lambda n: fits[n], default=None)

    @property
    def gapped(self) -> bool:
        """Whether any gap is asked for."""
        return any(self.asked_gap(name) > 1 for name in GAPPED)

    def names(self) -> list[str]:
        """The rules there are, the most important first; quotas by their place, such as ``quota 0``."""
        found = []
        for name in reversed(self.rules.order):
            if name == "quotas":
                found += [f"quota {i}" for i in range(len(self.rules.quotas))]
            elif self._bounds(name):
                found.append(name)
        return found

    def places(self, levels: Levels) -> int | None:
        """Length of the list at these levels, None when only minutes say."""
        if self.length is not None:
            return self.length
        return None if self.tracks is None or "tracks" not in levels else self.tracks - levels["tracks"]

    def _bounds(self, name: str) -> bool:
        value = self.tracks if name == "tracks" else getattr(self.rules, name)
        if value is None or value is False:
            return False
        return name not in ("artist_gap", "album_gap") or value > 1

    def _holds(self, levels: Levels) -> bool:
        return self._solve(levels, np.zeros_like(self.gain)) is not None

    def _loosest(self, name: str) -> int:
        """The level at which a rule binds nothing."""
        if name == "minutes":
            return int(np.ceil(max(60 * (self.rules.minutes or 0), self.seconds.sum()) / STEP)) + 1
        if name in ("artist_gap", "album_gap"):
            return int(getattr(self.rules, name)) - 1
        if name.startswith("quota"):
            quota = self.rules.quotas[int(name[6:])]
            return max(len(self.pool), int(quota.at_least or 0)) + 1
        return (self.tracks or 0) - int(self.fixed.sum()) if name == "tracks" else len(self.pool)

    def _quick(self, levels: Levels) -> NDArray[np.int64] | None:
        """The greedy choice, which is the best one when it breaks nothing: caps within caps form a matroid."""
        if self.tracks is None or self.ends.any():
            return None
        limits = []
        for name in FAMILIES:
            whole, over = divmod(self.tracks, self.gap(name, levels))
            limits.append(Limit(self.codes[name], min(self.cap(name, levels), whole + (over > 0)), whole, over))
        best = np.lexsort((np.arange(len(self.gain)), -self.gain, ~self.fixed))
        taken = walk(best, limits, self.tracks)
        whole_list = len(taken) == self.tracks and np.isin(np.flatnonzero(self.fixed), taken).all()
        return taken if whole_list and self.keeps_quotas(taken) else None

    def keeps_quotas(self, chosen: NDArray[np.int64]) -> bool:
        """Whether a choice keeps all quotas and spreads as asked."""
        for quota, member in zip(self.rules.quotas, self.members, strict=True):
            if isinstance(quota, Spread):
                if len(np.unique(member[chosen][member[chosen] >= 0])) < quota.at_least:
                    return False
            else:
                low, high = quota.bounds(len(chosen))
                if not low <= member[chosen].sum() <= high:
                    return False
        return True

    def asked_cap(self, name: str) -> int | None:
        """The most tracks of one artist, album or recording as the rules say it; None = no such rule."""
        if name == "recording":
            return 1 if self.rules.versions_once else None
        return getattr(self.rules, f"max_per_{name}")

    def asked_gap(self, name: str) -> int:
        """Places until an artist or album returns as the rules say it; 1 = it may follow itself."""
        return max(1, getattr(self.rules, f"{name}_gap", 1))

    def cap(self, name: str, levels: Levels) -> int:
        """The most tracks of one artist, album or recording at these levels."""
        rule, asked = _capping(name), self.asked_cap(name)
        return len(self.pool) if asked is None or rule not in levels else asked + levels[rule]

    def gap(self, name: str, levels: Levels) -> int:
        """Places until an artist or album returns at these levels; 1 = it may follow itself."""
        return self.asked_gap(name) - levels[f"{name}_gap"] if f"{name}_gap" in levels else 1

    # ---- the programme --------------------------------------------------------------------------------

    def _solve(self, levels: Levels, gain: NDArray[np.float64]) -> NDArray[np.int64] | None:
        """The best choice at these levels; None when there is none."""
        weights = gain if self.tracks is not None else gain * self.seconds / self.seconds.mean()
        tracks = self.places(levels)
        programme = Programme(weights)
        everything = np.arange(len(gain))
        if self.fixed.any():
            programme.row(everything[self.fixed], np.ones(self.fixed.sum()), low=float(self.fixed.sum()))
        if tracks is not None:
            programme.row(everything, np.ones(len(gain)), low=tracks, high=tracks)
        if "minutes" in levels:
            self._minutes(programme, levels["minutes"])
        for name in FAMILIES:
            self._family(programme, name, levels, tracks)
        for i, quota in enumerate(self.rules.quotas):
            if f"quota {i}" in levels:
                self._quota(programme, quota, self.members[i], levels[f"quota {i}"])
        solution = programme.solve()
        return None if solution is None else np.flatnonzero(solution[: len(gain)])

    def _minutes(self, programme: Programme, level: int) -> None:
        wanted, slack = 60 * (self.rules.minutes or 0), max(FINEST, 60 * self.rules.tolerance) + STEP * level
        programme.row(np.arange(len(self.seconds)), self.seconds, low=wanted - slack, high=wanted + slack)

    def _family(self, programme: Programme, name: str, levels: Levels, tracks: int | None) -> None:
        """Caps and gaps of one family; a cap that gave way is still kept by as many as can."""
        cap, gap = self.cap(name, levels), self.gap(name, levels)
        asked = cap - levels.get(_capping(name), 0)
        room = None if tracks is None else self._room(name, gap, tracks)
        spare: list[int] = []
        for code, members in groups(self.codes[name]).items():
            if len(members) > cap:
                programme.row(members, np.ones(len(members)), high=cap)
            if asked < min(cap, len(members)):
                excess = programme.column(-100.0, cap - asked)
                programme.row([*members, excess], [*np.ones(len(members)), -1], high=asked)
            if gap > 1 and len(members) > 1:
                if tracks is None or room is None:
                    weights = np.full(len(self.gain), -1.0)
                    weights[members] = gap - 1
                    programme.row(np.arange(len(weights)), weights, high=gap - 1)
                else:
                    free = members[~self.ends[members]]
                    whole = (tracks - int(self.ends.sum())) // gap
                    spare += fit(programme, free, room(code), whole)
        if spare and tracks is not None:
            programme.row(spare, np.ones(len(spare)), high=(tracks - self.ends.sum()) % gap)

    def _room(self, name: str, gap: int, tracks: int) -> Callable[[int], int]:
        """How often a group fits into the free places, as the tracks at both ends leave it."""
        place = {int(row): i for i, row in enumerate(self.pool.rows)}
        before, after = ([int(self.codes[name][place[r]]) for r in ends] for ends in self.ends_in_order())
        free = tracks - len(before) - len(after)

        def room(code: int) -> int:
            wait = max((gap - (len(before) - p) for p, c in enumerate(before) if c == code), default=0)
            early = max((gap - 1 - p for p, c in enumerate(after) if c == code), default=0)
            left = free - max(0, wait) - max(0, early)
            return max(0, -(-left // gap))

        return room

    def ends_in_order(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows that begin the list and rows that end it, each once."""
        opening = tuple(dict.fromkeys(self.rules.opening))
        return opening, tuple(r for r in dict.fromkeys(self.rules.closing) if r not in opening)

    def _quota(self, programme: Programme, quota: Quota | Spread, member: NDArray[Any], level: int) -> None:
        if isinstance(quota, Spread):
            columns = []
            for members in groups(member).values():
                columns.append(programme.column())
                programme.row([*members, columns[-1]], [*np.ones(len(members)), -1], low=0)
            programme.row(columns, np.ones(len(columns)), low=quota.at_least - level)
            return
        for bound, sign in ((quota.at_least, 1), (quota.at_most, -1)):
            if bound is not None:
                share = isinstance(bound, float)
                weights = member.astype(np.float64) - (bound if share else 0)
                least = (0 if share else sign * bound) - level - 1e-9
                programme.row(np.arange(len(member)), sign * weights, low=least)


def _capping(name: str) -> str:
    """The rule that caps a family."""
    return "versions_once" if name == "recording" else f"max_per_{name}"


def _member(quota: Quota | Spread, pool: Pool) -> NDArray[Any]:
    return (quota.codes if isinstance(quota, Spread) else quota.mask)[pool.rows]
