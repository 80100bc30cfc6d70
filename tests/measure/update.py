"""What `recsys update` keeps of a full training, and what it costs: on a log of which a part comes late.

    python -m tests.measure.update --log user_artists.dat --split-seed 42
    python -m tests.measure.update --log user_artists.dat --tags tag_events.parquet --models ials hybrid default

Of every listener's tracks a fifth are hidden as test. Of the rest, a tenth of the tracks with all their plays, and a
tenth of the plays of the others, come late: the base is trained without them, updated with them, and compared on the
test with a training on everything. ``default`` is what ``recsys train`` would choose from the base alone. Prints N@100,
the paired ratio with 95 % intervals over listeners, and seconds of processor time: of fitting the chosen model again,
of choosing and fitting it as ``recsys train`` does, and of the update from bundle to bundle, done a second time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from recsys import bundle, comparing, models, record, training
from recsys.engine import Engine
from recsys.evaluation import metrics, paired
from recsys.evaluation.split import Split
from recsys.opened import write_engine
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset, IdMap, Interactions
from recsys.tables.merge import Place
from recsys.updating import update
from tests.measure import holdout

K = 100
TENTH = 0.1


class Parts(NamedTuple):
    """What there is at first, what comes later, and both; ``late`` marks the tracks that come later, (tracks,)."""

    base: Dataset
    new: Dataset
    whole: Dataset
    late: np.ndarray


def main() -> None:
    """Parse, cut, train, update, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True)
    for name in ("tracks", "content", "tags"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--split-seed", type=int, default=42)
    parser.add_argument("--late-seed", type=int, nargs="+", default=[1])
    parser.add_argument("--models", nargs="+", default=["ials", "default"])
    given = parser.parse_args()
    split = holdout._tagged(holdout._split_log(given, given.split_seed), given.tags)
    table = Table("model", "late", "N@100 full", "updated / full [95 %]", "not updated", "late tracks", "seconds")
    for seed in given.late_seed:
        parts = cut(split.whole, np.random.default_rng(seed))
        for name in given.models:
            table.add_row(*_row(name, parts, split.test, seed))
    Console(width=160).print(table)


def cut(whole: Dataset, rng: np.random.Generator) -> Parts:
    """A tenth of the tracks, and a tenth of the plays of the rest, come late."""
    late = np.zeros(len(whole.tracks), bool)
    late[rng.choice(len(late), len(late) // 10, replace=False)] = True
    after = late[whole.plays.track] | (rng.random(len(whole.plays)) < TENTH)
    known = np.zeros(len(late), bool)
    known[whole.plays.track[~after]] = True
    return Parts(taken(whole, ~after, known), taken(whole, after, ~known), whole, ~known)


def taken(whole: Dataset, plays: np.ndarray, told: np.ndarray) -> Dataset:
    """Some of the plays, over the tracks that occur in them or are told about."""
    rows = np.flatnonzero(told | (np.bincount(whole.plays.track[plays], minlength=len(told)) > 0))
    place = np.full(len(told), -1, np.int32)
    place[rows] = np.arange(len(rows))
    part = whole.plays.take(plays)
    ids = IdMap.sorted(whole.tracks.ids[rows], "track")
    contents = {
        name: replace(space, vectors=space.vectors[rows], known=space.known[rows])
        for name, space in whole.contents.items()
    }
    moved = Interactions(part.users, ids, part.user, place[part.track], part.weight, part.time)
    return Dataset(moved, whole.catalogue.take(rows), contents)


def _row(name: str, parts: Parts, test: Split, seed: int) -> Sequence[str]:
    started = time.process_time()
    kind, params = _chosen(name, parts.base)
    choosing = time.process_time() - started
    base = _fit(kind, params, parts.base)
    full, fitting = _timed(lambda: _fit(kind, params, parts.whole))
    with TemporaryDirectory() as folder:
        updated, stale, seconds = _updated(base, parts, Path(folder), seed)
    (best, shown), (mine, own), (old, _) = (_judged(model, test, parts.late) for model in (full, updated, stale))
    gap, mean = paired(mine, best), float(best.mean())
    told = f"fit {fitting:.1f}, train {choosing + fitting:.1f}, update {seconds:.2f}"
    return (
        f"{name} ({', '.join(m for m, _ in params['members'])})" if "members" in params else name,
        str(seed),
        f"{mean:.4f}",
        f"{1 + gap.mean / mean:.3f} [{1 + gap.low / mean:.3f}, {1 + gap.high / mean:.3f}]",
        f"{old.mean() / mean:.3f}",
        f"{own:.3f} of lists, {shown:.3f} in full",
        f"{told}: {seconds / fitting:.1%}, {seconds / (choosing + fitting):.1%}",
    )


def _chosen(name: str, base: Dataset) -> tuple[str, dict[str, Any]]:
    """The model, and its parameters: for ``default`` what is chosen on a validation part of the base."""
    if name != "default":
        return name, {}
    best = comparing.best_of(training.compare(base, Settings()))
    return best.name, best.params


def _fit(kind: str, params: dict[str, Any], dataset: Dataset) -> Any:
    return models.build(kind, **params).fit(dataset, rng=np.random.default_rng(0))


def _timed(make: Any) -> tuple[Any, float]:
    started = time.process_time()
    return make(), time.process_time() - started


def _updated(base: Any, parts: Parts, folder: Path, seed: int) -> tuple[Any, Any, float]:
    """The updated model, the base over the same tracks, and seconds from opening the bundle to the new one."""
    settings = Settings()

    def write(made: Path, dataset: Dataset, model: Any, index: Any) -> dict[str, Any]:
        write_engine(made, dataset, model, index)
        return record.write(made, dataset, model.name, [], settings, 0.0)

    index = training.build_index(parts.base, base, 0)
    bundle.create(folder / "b", lambda made: write(made, parts.base, base, index), time=0)
    for _ in range(2):  # the first loads what is compiled
        started = time.process_time()
        engine = Engine.open(folder / "b")
        done = update(engine, parts.new)
        bundle.create(folder / "new", lambda made: write(made, done.dataset, done.model, done.index), time=1)  # noqa: B023
        seconds = time.process_time() - started
    for line in done.notes:
        print(line)
    everyone = np.arange(len(done.dataset.users), dtype=np.int32)
    stale = base.resized(done.tracks, Place(everyone, len(everyone)))
    return Engine.open(folder / "new").model, stale, seconds


def _judged(model: Any, test: Split, late: np.ndarray) -> tuple[np.ndarray, float]:
    """N@100 per listener, and the share of late tracks in the lists."""
    lists = top_lists(model, test.histories, K, users=test.users, exclude=test.histories)
    hit, size = metrics.hits(lists, test.held), np.diff(test.held.indptr)
    return metrics.ndcg(hit, size, K), float(late[lists.rows[lists.rows >= 0]].mean())


if __name__ == "__main__":
    main()
