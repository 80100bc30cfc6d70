"""What skips are worth: lists bent away from what was skipped, on simulated listening of the sample world.

    python -m tests.measure.dislikes [--listeners 500 --tracks 600 --worlds 5 --model ials]

A fifth of what each listener met is hidden. Some of it was heard, some only skipped (the simulated listener skips what
fits badly). What was met and is not hidden can be no answer and is in no list, so that the gain is that of likeness to
skips alone. Each strength of the dial is judged by N@100 of what was heard, and by how much of the hidden that is in
the first 20 was skipped. The strength is chosen on the first world, on N@100; the others are read at that strength and
at the default. Differences to a list without the dial are paired over listeners. This is simulated listening: skips
say there as much as the simulation put into them.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from recsys import models
from recsys.contracts import Histories
from recsys.evaluation import metrics
from recsys.models.base import divided
from recsys.ranking.dials import Dials, Facts, dialled
from recsys.ranking.dislikes import disliked
from recsys.retrieval import top_lists
from recsys.sources.sample.listeners import simulate_plays
from recsys.sources.sample.world import make_tracks
from recsys.tables import Catalogue, Dataset, IdMap, Interactions, TopK
from tests.measure.judging import relative

STRENGTHS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
USUAL = Dials().dislike or 0.1
K, FIRST, SHARE = 100, 20, 0.2


class World(NamedTuple):
    """Plays and skips that models see, and pairs that are hidden: heard, and only skipped; each CSR (users, tracks)."""

    seen: Dataset
    heard: Histories
    skipped: Histories


class Turned(NamedTuple):
    """N@100 per listener, and hidden pairs in the first 20 that were heard and that were skipped, per listener."""

    ndcg: np.ndarray
    heard: np.ndarray
    skipped: np.ndarray

    @property
    def share(self) -> float:
        """Share of skips among the hidden pairs that are listed early."""
        return float(self.skipped.sum() / max(1, self.skipped.sum() + self.heard.sum()))


def main() -> None:
    """Parse, choose on the first world, read the others, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("listeners", 500), ("tracks", 600), ("worlds", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--model", default="ials")
    given = parser.parse_args()
    table = Table("world", "strength", "N@100", "against none, paired", "skips among hidden in the first 20")
    pairs: dict[float, list[tuple[Turned, Turned]]] = {}
    chosen = 0.0
    for seed in range(given.worlds):
        world = made(given.tracks, given.listeners, np.random.default_rng(seed))
        lists = listed(world, given.model)
        base = turned(world, lists, 0.0)
        tried = {s: turned(world, lists, s) for s in (STRENGTHS if not seed else sorted({USUAL, chosen}))}
        _add(table, str(seed), 0.0, base, base)
        for strength, found in tried.items():
            _add(table, str(seed), strength, found, base)
            if seed:
                pairs.setdefault(strength, []).append((found, base))
        if not seed:
            chosen = max(tried, key=lambda s: tried[s].ndcg.mean())
    for strength, found in pairs.items():
        every = [
            Turned(*(np.concatenate(part) for part in zip(*side, strict=True))) for side in zip(*found, strict=True)
        ]
        _add(table, f"1–{given.worlds - 1}", strength, *every)
        print(f"at {strength}: skips among hidden in the first 20: {every[1].share:.3f} → {every[0].share:.3f}")
    Console(width=110).print(table)


def made(tracks: int, listeners: int, rng: np.random.Generator) -> World:
    """A simulated log, of which a fifth of each listener's tracks is hidden."""
    log = simulate_plays(make_tracks(tracks, rng), listeners, rng)
    pairs = log.groupby(["user", "track"])["skipped"].agg(["sum", "count", "min"]).reset_index()
    hidden = rng.random(len(pairs)) < SHARE
    shape = (listeners, tracks)

    def matrix(some: pd.Series[bool]) -> Histories:
        part = pairs[some & hidden]
        return sp.csr_array((np.ones(len(part), np.float32), (part["user"], part["track"])), shape=shape)

    keys = pairs["user"] * tracks + pairs["track"]
    left = log[~(log["user"] * tracks + log["track"]).isin(keys[hidden])]
    users, ids = IdMap(range(listeners)), IdMap(range(tracks))

    def layer(part: pd.DataFrame) -> Interactions:
        each = (part[name].to_numpy() for name in ("user", "track"))
        return Interactions(users, ids, *each, np.ones(len(part)), part["timestamp"].to_numpy())

    plays, skips = (layer(left[left["skipped"] == flag]) for flag in (False, True))
    seen = Dataset(plays, Catalogue.empty(tracks), skips=skips)
    return World(seen, matrix(~pairs["min"]), matrix(pairs["min"]))


def listed(world: World, name: str) -> tuple[TopK, np.ndarray]:
    """Longer lists by a model that knows plays alone, and unit vectors of its tracks."""
    model = models.build(name).fit(world.seen, rng=np.random.default_rng(0))
    histories = world.seen.matrix()
    reach = min(Dials(dislike=1.0, novelty=0.1).reach(K), histories.shape[1])
    vectors = model.track_vectors()
    assert vectors is not None
    unit = divided(vectors, np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    assert world.seen.skips is not None
    met = sp.csr_array(histories + world.seen.skips.matrix())
    return top_lists(model, histories, reach, users=np.arange(len(world.seen.users)), exclude=met), unit


def turned(world: World, lists: tuple[TopK, np.ndarray], strength: float) -> Turned:
    """The lists at one strength of the dial."""
    seen, skips = world.seen, world.seen.skips
    assert skips is not None
    assert seen.plays.time is not None
    histories = seen.matrix()
    mine = disliked(skips.matrix(), skips.last_times(), histories, float(seen.plays.time.max()), Dials().half_life)
    facts = Facts(np.bincount(histories.indices, minlength=histories.shape[1]), vectors=lists[1])
    dials = Dials(dislike=strength)
    found = dialled(lists[0], dials, facts, K, histories=histories, dislikes=mine if strength else None)
    some = np.diff(world.heard.indptr) > 0
    found = TopK(found.rows[some], found.scores[some])
    heard, gone = metrics.hits(found, world.heard[some]), metrics.hits(found, world.skipped[some])
    early = (hit[:, :FIRST].sum(axis=1) for hit in (heard, gone))
    return Turned(metrics.ndcg(heard, np.diff(world.heard.indptr)[some], K), *early)


def _add(table: Table, world: str, strength: float, found: Turned, base: Turned) -> None:
    gap = relative(found.ndcg, base.ndcg)
    told = f"{gap.mean:+.2%} [{gap.low:+.2%}, {gap.high:+.2%}]" if strength else ""
    table.add_row(world, f"{strength:g}", f"{found.ndcg.mean():.4f}", told, f"{found.share:.3f}")


if __name__ == "__main__":
    main()
