"""How good solved playlists are: against the optimum, and how smoothly they flow, follow curves and make ways.

    python -m tests.measure.playlists --features FOLDER --labels EMOTIFY POP909 [--lists 60]

FOLDER is what ``recsys analyze`` wrote for the audio folders of the two collections; their ``labels.csv`` give the
artists (``artist_group``; each POP909 song counts as its own). One list of 50 is made from each of some seed tracks;
relevance is the cosine to the seed in the space of sound. Baselines keep the same rules; greedy ones have a program of
their own, ``tests.measure.greedy_lists``. Intervals: 95 %, bootstrap over lists, of the mean of paired ratios.

``--exact`` measures small instances (8 candidates, 5 places, random rules and goals) against all arrangements.
"""

from __future__ import annotations

import argparse
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.audio.space import Space
from recsys.audio.store import open_features
from recsys.evaluation import interval
from recsys.evaluation.intervals import Interval
from recsys.playlists.facts import Facts
from recsys.playlists.goals import Curve, Goals
from recsys.playlists.objective import Objective
from recsys.playlists.path import path, progress_of
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.playlists.solve import solve
from recsys.playlists.transitions import neighbours
from recsys.tables import Catalogue
from tests.measure.playlist_baselines import by_relevance, greedy, straight

N = 50
CHOSEN_ON = 12  # seeds on which the weights of the goals were set; not reported
RULES = Rules(tracks=N, max_per_artist=2, artist_gap=3)
CURVES = {"rise": "0:10% 100:90%", "arch": "0:20% 50:90% 100:30%", "wave": "0:20% 25:80% 50:20% 75:80% 100:20%"}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--labels", type=Path, nargs="*", default=[])
    parser.add_argument("--lists", type=int, default=60)
    parser.add_argument("--exact", type=int, default=0, metavar="INSTANCES")
    given = parser.parse_args()
    if given.exact:
        exactly(given.exact)
    if given.features:
        world = World.open(given.features, given.labels)
        seeds = np.random.default_rng(0).permutation(len(world.facts))[CHOSEN_ON:][: given.lists]
        for part in (smoothness, curves, paths):
            part(world, seeds)


class World:
    """The clips of both collections as a catalogue, and where they lie in the space of sound."""

    def __init__(self, catalogue: Catalogue, vectors: NDArray[np.float32]) -> None:
        self.facts, self.vectors = Facts(catalogue), vectors

    @classmethod
    def open(cls, folder: Path, labels: list[Path]) -> World:
        """Traits from the features, artists from the labels."""
        features = open_features(folder)
        artists: dict[str, str] = {}
        for place in labels:
            table = pd.read_csv(place / "labels.csv")
            names = table["artist_group"] if "artist_group" in table else table["clip"]
            artists |= dict(zip(table["audio_file"].map(lambda f: Path(f).name), names.astype(str), strict=True))
        frame = features.traits.reset_index(drop=True).rename(columns={"tempo_bpm": "tempo"})
        names = features.catalogue["path"].map(lambda f: Path(f).name)
        frame = frame.assign(title=names.to_numpy(), artist=names.map(artists).to_numpy(object))
        frame["duration"] = features.catalogue["duration"].to_numpy(np.float64)
        return cls(Catalogue(frame), Space.fit(features.blocks).vectors(features.blocks).vectors)

    def likeness(self, first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.float32]:
        """Cosine in the space of sound."""
        return self.vectors[first] @ self.vectors[second].T

    def pool(self, seed: int) -> Pool:
        """All other clips, by their likeness to one."""
        rows = np.setdiff1d(np.arange(len(self.facts), dtype=np.int32), [seed])
        known = np.random.default_rng(seed).random(len(rows))
        return Pool.of(
            self.facts, rows, self.vectors[rows] @ self.vectors[seed], likeness=self.likeness, familiarity=known
        )


def worth(pool: Pool, rows: NDArray[np.int32], goals: Goals) -> float:
    """The objective of a list."""
    return Objective.of(pool, goals, len(rows)).parts(places(pool, rows))["objective"]


