"""Every model on a hold-out: chosen on a validation part, fitted on train and validation, the test part read once.

    python -m tests.measure.holdout --train train.parquet --valid valid.parquet --test test.parquet
    python -m tests.measure.holdout --log user_artists.dat --split-seed 42

Files have a listener, a track and a count column. A log is reduced to listeners and tracks with five partners each
and split here: per listener a fifth for the test and a tenth for validation. Prints N@100 and R@20 with 95 % intervals
over listeners, the paired difference to our iALS, and what folding listeners in instead of training on them costs.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from rich.console import Console
from rich.progress import track
from rich.table import Table

from recsys import training
from recsys.evaluation import interval, metrics, paired, warm
from recsys.evaluation.split import Split
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.sources import gather
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

K = 100
ROUNDS = 40  # of fold-in: so many parts of the listeners, each left out of training once
UNSEEN = np.array([-1], np.int32)


class Parts(NamedTuple):
    """``whole`` is train and validation; ``hidden`` and ``test`` are what each hides."""

    whole: Dataset
    hidden: Split
    test: Split


def main() -> None:
    """Parse, choose, fit, read the test part once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "valid", "test", "log"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--split-seed", type=int, default=42)
    parser.add_argument("--fold-in", action="store_true", help="measure fold-in too (some minutes)")
    given = parser.parse_args()
    parts = _split_log(given.log, given.split_seed) if given.log else _prepared(given.train, given.valid, given.test)
    settings = Settings()
    candidates = training.compare_on(parts.hidden, settings)
    fitted = training.refit(candidates, parts.whole, settings)
    print(f"test: {len(parts.test):,} listeners, {parts.test.held.nnz:,} hidden pairs")
    found = {name: _measured(model, parts.test) for name, model in fitted.items()}
    Console(width=130).print(_table(candidates, found))
    if given.fold_in:
        _fold_in(candidates, parts.whole, parts.test, settings)


def _prepared(train: Path, valid: Path, test: Path) -> Parts:
    whole = gather([train, valid]).dataset
    hidden = _split(replace(whole, plays=_only(whole.plays, _rows(train, whole))), _rows(valid, whole), "valid")
    return Parts(whole, hidden, _split(whole, _rows(test, whole), "test"))


def _split_log(log: Path, seed: int) -> Parts:
    plays = _compact(_core(gather([log]).dataset.plays))
    dataset = Dataset(plays, Catalogue.empty(len(plays.tracks)))
    test = warm(dataset, share=0.2, rng=np.random.default_rng(seed))
    return Parts(test.train, warm(test.train, share=0.125, rng=np.random.default_rng(seed)), test)


def _core(plays: Interactions, least: int = 5) -> Interactions:
    """Plays of listeners and tracks that have at least so many partners each."""
    while True:
        pairs = plays.matrix()
        keep = (np.diff(pairs.indptr) >= least)[plays.user]
        keep &= (np.bincount(pairs.indices, minlength=pairs.shape[1]) >= least)[plays.track]
        if keep.all():
            return plays
        plays = plays.take(keep)


def _compact(plays: Interactions) -> Interactions:
    """The same plays over only the ids that occur in them."""
    users, user = np.unique(plays.user, return_inverse=True)
    tracks, track = np.unique(plays.track, return_inverse=True)
    ids = IdMap(plays.users.at(users), "user"), IdMap(plays.tracks.at(tracks), "track")
    return Interactions(*ids, user, track, plays.weight, plays.time)


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
