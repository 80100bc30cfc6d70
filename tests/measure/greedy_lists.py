"""Solved playlists against greedy ones over many random recipes on real catalogues, and how much there is to gain.

    python -m tests.measure.greedy_lists --features FOLDER --labels EMOTIFY POP909 --log interactions.parquet

Catalogues: the analysed clips of the two collections (``recsys analyze``), a list about one clip; and the artists of a
log of counts, a list for one listener by iALS (artists stand for tracks; there is no sound, and steps are likeness).
Recipes draw weights of goals, caps, gaps, quotas and curves at random, 50 tracks. The greedy list appends the track
that adds most to the same objective under the same rules, without looking ahead: what playlist makers in the field do.
"Choose, then order" takes the best by relevance and puts each behind the one it is most like.

A ceiling of the objective is found by linear programming: every track counts as much as it may and is followed by
whatever is best, in cycles if need be, so that no list can be better. It needs goals that are sums (no diversity,
familiarity, curve) and is found for ``--ceilings`` lists. Intervals: 95 %, over lists.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import linprog

from recsys import comparing
from recsys.evaluation import interval
from recsys.playlists.facts import Facts
from recsys.playlists.goals import Curve, Goals
from recsys.playlists.objective import Objective
from recsys.playlists.pool import Pool
from recsys.playlists.reduce import allowed, reduced
from recsys.playlists.rules import Quota, Rules
from recsys.playlists.solve import solve
from recsys.sources import gather
from tests.measure.holdout import _compact
from tests.measure.playlist_baselines import by_relevance, greedy, two_steps
from tests.measure.playlists import N, World, worth

EFFORTS = (1.0, 2.0, 4.0, 16.0)
STARTS = 4  # searches of which the best is taken, beside one that is as long as all of them


class Case(NamedTuple):
    """One list to be made."""

    pool: Pool
    rules: Rules
    goals: Goals


class Clips:
    """Lists about one clip of the two collections."""

    def __init__(self, world: World) -> None:
        self.world, self.facts = world, world.facts

    def pool(self, rng: np.random.Generator) -> Pool:
        """All other clips, by likeness to one."""
        return self.world.pool(int(rng.integers(len(self.facts))))


class Artists:
    """Lists for one listener of a log of counts."""

    def __init__(self, log: Path) -> None:
        dataset = _compact(gather([log]).dataset)
        model = comparing.fit(dataset, "ials", {"factors": 64}, seed=0)
        self.histories = dataset.matrix()
        self.items = model.item_vectors()  # type: ignore[attr-defined]
        self.users = model.user_vectors(self.histories, np.arange(len(dataset.users), dtype=np.int32))  # type: ignore[attr-defined]
        self.unit = self.items / np.maximum(np.linalg.norm(self.items, axis=1, keepdims=True), 1e-9)
        self.facts = Facts(dataset.catalogue)

    def pool(self, rng: np.random.Generator) -> Pool:
        """All artists by the score of a listener; familiar are those in the history."""
        user = int(rng.integers(self.histories.shape[0]))
        known = np.zeros(len(self.items), np.float32)
        known[self.histories[[user]].indices] = 1
        scores = self.items @ self.users[user]
        return Pool.of(self.facts, None, scores, likeness=lambda a, b: self.unit[a] @ self.unit[b].T, familiarity=known)


def cases(source: Clips | Artists, count: int) -> Iterator[Case]:
    """Random recipes; the pool is what the solver looks at, so that all have the same candidates."""
    for seed in range(count):
        rng = np.random.default_rng([7, seed])
        pool = source.pool(rng)
        rules, goals = recipe(rng, pool)
        yield Case(reduced(allowed(pool, rules), rules, goals, 400), rules, goals)


def recipe(rng: np.random.Generator, pool: Pool) -> tuple[Rules, Goals]:
    """Weights of goals, caps, gaps, a quota, curves."""

    def maybe(chance: float, value: Any, other: Any) -> Any:
        return value if rng.random() < chance else other

    sound = np.isfinite(pool.number("energy")).any()
    traits = rng.choice(["energy", "tempo"], 2, replace=False)
    shape = rng.choice(["0:10% 100:90%", "0:20% 50:90% 100:30%", "0:20% 25:80% 50:20% 75:80% 100:20%"])
    count = len(pool.facts)
    quota = Quota("new", rng.random(count) < 0.3, at_least=float(rng.uniform(0.3, 0.6)))
    rules = Rules(
        tracks=N,
        max_per_artist=maybe(0.7, int(rng.integers(1, 4)), None),
        artist_gap=int(rng.integers(0, 6)),
        quotas=maybe(0.4, (quota,), ()),
    )
    goals = Goals(
        transitions=float(rng.choice([0.2, 0.4, 0.4, 1.0, 2.0])),
        diversity=maybe(0.3, float(rng.uniform(0.3, 1.0)), 0.0),
        familiarity=maybe(0.3, 1.0, 0.0),
        familiar=float(rng.uniform(0.2, 0.8)),
        curves=(Curve.parse(str(traits[0]), str(shape)),) if sound and rng.random() < 0.4 else (),
    )
    return rules, goals


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--labels", type=Path, nargs="*", default=[])
    parser.add_argument("--log", type=Path)
    parser.add_argument("--recipes", type=int, default=100)
    parser.add_argument("--ceilings", type=int, default=6)
    given = parser.parse_args()
    if given.features:
        against("clips", Clips(World.open(given.features, given.labels)), given)
    if given.log:
        against("artists", Artists(given.log), given)


def against(name: str, source: Clips | Artists, given: argparse.Namespace) -> None:
    """One table of a catalogue."""
    rows, spent = [], dict.fromkeys(EFFORTS, 0.0)
    for seed, case in enumerate(cases(source, given.recipes)):
        found = measured(case, seed, spent)
        if found:
            rows.append(found)
    table = pd.DataFrame(rows)
    print(f"{name}: {len(table)} recipes, objective of greedy {table['greedy'].mean():.3f}")
    for effort in EFFORTS:
        ours = table[f"effort {effort:g}"]
        cells = [f"{other} {interval((ours / table[other]).to_numpy())}" for other in ("greedy", "chosen, ordered")]
        gained = ours - table["random"]
        cells += [f"above random, to greedy {interval((gained / (table['greedy'] - table['random'])).to_numpy())}"]
        print(f"  effort {effort:g}, {1000 * spent[effort] / len(table):.0f} ms CPU: {'; '.join(cells)}")
    print(f"  best of {STARTS} starts: greedy {interval((table['starts'] / table['greedy']).to_numpy())}")
    first = table[f"effort {EFFORTS[0]:g}"] / table["greedy"]
    for part in ("diversity", "familiarity", "curve", "quota"):
        some = first[table[part]]
        if len(some) > 5:
            print(f"  recipes with {part} ({len(some)}): {interval(some.to_numpy())}")
    rest = first[~table[["diversity", "familiarity", "curve", "quota"]].any(axis=1)]
    print(f"  others ({len(rest)}): {interval(rest.to_numpy())}")
    print(f"  share of recipes at 1.05 or more: {(first >= 1.05).mean():.2f}")
    ceilings(source, given.ceilings)


def measured(case: Case, seed: int, spent: dict[float, float]) -> dict[str, Any] | None:
    """The objective of every way of making one list; None where the rules had to give way."""
    pool, rules, goals = case
    found: dict[str, Any] = {}
    for effort in EFFORTS:
        started = time.process_time()
        made = solve(pool, rules, goals, seed=seed, effort=effort)
        spent[effort] += time.process_time() - started
        if made.relaxed:
            return None
        found[f"effort {effort:g}"] = made.parts["objective"]
    seeds = (seed, *range(10_000 + seed, 10_000 + seed + (STARTS - 1) * 1000, 1000))
    found["starts"] = max(solve(pool, rules, goals, seed=one).parts["objective"] for one in seeds)
    chance = np.random.default_rng(seed).permutation(by_relevance(pool, Rules(tracks=len(pool))))[:N]
    rivals = {"greedy": greedy(pool, rules, goals), "chosen, ordered": two_steps(pool, rules), "random": chance}
    found |= {name: worth(pool, rows, goals) for name, rows in rivals.items()}
    said = {"diversity": goals.diversity > 0, "familiarity": goals.familiarity > 0, "curve": bool(goals.curves)}
    return found | said | {"quota": bool(rules.quotas)}


def ceilings(source: Clips | Artists, count: int) -> None:
    """Of the usual recipe: what the solver and greedy reach of what no list can exceed."""
    rows = []
    for seed in range(count):
        rules, goals = Rules(tracks=N, max_per_artist=2, artist_gap=3), Goals()
        pool = reduced(allowed(source.pool(np.random.default_rng([8, seed])), rules), rules, goals, 400)
        most = ceiling(pool, rules, goals)
        ours = solve(pool, rules, goals, seed=seed).parts["objective"]
        rows.append((ours / most, worth(pool, greedy(pool, rules, goals), goals) / most))
    solved, simple = np.array(rows).T
    print(f"  usual recipe, of the ceiling: solved {interval(solved)}, greedy {interval(simple)}")
    print(f"  so that nothing can be better than greedy by more than {interval(1 / simple)}\n")


def ceiling(pool: Pool, rules: Rules, goals: Goals) -> float:
    """What no list can exceed: tracks and steps chosen in fractions, steps in cycles if need be."""
    objective = Objective.of(pool, goals, rules.length or 0)
    arrays, c, n = objective.arrays(), len(pool), objective.places
    i, j = np.nonzero(~np.eye(c, dtype=bool))
    gain = np.concatenate([arrays["value"][0], arrays["step"][i, j]])
    arcs, eye = np.arange(len(i)), sp.eye_array(c)
    out, into = (sp.csr_array((np.ones(len(i)), (one, arcs)), shape=(c, len(i))) for one in (i, j))
    most = [sp.hstack([-eye, out]), sp.hstack([-eye, into])]
    limits = [np.zeros(2 * c)]
    artist = pool.artist
    if rules.max_per_artist is not None and (artist >= 0).any():
        known = np.flatnonzero(artist >= 0)
        mine = sp.csr_array((np.ones(len(known)), (artist[known], known)), shape=(int(artist.max()) + 1, c))
        most.append(sp.hstack([mine, sp.csr_array((mine.shape[0], len(i)))]))
        limits.append(np.full(mine.shape[0], rules.max_per_artist))
    totals = sp.csr_array(np.vstack([np.r_[np.ones(c), np.zeros(len(i))], np.r_[np.zeros(c), np.ones(len(i))]]))
    solved = linprog(
        -gain, A_ub=sp.vstack(most), b_ub=np.concatenate(limits), A_eq=totals, b_eq=[n, n - 1], bounds=(0, 1)
    )
    return float(-solved.fun / n)


if __name__ == "__main__":
    main()
