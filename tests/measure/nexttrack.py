"""What comes next in sessions and playlists of the sample world: every next-track model against the fold-in of a model.

    python -m tests.measure.nexttrack --model blend [--of playlists --lists 1000]

Test sequences (last sessions of listeners, or a fifth of the playlists) are hidden from everything. Models and their
weights are chosen on other hidden sequences, see ``recsys.nexttrack``; the test sequences are read once. Printed are
R@10 and N@10 of the last tracks (up to four of each sequence), and for the sequences of at least 12 tracks the rest of
the list after 1, 5 and 10 tracks: R-precision, N@100 and clicks. Differences are paired over sequences: to the lists as
they are (base) and to those joined with how often tracks are in sequences (often).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import api, nexttrack, training
from recsys.contracts import Recommender, Rows
from recsys.endings import Cuts, hide
from recsys.evaluation import metrics, paired
from recsys.following import Following
from recsys.models.sequences import HOMES, next_class, sequences_of
from recsys.models.transitions import Often
from recsys.settings import parse
from recsys.sources.sample import write_world
from recsys.sources.sample.listeners import make_playlists
from recsys.sources.sample.world import make_tracks
from recsys.tables import Dataset, IdMap, Interactions, TopK

SEEDS, LONG, DEPTH = (1, 5, 10), 12, 500
Table = dict[str, NDArray[np.float64]]


def main() -> None:
    """Make the world, choose, read the test sequences once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="blend", help="of the engine whose lists are joined")
    parser.add_argument("--of", choices=["sessions", "playlists"], default="sessions")
    parser.add_argument("--tracks", type=int, default=320)
    parser.add_argument("--listeners", type=int, default=300)
    parser.add_argument("--lists", type=int, default=1000, help="playlists to make by the world's rule")
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    dataset = world(given.tracks, given.listeners)
    dataset = (
        listed(dataset, given.tracks, given.lists) if given.of == "playlists" else replace(dataset, playlists=None)
    )
    measure(dataset, given.model, given.seed)


def world(tracks: int, listeners: int) -> Dataset:
    """The tables of the sample world, without sound."""
    with TemporaryDirectory() as name:
        raw = Path(name) / "raw"
        write_world(raw, tracks=tracks, listeners=listeners, audio=False)
        given = {"tracks": [raw / "tracks.csv"], "content": [raw / "descriptors.csv"]}
        return Dataset.open(api.ingest([raw / "plays.csv"], out=Path(name) / "tables", **given).path)


def listed(dataset: Dataset, tracks: int, count: int) -> Dataset:
    """Plays without times, and so many playlists by the rule that the world's own are made by."""
    made = make_tracks(tracks, np.random.default_rng([0, *b"tracks", 0]))
    rows = dataset.tracks.rows([track.id for track in made], missing="mark")
    rng, lists = np.random.default_rng(7), []
    while len(lists) < count:
        lists += [rows[one] for one in make_playlists(made, 12, rng).values()]
    lists = [one[one >= 0] for one in lists[:count]]
    names = IdMap([f"{i:05d}" for i in range(count)])
    owner = np.repeat(np.arange(count), [len(one) for one in lists]).astype(np.int32)
    place = np.concatenate([np.arange(len(one)) for one in lists])
    one = np.ones(len(owner), np.float32)
    playlists = Interactions(names, dataset.tracks, owner, np.concatenate(lists), one, place)
    return replace(dataset, plays=replace(dataset.plays, time=None), playlists=playlists)


