"""What dials cost: N@100, coverage@50, popularity lift@10 along novelty, calibration, evenness, on a log of counts.

    python -m tests.measure.dials --log user_artists.dat --split-seed 42 --models als ials
    python -m tests.measure.dials --log user_artists.dat --tags tag_events.parquet --models ials hybrid

The place of each dial is chosen on the validation part: the largest whose loss of N@100 is at most ``--loss``. The test
part is then read at that place only, beside the lists as they are; intervals are paired, over listeners.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from recsys import models
from recsys.evaluation import Interval, metrics
from recsys.evaluation.character import coverage, popularity_lift
from recsys.evaluation.split import Split
from recsys.evening import evening
from recsys.models.blocks import words
from recsys.ranking.dials import Dials, Facts, dialled
from recsys.ranking.mix import bands, classes
from recsys.retrieval import top_lists
from recsys.tables import TopK
from tests.measure import holdout
from tests.measure.judging import relative

K = 100
NOVELTY = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
EVEN = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
CALIBRATE = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


class Turned(NamedTuple):
    """N@100 per listener, coverage@50 and popularity lift@10 of the lists at one place of a dial."""

    ndcg: np.ndarray
    coverage: float
    lift: float


def main() -> None:
    """Parse, fit, turn the dials on validation, read the test where they stand then, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True)
    for name in ("tracks", "content", "tags"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--split-seed", type=int, default=42)
    parser.add_argument("--loss", type=float, default=0.01)
    parser.add_argument("--models", nargs="+", default=["als", "ials"])
    given = parser.parse_args()
    parts = holdout._tagged(holdout._split_log(given, given.split_seed), given.tags)
    for name in given.models:
        valid, test = (_lists(name, split) for split in (parts.hidden, parts.test))
        table = Table("part", "dial", "N@100 against 0, paired", "N@100", "coverage@50", "lift@10", title=name)
        for dial, places in (("novelty", NOVELTY), ("calibrate", CALIBRATE), ("even", EVEN)):
            place = _validated(table, dial, places, parts.hidden, valid, given.loss)
            for at in (0.0, place):
                _add(table, "test", f"{dial} {at}", turned(parts.test, test, {dial: at}), turned(parts.test, test, {}))
        Console(width=120).print(table)


def _validated(table: Table, dial: str, places: tuple[float, ...], split: Split, lists: TopK, loss: float) -> float:
    """The largest place that costs at most ``loss``; every place tried becomes a row."""
    base, chosen = turned(split, lists, {}), 0.0
    _add(table, "valid", f"{dial} 0", base, base)
    for place in places:
        found = turned(split, lists, {dial: place})
        _add(table, "valid", f"{dial} {place}", found, base)
        if found.ndcg.mean() >= (1 - loss) * base.ndcg.mean():
            chosen = place
    return chosen


def _lists(name: str, split: Split) -> TopK:
    model: Any = models.build(name).fit(split.train, rng=np.random.default_rng(0))
    reach = Dials(novelty=1.0).reach(K)
    return top_lists(model, split.histories, reach, users=split.users, exclude=split.histories)


def turned(split: Split, lists: TopK, dials: dict[str, float]) -> Turned:
    """The lists at one place of a dial, against what the split hides."""
    plays = split.train.histories()
    listeners = np.bincount(plays.indices, minlength=plays.shape[1])
    ways: list[sp.csr_array] = [bands(listeners)]
    named = words(split.train.catalogue, ("genre", "tags"))
    if named.nnz:
        ways.append(named)
    facts = Facts(listeners, classes=classes(ways))
    stand = Dials(**dials)  # type: ignore[arg-type]

    def some(rows: np.ndarray, n: int) -> TopK:
        return TopK(lists.rows[rows], lists.scores[rows]).head(n)

    if stand.even:
        facts = facts._replace(offsets=evening(some, split.histories, split.train.catalogue, stand))
    found = dialled(lists, stand, facts, K, histories=split.histories)
    hit, size = metrics.hits(found, split.held), np.diff(split.held.indptr)
    lift = popularity_lift(found, split.histories, listeners, 10)
    spread = coverage(found, int((listeners > 0).sum()), 50)
    return Turned(metrics.ndcg(hit, size, K), spread, float(np.nanmean(lift)))


def _add(table: Table, part: str, place: str, found: Turned, base: Turned) -> None:
    gap: Interval = relative(found.ndcg, base.ndcg)
    cells = f"{gap.mean:+.2%} [{gap.low:+.2%}, {gap.high:+.2%}]", f"{found.ndcg.mean():.4f}"
    table.add_row(part, place, *cells, f"{found.coverage:.3f}", f"{found.lift:+.2f}")


if __name__ == "__main__":
    main()
