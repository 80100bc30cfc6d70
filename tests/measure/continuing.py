"""Going on with a list: what `continue` uses against the best single model, after 1, 5 and 10 tracks.

    python -m tests.measure.continuing --log interactions.parquet [--tags tag_events.parquet]
    python -m tests.measure.continuing --world [--lists 1000]

Lists are the histories of listeners of a log of counts, in random order, or playlists of the sample world in theirs. A
fifth of them is kept from everything and read once, a tenth chooses the best single model for each number of tracks and
each measure. The rest trains and compares models as ``recsys train`` does. Lists have at least ``LONG`` tracks; tags of
hidden listeners are left out. R-precision and NDCG@100 of the rest of the list, and clicks (pages of ten tracks to turn
before one is right, less is better); differences are paired over lists, 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from recsys import comparing, nexttrack, training
from recsys.contracts import Recommender, Rows
from recsys.endings import hide
from recsys.evaluation import metrics, paired
from recsys.following import Following
from recsys.models.sequences import HOMES
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.sources import gather
from recsys.sources.columns import find
from recsys.tables import Dataset, TopK
from tests.measure.holdout import _compact, _with_tags
from tests.measure.nexttrack import _padded, _row, listed, world

SEEDS, LONG, DEPTH = (1, 5, 10), 15, 500
JOINED = "joined with what comes next"
MEASURES = ("r_precision", "ndcg@100", "clicks")
Found = dict[tuple[int, str], NDArray[np.float64]]


class Parts(NamedTuple):
    """What is trained on, lists to choose the best single model on, and lists to report."""

    train: Dataset
    valid: Sequence[Rows]
    test: Sequence[Rows]


def main() -> None:
    """Train, choose, read the test lists once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--tags", type=Path)
    parser.add_argument("--world", action="store_true")
    parser.add_argument("--next", action="store_true", help="learn what comes next, too, where lists have an order")
    parser.add_argument("--tracks", type=int, default=320)
    parser.add_argument("--listeners", type=int, default=300)
    parser.add_argument("--lists", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    parts = _of_world(given, rng) if given.world else _of_log(given.log, given.tags, rng)
    settings = Settings()
    candidates = training.compare(parts.train, settings)
    default = comparing.best_of(candidates).name
    fitted = training.refit(candidates, parts.train, settings)
    following = _following(parts.train, candidates, fitted[default], settings) if given.next else None
    print(f"{len(parts.train.plays):,} plays, {len(parts.valid)} lists to choose on, {len(parts.test)} to test")
    tracks = len(parts.train.tracks)
    valid, test = ({name: judged(model, lists, tracks) for name, model in fitted.items()} for lists in parts[1:])
    Console(width=150).print(_table(default, valid, test))
    if following is not None:
        test[JOINED] = judged(fitted[default], parts.test, tracks, following)
        Console(width=150).print(_table(JOINED, valid, test))


def _following(
    dataset: Dataset, candidates: Sequence[comparing.Candidate], engine: Recommender, settings: Settings
) -> Following | None:
    """What comes next, as ``[train] next_track`` learns it, with the networks; None where it is not better."""
    index = training.build_index(dataset, engine, settings.train.seed)
    refit = partial(nexttrack.again, training.Trained(engine, index, list(candidates)), settings)
    chosen, told = nexttrack.choose(dataset, refit, seed=settings.train.seed, names=tuple(HOMES))
    for one in told:
        print("  next track:", one.to_json())
    return None if chosen is None else nexttrack.fitted(chosen, dataset, index, seed=settings.train.seed)


def _of_log(log: Path, tags: Path | None, rng: np.random.Generator) -> Parts:
    """Histories of held-out listeners, in random order."""
    whole = _compact(gather([log]).dataset)
    matrix = whole.matrix()
    long = rng.permutation(np.flatnonzero(np.diff(matrix.indptr) >= LONG))
    ends = np.split(long, [len(long) // 5, len(long) * 3 // 10])[:2]
    test, valid = ([rng.permutation(matrix[[user]].indices) for user in some] for some in ends)
    kept = ~np.isin(whole.plays.user, np.concatenate(ends))
    train = replace(whole, plays=whole.plays.take(kept))
    if tags is not None:
        events = pd.read_parquet(tags)
        named = find(list(events), {}, ("user_id", "track_id", "tags"))
        user = whole.users.rows(events[named["user_id"]].to_numpy(), missing="mark")
        track = whole.tracks.rows(events[named["track_id"]].to_numpy(), missing="mark")
        told = pd.DataFrame({"track": track, "tag": events[named["tags"]]})
        train = _with_tags(train, told[(track >= 0) & ~np.isin(user, np.concatenate(ends))])
    return Parts(train, valid, test)


def _of_world(given: argparse.Namespace, rng: np.random.Generator) -> Parts:
    """Playlists of the sample world."""
    whole = listed(world(given.tracks, given.listeners), given.tracks, given.lists)
    first = hide(whole, rng=rng)
    second = hide(first.train, rng=rng)
    return Parts(second.train, *([one for one in part.lists if len(one) >= LONG] for part in (second, first)))


def judged(model: Recommender, lists: Sequence[Rows], tracks: int, following: Following | None = None) -> Found:
    """Every measure after every number of tracks, one value per list; joined with what comes next where it is given."""
    found: Found = {}
    for count in SEEDS:
        seeds, rest = _rows([one[:count] for one in lists], tracks), _rows([one[count:] for one in lists], tracks)
        made_lists = top_lists(model, seeds, min(DEPTH, tracks), exclude=seeds)
        if following is not None:
            starts = [one[:count] for one in lists]
            joined = [
                _padded(following.joined("continue", s, _row(made_lists, i), DEPTH), DEPTH)
                for i, s in enumerate(starts)
            ]
            made_lists = TopK.concatenate(joined)
        made = metrics.evaluate(made_lists, rest, (100,))
        found |= {(count, name): made[name] for name in MEASURES}
    return found


def _rows(lists: Sequence[Rows], tracks: int) -> sp.csr_array:
    owner = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    one = np.ones(len(owner), np.float32)
    return sp.csr_array((one, (owner, np.concatenate(lists))), shape=(len(lists), tracks))


def _table(default: str, valid: Mapping[str, Found], test: Mapping[str, Found]) -> Table:
    """The default against the single model that was best on the lists to choose on, and against every one."""
    heads = "measure", default, "best single", "its value", "difference [95 %]", "difference to the hardest of all"
    table = Table(*heads)
    singles = [name for name in test if name not in (*comparing.COMPOSED, JOINED)]
    for key in ((count, name) for name in MEASURES for count in SEEDS):
        sign = -1 if key[1] == "clicks" else 1
        best = max(singles, key=lambda name: sign * valid[name][key].mean())
        hardest = max(singles, key=lambda name: sign * test[name][key].mean())
        gaps = [paired(test[default][key], test[name][key]) for name in (best, hardest)]
        cells = [f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" for gap in gaps]
        means = (f"{test[name][key].mean():.4f}" for name in (default, best))
        mine, theirs = means
        table.add_row(f"{key[1]} after {key[0]}", mine, best, theirs, cells[0], f"{hardest} {cells[1]}")
    return table


if __name__ == "__main__":
    main()