def measure(dataset: Dataset, model: str, seed: int) -> None:
    """One table."""
    test = hide(dataset, rng=np.random.default_rng(seed))
    settings = parse({"train": {"model": model}})
    trained = training.train(test.train, settings)
    assert trained.model is not None
    print(f"{len(sequences_of(test.train))} sequences to learn from, {len(test.lists)} to test, model {model}")
    found: dict[str, dict[str, Table]] = {"continue": {}, "radio": {}}
    nothing = Often().fit(sequences_of(test.train), np.empty((0, 0), np.float32), rng=np.random.default_rng(0))
    chosen = {"base": Following(nothing, {})}
    engines: list[Recommender] = []

    def refit(data: Dataset) -> Recommender:  # every call hides the same
        if not engines:
            engines.append(nexttrack.again(trained, settings, data))
        return engines[0]

    for names in [(name,) for name in HOMES] + [tuple(HOMES)]:
        _, told = nexttrack.choose(test.train, refit, seed=seed, names=names)
        kind = next_class(told[0].model)
        label = f"best: {told[0].model}" if len(names) > 1 else names[0]
        weights = {one.use: one.weight for one in told}
        unfit = Following(kind(**told[0].params), weights)
        chosen[label] = nexttrack.fitted(unfit, test.train, trained.index, seed=seed)
        chosen["often"] = Following(nothing, {one.use: one.often_weight for one in told})
        for one in told:
            print("  validation", label, one.to_json())
    for label, following in chosen.items():
        for use, table in numbers(trained, following, test.lists).items():
            found[use][label] = table
    for use, tables in found.items():
        show(use, tables)


def numbers(trained: training.Trained, following: Following, lists: Sequence[Rows]) -> dict[str, Table]:
    """Every measure by use, one number per sequence."""
    cuts = Cuts.of(lists)
    made = {use: {} for use in nexttrack.USES}
    ends = [np.array([track]) for track in cuts.target.tolist()]
    for use, got in judged(trained, following, cuts.starts, ends).items():
        for name in ("recall@10", "ndcg@10"):
            sums = np.bincount(cuts.owner, got[name]) / np.bincount(cuts.owner)
            made[use][name] = sums
    long = [one for one in lists if len(one) >= LONG]
    for count in SEEDS:
        got_all = judged(trained, following, [one[:count] for one in long], [one[count:] for one in long])
        for use, got in got_all.items():
            for name in ("r_precision", "ndcg@100", "clicks"):
                made[use][f"{name} after {count}"] = got[name]
    return {use: table for use, table in made.items() if table}


def judged(
    trained: training.Trained, following: Following, starts: Sequence[Rows], ends: Sequence[Rows]
) -> dict[str, Table]:
    """What joined lists find of the ends of sequences."""
    assert trained.model is not None
    assert trained.index is not None
    tracks = trained.index.tracks
    row = np.repeat(np.arange(len(ends)), [len(one) for one in ends])
    held = sp.csr_array((np.ones(len(row)), (row, np.concatenate(list(ends)))), shape=(len(ends), tracks))
    found = {}
    for use, base in nexttrack.bases(trained.model, trained.index, starts, tracks).items():
        depth = min(DEPTH, tracks)
        parts = [_padded(following.joined(use, s, _row(base, i), depth), depth) for i, s in enumerate(starts)]
        found[use] = metrics.evaluate(TopK.concatenate(parts), held, (10, 100))
    return found


def _row(lists: TopK, i: int) -> TopK:
    return TopK(lists.rows[i : i + 1], lists.scores[i : i + 1])


def _padded(one: TopK, depth: int) -> TopK:
    more = TopK.empty(1, max(depth - one.rows.shape[1], 0))
    return TopK(np.hstack([one.rows, more.rows])[:, :depth], np.hstack([one.scores, more.scores])[:, :depth])


def show(use: str, tables: dict[str, Table]) -> None:
    """Means, and paired differences to the lists as they are and to how often."""
    print(f"\n{use}: mean, difference to base, difference to often")
    for label, table in tables.items():
        print(f"  {label}")
        for name, values in table.items():
            gaps = [paired(values, tables[other][name]) for other in ("base", "often")]
            told = "  ".join(f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" for gap in gaps)
            print(f"    {name:22s} {values.mean():8.4f}  {told}")


if __name__ == "__main__":
    main()
