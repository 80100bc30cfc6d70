"""A pool, rules and goals in, a playlist out: the door of the solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.playlists.anneal import anneal, descend
from recsys.playlists.audit import audit
from recsys.playlists.goals import Goals
from recsys.playlists.kernels import Problem, judge
from recsys.playlists.objective import Objective
from recsys.playlists.order import spaced
from recsys.playlists.pool import Pool
from recsys.playlists.reduce import allowed, reduced
from recsys.playlists.rules import Relaxed, Rules, Spread
from recsys.playlists.select import FAMILIES, GAPPED, Choice, Chooser

CANDIDATES = 400, 8  # candidates looked at: at least so many, and so many per track of the list
WHOLE = 1_500  # a pool up to this size is looked at as a whole before a rule gives way
MOVES = 20_000, 1_500  # moves tried: at least so many, and so many per track of the list
HEATS, COLD = (0.1, 2.0), 0.005  # first temperatures and the last, in places of worth; the hot one mends what is broken
FEW = 12  # up to so many tracks both are tried
ROUNDS = 10
NEVER = 1 << 30


@dataclass(frozen=True, eq=False)
class Playlist:
    """Tracks in playing order.

    Attributes:
        rows: int32, (n,), each once.
        scores: the candidates' scores, float32, (n,); NaN for a track that was asked for and is no candidate.
        seconds: total length, unknown lengths counted as typical; None when none of the list is known.
        relaxed: what could not be kept, by how much, and what would help; empty when every rule holds.
        parts: each goal that counted, 0..1, and their weighted mean as ``objective``.
        notes: what else should be known, such as lengths that are guessed.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    seconds: float | None
    relaxed: tuple[Relaxed, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


def solve(
    pool: Pool, rules: Rules | None = None, goals: Goals | None = None, *, seed: int = 0, effort: float = 1.0
) -> Playlist:
    """The best list of a pool: every rule holds if any list can keep them all, else the answer says which gave way.

    The tracks are chosen exactly by relevance under the rules, put in an order that keeps the gaps, and then chosen
    and ordered together by simulated annealing on the whole objective. Equal seeds give equal lists.

    Args:
        effort: how long the search is; 1 takes some 50 ms for 50 tracks.

    Raises:
        DataError: a fixed row or a mask that does not fit the catalogue.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue
    >>> songs = Catalogue(pd.DataFrame({"title": list("abcd"), "artist": ["Ann", "Ann", "Ann", "Bo"]}))
    >>> made = solve(Pool.of(songs, [0, 1, 2, 3], [.9, .8, .7, .6]), Rules(tracks=2, max_per_artist=1))
    >>> sorted(made.rows.tolist()), made.relaxed
    ([0, 3], ())
    """
    rules, goals = rules or Rules(), goals or Goals()
    _check(rules, len(pool.facts))
    usable = allowed(pool, rules)
    if not len(usable):
        return finished(usable, rules, usable, {})
    chooser, choice = choose(usable, rules, goals)
    small = chooser.pool
    objective = Objective.of(small, goals, len(choice.positions))
    order = search(problem(chooser, choice, objective), start(chooser, choice), seed, effort)
    return finished(small.take(order), rules, usable, objective.parts(order) if len(order) else {})


def choose(pool: Pool, rules: Rules, goals: Goals) -> tuple[Chooser, Choice]:
    """Candidates to search among, and a first choice; more of the pool is looked at before a rule gives way."""
    base = max(CANDIDATES[0], CANDIDATES[1] * (rules.length or int(rules.minutes or 0) // 3))
    small = reduced(pool, rules, goals, base)
    narrow = Chooser(small, rules, small.relevance)
    found = narrow.strict()
    if found is not None:
        return narrow, found
    if len(small) == len(pool):
        return narrow, narrow.relaxed()
    wide = reduced(pool, rules, goals, max(WHOLE, 4 * base))
    chooser = Chooser(wide, rules, wide.relevance)
    found = chooser.strict() or chooser.relaxed()
    keep = np.flatnonzero(np.isin(wide.rows, np.union1d(small.rows, wide.rows[found.positions])))
    both = wide.take(keep)
    return Chooser(both, rules, both.relevance), Choice(np.searchsorted(keep, found.positions), found.levels)


def start(chooser: Chooser, choice: Choice) -> NDArray[np.int32]:
    """The chosen candidates in an order that keeps the artist gap, best first otherwise."""
    chosen = choice.positions[np.argsort(-chooser.gain[choice.positions], kind="stable")]
    place = {int(row): i for i, row in enumerate(chooser.pool.rows[chosen].tolist())}
    opening, closing = ([place[r] for r in ends] for ends in chooser.ends_in_order())
    artists, albums = (chooser.codes[name][chosen] for name in GAPPED)
    gaps = [chooser.gap(name, choice.levels) for name in GAPPED]
    wider = artists if gaps[0] >= gaps[1] else np.where(albums >= 0, albums, -1)
    return chosen[spaced(wider, max(gaps), opening, closing)].astype(np.int32)


def problem(chooser: Chooser, choice: Choice, objective: Objective) -> Problem:
    """One list to be made, for the kernels."""
    pool, rules, levels, n = chooser.pool, chooser.rules, choice.levels, len(choice.positions)
    caps = np.full((3, 2), NEVER, np.int64)
    for k, name in enumerate(FAMILIES):
        cap = chooser.asked_cap(name)
        if cap is not None:
            caps[k] = cap, chooser.cap(name, levels)
    gaps = np.array([[max(1, chooser.asked_gap(name)), chooser.gap(name, levels)] for name in GAPPED], np.int64)
    quotas = [(i, q, m) for i, (q, m) in enumerate(zip(rules.quotas, chooser.members, strict=True))]
    sets = [(m, q.bounds(n), levels[f"quota {i}"]) for i, q, m in quotas if not isinstance(q, Spread)]
    kinds = [(m, q.at_least - levels[f"quota {i}"]) for i, q, m in quotas if isinstance(q, Spread)]
    bounds = np.array([(low - level, high + level) for _, (low, high), level in sets], np.int64).reshape(-1, 2)
    seconds = float(pool.seconds[choice.positions].sum())
    asked = 60 * (rules.minutes or 0)
    slack = max(60 * rules.tolerance, abs(seconds - asked) + 1e-6)
    opening, closing = chooser.ends_in_order()
    return Problem(
        **objective.arrays(),
        groups=np.array([chooser.codes[name] for name in FAMILIES], np.int32),
        caps=caps,
        gaps=gaps,
        member=np.array([m for m, _, _ in sets], np.bool_).reshape(-1, len(pool)),
        bounds=bounds,
        kinds=np.array([m for m, _ in kinds], np.int32).reshape(-1, len(pool)),
        distinct=np.array([need for _, need in kinds], np.int64),
        seconds=pool.seconds,
        length=np.array([asked - slack, asked + slack] if rules.minutes else [0.0, np.inf]),
        codes=max(codes.max(initial=0) for codes in (*chooser.codes.values(), *(m for m, _ in kinds))) + 1,
        kept=chooser.fixed,
        free=np.array([len(opening), n - len(closing)], np.int64),
    )


def search(problem: Problem, start: NDArray[np.int32], seed: int, effort: float = 1.0) -> NDArray[np.int32]:
    """The best order found from ``start`` on, (n,)."""
    if problem.free[1] <= problem.free[0]:
        return start
    heats = HEATS if judge(problem, start)[0] > 0 or len(start) <= FEW else HEATS[:1]
    moves = int(effort * max(MOVES[0], MOVES[1] * len(start)))
    found = []
    for i, heat in enumerate(heats):
        met = anneal(problem, start, np.uint64(len(HEATS) * seed + i), moves, heat, COLD)
        found.append(descend(problem, met, ROUNDS))

    def rank(order: NDArray[np.int32]) -> tuple[float, float]:
        breach, worth = judge(problem, order)
        return -round(breach, 6), worth

    return max(found, key=rank)


def finished(chosen: Pool, rules: Rules, usable: Pool, parts: Mapping[str, float]) -> Playlist:
    """The answer, held against the rules as they were asked for."""
    facts, rows = chosen.facts, chosen.rows
    known = facts.known_seconds[rows]
    seconds = float(facts.seconds[rows].sum()) if known.any() else None
    notes = []
    if rules.minutes is not None and not known.all():
        guess = facts.typical_seconds
        notes.append(f"{(~known).sum()} of {len(rows)} lengths unknown, counted as {guess:.0f} s each")
    return Playlist(rows, chosen.scores, seconds, audit(rows, rules, facts, usable), parts, tuple(notes))


def _check(rules: Rules, tracks: int) -> None:
    fixed = rules.fixed
    if len(fixed) and not 0 <= fixed.min() <= fixed.max() < tracks:
        raise DataError(f"rows asked for span {fixed.min()}..{fixed.max()}; expected 0..{tracks - 1}")
    masks = {} if rules.where is None else {"where": len(rules.where)}
    for quota in rules.quotas:
        masks[quota.name] = len(quota.codes if isinstance(quota, Spread) else quota.mask)
    for name, size in masks.items():
        if size != tracks:
            raise DataError(f"{name} covers {size} tracks; expected {tracks}, as the catalogue has")
