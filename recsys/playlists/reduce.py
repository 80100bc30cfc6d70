"""A large pool to the few hundred candidates among which a list is sought."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.goals import Goals
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Rules, Spread

Positions = NDArray[np.int64]
AT_FIRST = 20  # times the size asked for are put in order first, more only where they are by too few artists
BINS = 12  # parts of a curve's range from each of which the best are looked at


def allowed(pool: Pool, rules: Rules) -> Pool:
    """The pool without what ``where`` and ``exclude`` forbid, and with what is asked for by row."""
    may = np.ones(len(pool.facts), np.bool_) if rules.where is None else rules.where.copy()
    may[np.asarray(rules.exclude, np.int32)] = False
    may[rules.fixed] = True
    keep = may[pool.rows]
    return (pool if keep.all() else pool.take(np.flatnonzero(keep))).with_rows(rules.fixed)


def reduced(pool: Pool, rules: Rules, goals: Goals, size: int) -> Pool:
    """About ``size`` candidates, best first: the best of all, of each artist, and of all that a rule or curve needs.

    The pool itself when it is not much larger. What is asked for by row is always kept.
    """
    if len(pool) <= size:
        return pool
    best = _best_first(pool, len(pool) if rules.quotas or goals.curves else AT_FIRST * size)
    artists = capped(pool.artist, best, 1, size // 4)
    if len(artists) < size // 4 and len(best) < len(pool):
        best = _best_first(pool, len(pool))
        artists = capped(pool.artist, best, 1, size // 4)
    if len(artists) < size // 4:  # few artists: many of each
        artists = capped(pool.artist, best, size // (2 * len(artists)) + 1, size // 2)
    taken = np.zeros(len(pool), np.bool_)
    taken[best[: size // 2]] = taken[artists] = True
    asked = np.flatnonzero(np.isin(pool.rows, rules.fixed)) if len(rules.fixed) else np.empty(0, np.int64)
    for part in _wanted(pool, rules, best, size):
        taken[part] = True
    for curve in goals.curves:
        values = pool.number(curve.trait)
        known = best[np.isfinite(values[best])]
        for bin_ in np.array_split(known[np.argsort(values[known], kind="stable")], BINS):
            taken[np.sort(_ranked(bin_, best)[: size // (2 * BINS)])] = True
    taken[asked] = False
    return pool.take(np.concatenate([asked, best[taken[best]]]))


def _best_first(pool: Pool, most: int) -> Positions:
    """The ``most`` best positions or some more, equal scores by row; unscored ones were asked for and come first."""
    scores = np.nan_to_num(pool.scores, nan=np.inf)
    some = np.arange(len(pool))
    if most < len(pool):
        some = np.flatnonzero(scores >= np.partition(scores, len(pool) - most)[len(pool) - most])
    some = some[np.argsort(pool.rows[some], kind="stable")]
    return some[np.argsort(-scores[some], kind="stable")]


def _ranked(some: Positions, best: Positions) -> Positions:
    """Some positions, best first."""
    rank = np.empty(best.max(initial=0) + 1, np.int64)
    rank[best] = np.arange(len(best))
    return some[np.argsort(rank[some])]


def _wanted(pool: Pool, rules: Rules, best: Positions, size: int) -> list[Positions]:
    """The best inside and outside each quota, and the best of each value of a spread, artists mixed."""
    found = []
    for quota in rules.quotas:
        if isinstance(quota, Spread):
            codes = quota.codes[pool.rows]
            known = best[codes[best] >= 0]
            found.append(capped(codes, known, max(1, size // (4 * max(1, quota.at_least))), size // 4))
            found.append(capped(codes, known, 3, size // 4))
        else:
            member = quota.mask[pool.rows]
            for side in (best[member[best]], best[~member[best]]):
                found += [side[: size // 8], capped(pool.artist, side, 1, size // 8)]
    return found


def capped(codes: NDArray[np.integer], best: Positions, cap: int, most: int) -> Positions:
    """The first ``most`` positions of ``best`` with at most ``cap`` of a code, −1 free.

    >>> capped(np.array([0, 0, 1, -1, -1]), np.arange(5), 1, 4).tolist()
    [0, 2, 3, 4]
    """
    mine = codes[best]
    order = np.argsort(mine, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(mine[order])) + 1] if len(mine) else np.zeros(0, np.int64)
    nth = np.arange(len(mine)) - np.repeat(starts, np.diff(np.r_[starts, len(mine)]))
    place = np.empty(len(mine), np.int64)
    place[order] = nth
    return best[(place < cap) | (mine < 0)][:most]
