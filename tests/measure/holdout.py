"""Every model on a prepared split: chosen on the validation file, fitted on train and validation, the test read once.

    python -m tests.measure.holdout --train train.parquet --valid valid.parquet --test test.parquet

The files have a listener, a track and a count column. Prints N@100 and R@20 with 95 % intervals over listeners and
the paired difference to our iALS, and what folding listeners in (instead of training on them) costs.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from rich.console import Console
from rich.progress import track
from rich.table import Table

from recsys import training
from recsys.evaluation import interval, metrics, paired
from recsys.evaluation.split import Split
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.sources import gather
from recsys.tables import Dataset, Interactions

K = 100
ROUNDS = 40  # of fold-in: so many parts of the listeners, each left out of training once
UNSEEN = np.array([-1], np.int32)


def main() -> None:
    """Parse, choose, fit, read the test once, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("train", "valid", "test"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    whole = gather([given.train, given.valid]).dataset
    settings = Settings().model_copy(update={"train": Settings().train.model_copy(update={"seed": given.seed})})
    first, last = _rows(given.train, whole), _rows(given.valid, whole)
    hidden = _split(replace(whole, plays=_only(whole.plays, first)), last, "valid")
    candidates = training.compare_on(hidden, settings)
    fitted = training.refit(candidates, whole, settings)
    test = _split(whole, _rows(given.test, whole), "test")
    print(f"test: {len(test):,} listeners, {test.held.nnz:,} hidden pairs")
    Console(width=130).print(_table(candidates, {name: _measured(model, test) for name, model in fitted.items()}))
    _fold_in(candidates, whole, test, settings)


def _rows(path: Path, whole: Dataset) -> sp.csr_array:
    """The pairs of a file over the ids of ``whole``, CSR (users, tracks); pairs with an unknown id are left out."""
    part = gather([path]).dataset.plays
    user, track = (
        known.rows(ids.ids[rows], missing="mark")
        for known, ids, rows in ((whole.users, part.users, part.user), (whole.tracks, part.tracks, part.track))
    )
    kept = (user >= 0) & (track >= 0)
    return sp.csr_array((np.ones(kept.sum(), np.float32), (user[kept], track[kept])), shape=whole.plays.shape)


def _only(plays: Interactions, pairs: sp.csr_array) -> Interactions:
    inside = pd.MultiIndex.from_arrays(pairs.nonzero())
    return plays.take(pd.MultiIndex.from_arrays([plays.user, plays.track]).isin(inside))


def _split(train: Dataset, held: sp.csr_array, name: str) -> Split:
    some = np.flatnonzero(np.diff(held.indptr)).astype(np.int32)
    return Split(train, held[some], train.matrix()[some], some, None, name)


def _measured(model: Any, test: Split) -> dict[str, np.ndarray]:
    lists = top_lists(model, test.histories, K, users=test.users, exclude=test.histories)
    hit, size = metrics.hits(lists, test.held), np.diff(test.held.indptr)
    return {"ndcg": metrics.ndcg(hit, size, K), "recall": metrics.recall(hit, size, 20)}


def _table(candidates: list[training.Candidate], found: dict[str, dict[str, np.ndarray]]) -> Table:
    chosen = {c.name: c for c in candidates}
    table = Table("model", "valid N@100", "test N@100 [95 %]", "test R@20", "N@100 against ials, paired", "parameters")
    for name in sorted(found, key=lambda n: -found[n]["ndcg"].mean()):
        ndcg, gap = interval(found[name]["ndcg"]), paired(found[name]["ndcg"], found["ials"]["ndcg"])
        cells = f"{ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]", f"{found[name]['recall'].mean():.4f}"
        against = "" if name == "ials" else f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        table.add_row(name, f"{chosen[name].score:.4f}", *cells, against, str(chosen[name].params))
    return table


def _fold_in(candidates: list[training.Candidate], whole: Dataset, test: Split, settings: Settings) -> None:
    """Each listener once left out of training and folded in, a few at a time, against having been trained on."""
    for name in ("ials", "blend"):
        chosen = [c for c in candidates if name == "blend" or c.name == name]
        trained = _measured(training.refit(chosen, whole, settings)[name], test)["ndcg"]
        folded = np.zeros(len(test))
        for turn in track(range(ROUNDS), f"fold-in, {name}"):
            out = np.arange(len(whole.users)) % ROUNDS == turn
            some = np.flatnonzero(out[test.users])
            fewer = replace(whole, plays=whole.plays.take(~out[whole.plays.user]))
            part = replace(test, held=test.held[some], histories=test.histories[some], users=UNSEEN.repeat(len(some)))
            folded[some] = _measured(training.refit(chosen, fewer, settings)[name], part)["ndcg"]
        gap, base = paired(folded, trained), float(trained.mean())
        print(f"fold-in, {name}: N@{K} {folded.mean():.4f} against {base:.4f} when trained on:", end=" ")
        print(f"{gap.mean / base:+.2%} [{gap.low / base:+.2%}, {gap.high / base:+.2%}]")


if __name__ == "__main__":
    main()
