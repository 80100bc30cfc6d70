"""Every model on a hold-out: chosen on a validation part, fitted on train and validation, the test part read once.

    python -m tests.measure.holdout --train train.parquet --valid valid.parquet --test test.parquet
    python -m tests.measure.holdout --log user_artists.dat --split-seed 42 1 2
    python -m tests.measure.holdout --log plays.parquet --tracks tracks.parquet --tags tag_events.parquet

Files have a listener, a track and a count column. A log is reduced to listeners and tracks with five partners each
and split here, per listener a fifth for the test and a tenth for validation. ``--tracks`` is a table of tracks (title,
artist, genre, tags, …), ``--content`` one of numbers or vectors; ``--tags`` has a listener, a track and a ``tag``
column, and its rows about hidden pairs are dropped, because the same listeners made them. Prints N@100 with intervals
over listeners, R@20, coverage@50 and popularity lift@10, the paired difference of what ``recsys train`` would choose
to every other model (and, of several seeds, of all listeners pooled), and what folding listeners in costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from rich.console import Console
from rich.progress import track
from rich.table import Table

from recsys import comparing, training
from recsys.assessment import ranker
from recsys.comparing import Candidate
from recsys.evaluation import interval, paired, warm
from recsys.evaluation.split import Split
from recsys.settings import Settings
from recsys.sources import gather
from recsys.sources.columns import find
from recsys.tables import Catalogue, Dataset, IdMap, Interactions
from tests.measure.judging import Judged, judge

ROUNDS = 40  # of fold-in: so many parts of the listeners, each left out of training once
UNSEEN = np.array([-1], np.int32)


class Parts(NamedTuple):
    """``whole`` is train and validation; ``hidden`` and ``test`` are what each hides."""

    whole: Dataset
    hidden: Split
    test: Split


def main() -> None:
    """Parse, choose, fit, read each test part once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "valid", "test", "log", "tracks", "content", "tags"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--split-seed", type=int, nargs="+", default=[42])
    parser.add_argument("--fold-in", action="store_true", help="measure fold-in too (some minutes)")
    given = parser.parse_args()
    rounds = []
    for seed in given.split_seed if given.log else [None]:
        parts = _tagged(_split_log(given, seed) if given.log else _prepared(given), given.tags)
        settings = Settings()
        candidates = training.compare_hidden(parts.hidden, settings)
        default = comparing.best_of(candidates).name
        fitted = training.refit(candidates, parts.whole, settings)
        print(f"split seed {seed}: {len(parts.test):,} listeners, {parts.test.held.nnz:,} hidden pairs")
        found = {name: judge(ranker(model), parts.test) for name, model in fitted.items()}
        Console(width=150).print(_table(candidates, found, default))
        rounds.append((default, found))
        if given.fold_in:
            _fold_in(candidates, parts, settings)
    if len(rounds) > 1:
        _pooled(rounds)


def _prepared(given: argparse.Namespace) -> Parts:
    whole = _read(given, given.train, given.valid)
    plays = _only(whole.plays, _rows(given.train, whole))
    hidden = _split(replace(whole, plays=plays), _rows(given.valid, whole), "valid")
    return Parts(whole, hidden, _split(whole, _rows(given.test, whole), "test"))


def _split_log(given: argparse.Namespace, seed: int) -> Parts:
    dataset = _compact(_read(given, given.log))
    test = warm(dataset, share=0.2, rng=np.random.default_rng(seed))
    return Parts(test.train, warm(test.train, share=0.125, rng=np.random.default_rng(seed)), test)


def _read(given: argparse.Namespace, *plays: Path) -> Dataset:
    tracks, content = ([path] if path else [] for path in (given.tracks, given.content))
    return gather(plays, tracks=tracks, content=content).dataset


def _compact(dataset: Dataset, least: int = 5) -> Dataset:
    """Listeners and tracks with at least so many partners each, over only these ids."""
    plays = dataset.plays
    while True:
        pairs = plays.matrix()
        keep = (np.diff(pairs.indptr) >= least)[plays.user]
        keep &= (np.bincount(pairs.indices, minlength=pairs.shape[1]) >= least)[plays.track]
        if keep.all():
            break
        plays = plays.take(keep)
    users, user = np.unique(plays.user, return_inverse=True)
    tracks, track_ = np.unique(plays.track, return_inverse=True)
    ids = IdMap(plays.users.at(users), "user"), IdMap(plays.tracks.at(tracks), "track")
    contents = {
        name: replace(space, vectors=space.vectors[tracks], known=space.known[tracks])
        for name, space in dataset.contents.items()
    }
    fewer = Interactions(*ids, user, track_, plays.weight, plays.time)
    return Dataset(fewer, dataset.catalogue.take(tracks), contents)


def _tagged(parts: Parts, path: Path | None) -> Parts:
    """The same with tags in the catalogue, without those that a listener gave to a track hidden from training."""
    if path is None:
        return parts
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep=None, engine="python")
    named = find(list(frame), {}, ("user_id", "track_id", "tags"))
    user, track_ = (
        ids.rows(frame[named[name]].to_numpy(), missing="mark")
        for ids, name in ((parts.whole.users, "user_id"), (parts.whole.tracks, "track_id"))
    )
    events = pd.DataFrame({"user": user, "track": track_, "tag": frame[named["tags"]]}).query("track >= 0")
    hidden = {part: _pairs(split) for part, split in (("hidden", parts.hidden), ("test", parts.test))}
    width = len(parts.whole.tracks)
    key = events["user"].astype(np.int64) * width + events["track"]
    without_test = events[~((events["user"] >= 0) & key.isin(hidden["test"]))]
    without_any = without_test[~key[without_test.index].isin(hidden["hidden"])]
    whole, train = (
        _with_tags(data, part) for data, part in ((parts.whole, without_test), (parts.hidden.train, without_any))
    )
    return Parts(whole, replace(parts.hidden, train=train), replace(parts.test, train=whole))


