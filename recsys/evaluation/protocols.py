"""A whole experiment: splits, models supplied by the caller, and everything measured about their lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from recsys.errors import DataError, did_you_mean
from recsys.evaluation.exposure import AUDIENCE
from recsys.evaluation.fitted import Fit, Fitted, Ranker
from recsys.evaluation.floors import floors
from recsys.evaluation.measured import extras, measured
from recsys.evaluation.metrics import KS
from recsys.evaluation.result import Result
from recsys.evaluation.split import Split, cold, continuation, strong, temporal, warm
from recsys.evaluation.thawing import thaw
from recsys.tables import Dataset, TopK

PROTOCOLS = ("warm", "strong", "continuation", "cold", "temporal")
ASKED = (*PROTOCOLS, "thaw")  # thaw fits every model once per level, so "all" leaves it out
DEPTH = 500
TIE_DEPTH = 2000  # lists over a pool are asked for this deep before ties are broken


class Prepared(NamedTuple):
    """Splits to run, and why others could not be made."""

    splits: list[Split]
    skipped: dict[str, str]


def prepare(dataset: Dataset, protocol: str = "all", *, seed: int = 42) -> Prepared:
    """The splits of a protocol, or of all that the data allow ("thaw" only by name: it fits models at each level).

    Raises:
        DataError: unknown protocol, or one (asked for by name) that the data do not allow.
    """
    if protocol not in (*ASKED, "all"):
        raise DataError(f"unknown protocol {protocol!r}{did_you_mean(protocol, (*PROTOCOLS, 'all'))}")
    if protocol != "all":
        return Prepared(_splits(dataset, protocol, seed), {})
    made, skipped = [], {}
    for name in PROTOCOLS:
        try:
            made += _splits(dataset, name, seed)
        except DataError as error:
            skipped[name] = str(error)
    return Prepared(made, skipped)


def run(
    splits: Sequence[Split],
    fit: Fit,
    *,
    seed: int = 42,
    draws: int = 1000,
    ks: Sequence[int] = KS,
    depth: int = DEPTH,
    audience: int = AUDIENCE,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[str], None] = lambda message: None,
) -> list[Result]:
    """Fit on each split's training side (once where splits share it), rank, measure.

    Args:
        splits: from ``prepare`` or the splitters.
        fit: the training side in, a ranker by model name out; called with nothing hidden in sight.
        seed: recorded, and used for the bootstrap.
        draws: bootstrap resamples.
        ks: cut-offs of the metrics.
        depth: length of the lists asked for (500, so that clicks and mrr are whole).
        audience: what concerns fewer listeners is not told on its own.
        clock: seconds, for the timings.
        progress: told what begins.
    """
    results: list[Result] = []
    train: Dataset | None = None
    fitted, spent = Fitted({}), 0.0
    for split in splits:
        if split.train is not train:
            progress(f"{split.name}: fitting")
            train, fitted, start = split.train, Fitted({}), clock()  # the old models go before the new ones come
            made = fit(train)
            fitted = made if isinstance(made, Fitted) else Fitted(made)
            spent = clock() - start
        seconds = {"fit": spent}
        shown = fitted if split.pool is None else fitted.beside(floors(split.train, seed=seed))
        lists = _ranked(split, shown.rankers, depth, seed, clock, progress, seconds)
        result = measured(split, lists, seconds, shown, seed=seed, draws=draws, ks=ks, audience=audience)
        results.append(replace(result, **extras(split, fitted, result.primary, seed=seed, draws=draws)))
    return results


def _splits(dataset: Dataset, protocol: str, seed: int) -> list[Split]:
    rng = np.random.default_rng(seed)
    if protocol == "warm":
        return [warm(dataset, rng=rng)]
    if protocol == "strong":
        return [strong(dataset, rng=rng)]
    if protocol == "continuation":
        return continuation(dataset, rng=rng)
    if protocol == "cold":
        return [cold(dataset, rng=rng)]
    if protocol == "thaw":
        return thaw(dataset, rng=rng)
    return [temporal(dataset)]


def _ranked(
    split: Split,
    rankers: Mapping[str, Ranker],
    depth: int,
    seed: int,
    clock: Callable[[], float],
    progress: Callable[[str], None],
    seconds: dict[str, float],
) -> Iterable[tuple[str, TopK]]:
    """One model's lists at a time, so that only one is in memory; fills in ``seconds`` on the way."""
    for name, rank in rankers.items():
        progress(f"{split.name}: ranking with {name}")
        start = clock()
        lists = rank(split.histories, split.users, split.pool, _deep(split, depth))
        seconds[f"rank {name}"] = clock() - start
        yield name, lists if split.pool is None else shuffle_ties(lists, depth, np.random.default_rng(seed))


def shuffle_ties(lists: TopK, depth: int, rng: np.random.Generator) -> TopK:
    """Lists with equal scores in random order, cut to ``depth``.

    A model that can't tell new tracks apart answers in row order, and ids often follow popularity: without
    this it would be credited with knowing what it does not.
    """
    order = np.lexsort((rng.random(lists.scores.shape), -lists.scores), axis=1)[:, :depth]
    return TopK(np.take_along_axis(lists.rows, order, axis=1), np.take_along_axis(lists.scores, order, axis=1))


def _deep(split: Split, depth: int) -> int:
    if split.pool is None:
        return min(depth, len(split.train.tracks))
    return min(max(depth, TIE_DEPTH), len(split.pool))