def places(pool: Pool, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Positions of rows in a pool."""
    at = {int(row): i for i, row in enumerate(pool.rows)}
    return np.array([at[int(row)] for row in rows])


def smoothness(world: World, seeds: NDArray[np.int64]) -> None:
    """Steps between neighbours and relevance against the order by relevance, and against a random order of it."""
    found: dict[str, list[dict[str, float]]] = {"solved": [], "by relevance": [], "random": []}
    for seed in seeds:
        pool = world.pool(int(seed))
        base = by_relevance(pool, RULES)
        lists = {
            "solved": solve(pool, RULES, Goals(), seed=int(seed)).rows,
            "by relevance": base,
            "random": np.random.default_rng(int(seed)).permutation(base),
        }
        for name, rows in lists.items():
            steps = {k: float(np.nanmean(v)) for k, v in neighbours(world.facts, rows).items()}
            score = float(pool.scores[places(pool, rows)].mean())
            found[name].append({**steps, "cosine to the seed": score})
    tables = {name: pd.DataFrame(rows) for name, rows in found.items()}
    rows = []
    for measure in tables["solved"]:
        base = tables["by relevance"][measure]
        cells = {name: table[measure].mean() for name, table in tables.items()}
        rows.append({"mean of": measure, **cells, "ratio": interval((tables["solved"][measure] / base).to_numpy())})
    show("steps between neighbours, 50 tracks", rows)


def curves(world: World, seeds: NDArray[np.int64]) -> None:
    """Correlation of a trait over the list with the curve asked for."""
    rows = []
    for trait in ("energy", "tempo"):
        for name, text in CURVES.items():
            curve = Curve.parse(trait, text)
            found, loss = [], []
            for seed in seeds:
                pool = world.pool(int(seed))
                made = solve(pool, RULES, Goals(curves=(curve,)), seed=int(seed))
                values = world.facts.number(trait)[made.rows]
                known = np.isfinite(values)
                found.append(np.corrcoef(values[known], curve.at(N)[known])[0, 1])
                loss.append(1 - np.nanmean(made.scores) / pool.scores[places(pool, by_relevance(pool, RULES))].mean())
            rows.append(
                {"curve": f"{trait} {name}", "correlation": interval(np.array(found)), "relevance lost": np.mean(loss)}
            )
    show("curves, 50 tracks", rows)


def paths(world: World, seeds: NDArray[np.int64]) -> None:
    """Largest step and progress of paths of 12 tracks against points on the straight line."""
    rng = np.random.default_rng(1)
    found: dict[str, list[tuple[float, float, float, bool]]] = {"path": [], "straight line and nearest": []}
    for seed in seeds:
        end = int(rng.choice(np.setdiff1d(np.arange(len(world.facts)), [seed])))
        lists = {
            "path": path(int(seed), end, world.vectors, 12),
            "straight line and nearest": straight(int(seed), end, world.vectors, 12),
        }
        for name, rows in lists.items():
            steps = np.linalg.norm(np.diff(world.vectors[rows], axis=0), axis=1)
            forward = float((np.diff(progress_of(rows, world.vectors)) > 0).mean())
            ends = rows[0] == seed and rows[-1] == end and len(set(rows.tolist())) == 12
            found[name].append((steps.max(), steps.mean(), forward, ends))
    rows = []
    for name, measured in found.items():
        largest, mean, forward, ends = (np.array(column) for column in zip(*measured, strict=True))
        cells = {"largest step": interval(largest), "mean step": interval(mean), "steps forward": forward.mean()}
        rows.append({"list": name, **cells, "exact ends, no repeats": ends.mean()})
    largest = [np.array([m[0] for m in measured]) for measured in found.values()]
    show("paths of 12 tracks", rows)
    print(f"largest step, ratio: {interval(largest[0] / largest[1])}\n")


def exactly(instances: int) -> None:
    """The objective against the best of all arrangements of 5 of 8 candidates."""
    ratios, greedy_ratios = [], []
    for seed in range(instances):
        pool, rules, goals = instance(np.random.default_rng(seed))
        made = solve(pool, rules, goals, seed=seed)
        if made.relaxed:
            continue
        best = optimum(pool, rules, goals)
        ratios.append(made.parts["objective"] / best)
        greedy_ratios.append(worth(pool, greedy(pool, rules, goals), goals) / best)
    for name, values in (("solved", np.array(ratios)), ("greedy (may break rules)", np.array(greedy_ratios))):
        hit = f"optimal in {(values > 1 - 1e-6).mean():.1%} of {len(values)} instances"
        print(f"{name}: {interval(values)} of the optimum, worst {values.min():.3f}, {hit}")
    print()


def instance(rng: np.random.Generator) -> tuple[Pool, Rules, Goals]:
    """Eight candidates by a few artists, random rules and goals."""
    m = 8
    frame = pd.DataFrame({"title": list("abcdefgh"), "artist": [f"artist {a}" for a in rng.integers(0, 5, m)]})
    frame["album"] = [f"album {a}" for a in rng.integers(0, 6, m)]
    frame = frame.assign(duration=rng.uniform(100, 400, m), tempo=rng.uniform(60, 180, m), key=rng.integers(0, 24, m))
    frame = frame.assign(energy=rng.random(m), loudness=rng.normal(-12, 4, m), year=rng.integers(1970, 2010, m))
    vectors = rng.standard_normal((m, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pool = Pool.of(
        Catalogue(frame),
        None,
        rng.random(m),
        likeness=lambda a, b: vectors[a] @ vectors[b].T,
        familiarity=rng.random(m),
    )
    rules = Rules(
        tracks=5,
        max_per_artist=int(rng.integers(1, 4)),
        artist_gap=int(rng.integers(0, 4)),
        max_per_album=2 if rng.random() < 0.5 else None,
        quotas=(
            *([Quota("new", rng.random(m) < 0.5, at_least=float(rng.uniform(0, 0.5)))] if rng.random() < 0.5 else []),
            *([Spread("decades", (frame["year"] // 10).to_numpy(np.int32), 2)] if rng.random() < 0.5 else []),
        ),
    )
    curve = (Curve("energy", ((0, 0.2), (1, 0.9))),) if rng.random() < 0.5 else ()
    goals = Goals(
        diversity=float(rng.random() < 0.5), familiarity=float(rng.random() < 0.5), familiar=0.5, curves=curve
    )
    return pool, rules, goals


def optimum(pool: Pool, rules: Rules, goals: Goals) -> float:
    """The best objective of all arrangements that keep the rules."""
    from recsys.playlists.audit import audit

    objective = Objective.of(pool, goals, 5)
    best = 0.0
    for order in permutations(range(len(pool)), 5):
        found = objective.parts(np.array(order))["objective"]
        if found > best and not audit(pool.rows[list(order)], rules, pool.facts, pool):
            best = found
    return best


def show(title: str, rows: list[dict[str, object]]) -> None:
    """Print a table."""
    table = pd.DataFrame([{k: str(v) if isinstance(v, Interval) else v for k, v in row.items()} for row in rows])
    print(title, table.to_string(index=False, float_format=lambda x: f"{x:.3f}"), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
