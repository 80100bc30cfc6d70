"""What solved playlists are measured against; each keeps the same rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.goals import Goals
from recsys.playlists.kernels import judge
from recsys.playlists.objective import Objective
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Rules, Spread
from recsys.playlists.select import Chooser
from recsys.playlists.solve import problem

Rows = NDArray[np.int32]


def by_relevance(pool: Pool, rules: Rules) -> Rows:
    """The best tracks within the caps in the order of their scores, the next one first where a gap forbids."""
    return _taken(pool, rules, lambda order: pool.relevance)


def at_random(pool: Pool, rules: Rules, seed: int) -> Rows:
    """The best tracks within the caps in any order that keeps the gap as long as it can."""
    best = by_relevance(pool, rules)
    within = pool.take(np.array([int(np.flatnonzero(pool.rows == row)[0]) for row in best]))
    noise = np.random.default_rng(seed).random(len(within))
    return _taken(within, rules, lambda order: noise)


def two_steps(pool: Pool, rules: Rules) -> Rows:
    """The best tracks within the caps, then each followed by the one most like it, as far as the gap allows."""
    best = by_relevance(pool, rules)
    within = pool.take(np.array([int(np.flatnonzero(pool.rows == row)[0]) for row in best]))
    alike = within.alike()
    if alike is None:
        return best
    return _taken(within, rules, lambda order: alike[order[-1]] if order else within.relevance)


def greedy(pool: Pool, rules: Rules, goals: Goals) -> Rows:
    """Place after place the track that adds most to the whole weighted objective, no place looked ahead.

    All goals count: relevance, the step from the track before, the fit to curves at this place, unlikeness to the
    tracks there are, the share of familiar ones. Caps, gaps, versions and quotas are kept as long as that can be done
    without looking ahead: of a quota, members are taken when only they can still fill it.
    """
    objective = Objective.of(pool, goals, rules.length or 0)
    arrays = objective.arrays()
    wish, familiar, unlike = arrays["wish"], arrays["familiar"], arrays["unlike"]

    def worth(order: list[int]) -> NDArray[np.floating]:
        found = np.array(arrays["value"][len(order)], np.float64)
        if order:
            found += arrays["step"][order[-1]]
        if unlike.size and order:  # pairs and shares as they stand in the list so far
            found += unlike[order].mean(axis=0) * (objective.places - 1)
        if familiar.size:
            share = (familiar[order].sum() + familiar) / (len(order) + 1)
            found -= wish[1] * (len(order) + 1) / objective.places * np.abs(share - wish[0])
        return found

    return _taken(pool, rules, worth)


def shares(pool: Pool, rules: Rules, order: list[int], places: int) -> NDArray[np.bool_]:
    """Candidates with which every quota can still be filled."""
    may, left = np.ones(len(pool), bool), places - len(order)
    for quota in rules.quotas:
        if isinstance(quota, Spread):
            codes = quota.codes[pool.rows]
            there = set(codes[order].tolist()) - {-1}
            if quota.at_least - len(there) >= left:
                may &= (codes >= 0) & ~np.isin(codes, list(there))
        else:
            member, (low, high) = quota.mask[pool.rows], quota.bounds(places)
            have = int(member[order].sum())
            may &= member if low - have >= left else True
            may &= ~member if have >= high else True
    return may if may.any() else np.ones(len(pool), bool)


def _taken(pool: Pool, rules: Rules, worth: Callable[[list[int]], NDArray[np.floating]]) -> Rows:
    families = (
        (pool.artist, rules.max_per_artist, rules.artist_gap),
        (pool.album, rules.max_per_album, rules.album_gap),
        (pool.versions(), 1 if rules.versions_once else None, 0),
    )
    places = min(rules.length or 0, len(pool))
    order: list[int] = []
    while len(order) < places:
        found = np.array(worth(order), np.float64)
        found[~shares(pool, rules, order, places)] -= 1e6  # kept as long as there is another track
        for codes, cap, gap in families:
            mine = codes[order]
            known, times = np.unique(mine[mine >= 0], return_counts=True)
            full = known[times >= cap] if cap is not None else known[:0]
            near = mine[max(0, len(mine) - gap + 1) :] if gap > 1 else mine[:0]
            found[np.isin(codes, near[near >= 0])] -= 1e3
            found[np.isin(codes, full)] = -np.inf
        found[order] = -np.inf
        if not np.isfinite(found).any():
            break
        order.append(int(np.argmax(found)))
    return pool.rows[order]


def breach(pool: Pool, rules: Rules, rows: Rows) -> float:
    """What a list breaks of the rules in the solver's count; 0 = nothing."""
    chooser = Chooser(pool, rules, pool.relevance)
    choice = chooser.strict() or chooser.relaxed()
    order = np.array([int(np.flatnonzero(pool.rows == row)[0]) for row in rows], np.int32)
    objective = Objective.of(pool, Goals(), len(choice.positions))
    return float(judge(problem(chooser, choice, objective), order)[0])


def straight(start: int, end: int, vectors: NDArray[np.floating], n: int) -> Rows:
    """Points at equal distances on the straight line, each the nearest track that is not taken yet."""
    taken = [start]
    for place in np.linspace(0, 1, n)[1:-1]:
        point = vectors[start] + place * (vectors[end] - vectors[start])
        off = ((vectors - point) ** 2).sum(axis=1)
        off[[*taken, end]] = np.inf
        taken.append(int(np.argmin(off)))
    return np.array([*taken, end], np.int32)
