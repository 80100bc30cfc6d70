"""What solved playlists are measured against; each keeps the same rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.goals import Goals
from recsys.playlists.kernels import judge
from recsys.playlists.objective import Objective
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Rules
from recsys.playlists.select import Chooser
from recsys.playlists.solve import problem

Rows = NDArray[np.int32]


def by_relevance(pool: Pool, rules: Rules) -> Rows:
    """The best tracks within the caps in the order of their scores, the next one first where a gap forbids."""
    return _taken(pool, rules, lambda place, last: pool.relevance)


def at_random(pool: Pool, rules: Rules, seed: int) -> Rows:
    """The best tracks within the caps in any order that keeps the gap as long as it can."""
    best = by_relevance(pool, rules)
    within = pool.take(np.array([int(np.flatnonzero(pool.rows == row)[0]) for row in best]))
    noise = np.random.default_rng(seed).random(len(within))
    return _taken(within, rules, lambda place, last: noise)


def two_steps(pool: Pool, rules: Rules) -> Rows:
    """The best tracks within the caps, then each followed by the one most like it, as far as the gap allows."""
    best = by_relevance(pool, rules)
    within = pool.take(np.array([int(np.flatnonzero(pool.rows == row)[0]) for row in best]))
    alike = within.alike()
    if alike is None:
        return best
    return _taken(within, rules, lambda place, last: within.relevance if last is None else alike[last])


def greedy(pool: Pool, rules: Rules, goals: Goals) -> Rows:
    """Place after place the track that adds most to the weighted objective there: value and step together."""
    objective = Objective.of(pool, goals, rules.length or 0)
    arrays = objective.arrays()

    def worth(place: int, last: int | None) -> NDArray[np.floating]:
        return arrays["value"][place] + (0 if last is None else arrays["step"][last])

    return _taken(pool, rules, worth)


def _taken(pool: Pool, rules: Rules, worth) -> Rows:  # type: ignore[no-untyped-def]
    artist, album, versions = pool.artist, pool.album, pool.versions()
    order: list[int] = []
    for place in range(min(rules.length or 0, len(pool))):
        found = np.array(worth(place, order[-1] if order else None), np.float64)
        found[order] = -np.inf
        for codes, cap, gap in (
            (artist, rules.max_per_artist, rules.artist_gap),
            (album, rules.max_per_album, rules.album_gap),
            (versions, 1 if rules.versions_once else None, 0),
        ):
            for code in set(codes[order].tolist()) - {-1}:
                if cap is not None and (codes[order] == code).sum() >= cap:
                    found[codes == code] = -np.inf
                if code in codes[order[max(0, len(order) - gap + 1) :]].tolist() and gap > 1:
                    found[codes == code] -= 1e3  # kept as long as there is another track
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