def _pairs(split: Split) -> np.ndarray:
    """Keys of the hidden pairs."""
    owner = np.repeat(split.users.astype(np.int64), np.diff(split.held.indptr))
    return owner * split.held.shape[1] + split.held.indices


def _with_tags(dataset: Dataset, events: pd.DataFrame) -> Dataset:
    """Each track's tags, the most frequent first."""
    counts = events.groupby(["track", "tag"]).size().rename("count").reset_index()
    counts = counts.sort_values(["track", "count", "tag"], ascending=[True, False, True])
    tags = counts.groupby("track")["tag"].agg(list).reindex(range(len(dataset.tracks)))
    return replace(dataset, catalogue=Catalogue(dataset.catalogue.frame.assign(tags=tags.to_numpy(object))))


def _rows(path: Path, whole: Dataset) -> sp.csr_array:
    """The pairs of a file over the ids of ``whole``, CSR (users, tracks); pairs with an unknown id are left out."""
    part = gather([path]).dataset.plays
    user, track_ = (
        known.rows(ids.ids[rows], missing="mark")
        for known, ids, rows in ((whole.users, part.users, part.user), (whole.tracks, part.tracks, part.track))
    )
    kept = (user >= 0) & (track_ >= 0)
    return sp.csr_array((np.ones(kept.sum(), np.float32), (user[kept], track_[kept])), shape=whole.plays.shape)


def _only(plays: Interactions, pairs: sp.csr_array) -> Interactions:
    inside = pd.MultiIndex.from_arrays(pairs.nonzero())
    return plays.take(pd.MultiIndex.from_arrays([plays.user, plays.track]).isin(inside))


def _split(train: Dataset, held: sp.csr_array, name: str) -> Split:
    some = np.flatnonzero(np.diff(held.indptr)).astype(np.int32)
    return Split(train, held[some], train.matrix()[some], some, None, name)


def _table(candidates: list[Candidate], found: dict[str, Judged], default: str) -> Table:
    chosen = {c.name: c for c in candidates}
    heads = "model", "valid N@100", "test N@100 [95 %]", "R@20", "cov@50", "lift@10", f"{default} against it, paired"
    table = Table(*heads, "parameters")
    for name in sorted(found, key=lambda n: -found[n].ndcg.mean()):
        one, ndcg = found[name], interval(found[name].ndcg)
        gap = paired(found[default].ndcg, one.ndcg)
        cells = f"{ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]", f"{one.recall.mean():.4f}"
        beyond = f"{one.coverage:.3f}", f"{one.lift:+.2f}"
        against = "" if name == default else f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        settings = str(chosen[name].params) if name not in comparing.COMPOSED else "see above"
        table.add_row(name, f"{chosen[name].score:.4f}", *cells, *beyond, against, settings)
    return table


def _pooled(rounds: Sequence[tuple[str, dict[str, Judged]]]) -> None:
    """The default of each seed against every single model, over the listeners of all seeds."""
    names = [n for n in rounds[0][1] if all(n in found for _, found in rounds)]
    mine = np.concatenate([found[default].ndcg for default, found in rounds])
    print(f"over {len(rounds)} seeds: default N@100 {interval(mine)}, R@20", end=" ")
    print(f"{np.mean([found[default].recall.mean() for default, found in rounds]):.4f}; against")
    for name in sorted(names, key=lambda n: -np.mean([found[n].ndcg.mean() for _, found in rounds])):
        theirs = np.concatenate([found[name].ndcg for _, found in rounds])
        gap = paired(mine, theirs)
        print(f"  {name:<12} {theirs.mean():.4f}  {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]")


def _fold_in(candidates: list[Candidate], parts: Parts, settings: Settings) -> None:
    """Each listener once left out of training and folded in, a few at a time, against having been trained on."""
    whole, test = parts.whole, parts.test
    for name in ("ials", "blend"):
        chosen = [c for c in candidates if name == "blend" or c.name == name]
        trained = judge(ranker(training.refit(chosen, whole, settings)[name]), test).ndcg
        folded = np.zeros(len(test))
        for turn in track(range(ROUNDS), f"fold-in, {name}"):
            out = np.arange(len(whole.users)) % ROUNDS == turn
            some = np.flatnonzero(out[test.users])
            fewer = replace(whole, plays=whole.plays.take(~out[whole.plays.user]))
            part = replace(test, held=test.held[some], histories=test.histories[some], users=UNSEEN.repeat(len(some)))
            folded[some] = judge(ranker(training.refit(chosen, fewer, settings)[name]), part).ndcg
        gap, base = paired(folded, trained), float(trained.mean())
        print(f"fold-in, {name}: N@100 {folded.mean():.4f} against {base:.4f} when trained on:", end=" ")
        print(f"{gap.mean / base:+.2%} [{gap.low / base:+.2%}, {gap.high / base:+.2%}]")


if __name__ == "__main__":
    main()
