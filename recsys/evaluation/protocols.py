"""A whole experiment: splits, models supplied by the caller, and everything measured about their lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Histories, Rows
from recsys.errors import DataError, did_you_mean
from recsys.evaluation import character, metrics, slices
from recsys.evaluation.intervals import Interval, intervals
from recsys.evaluation.metrics import KS, PerUser
from recsys.evaluation.result import Result
from recsys.evaluation.split import Split, cold, continuation, strong, temporal, warm
from recsys.tables import Dataset, TopK

PROTOCOLS = ("warm", "strong", "continuation", "cold", "temporal")
REFERENCES = ("popularity", "itemknn", "ease", "als", "ials")
DEPTH = 500
TIE_DEPTH = 2000  # lists over a pool are asked for this deep before ties are broken
LIST_K = 20


class Ranker(Protocol):
    """A fitted model as seen from here: the best ``k`` tracks for each history, seen ones left out."""

    def __call__(self, histories: Histories, users: Rows, pool: Rows | None, k: int) -> TopK:
        """Lists (q, k) for CSR (q, tracks) histories; arguments as the fields of ``Split``."""
        ...


Fit = Callable[[Dataset], Mapping[str, Ranker]]


class Prepared(NamedTuple):
    """Splits to run, and why others could not be made."""

    splits: list[Split]
    skipped: dict[str, str]


def prepare(dataset: Dataset, protocol: str = "all", *, seed: int = 42) -> Prepared:
    """The splits of a protocol, or of all that the data allow.

    Raises:
        DataError: unknown protocol, or one (asked for by name) that the data do not allow.
    """
    if protocol not in (*PROTOCOLS, "all"):
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
        clock: seconds, for the timings.
        progress: told what begins.
    """
    results: list[Result] = []
    train: Dataset | None = None
    rankers: Mapping[str, Ranker] = {}
    fitted = 0.0
    for split in splits:
        if split.train is not train:
            progress(f"{split.name}: fitting")
            train, rankers, start = split.train, {}, clock()  # the old models go before the new ones come
            rankers = fit(train)
            fitted = clock() - start
        seconds = {"fit": fitted}
        lists = _ranked(split, rankers, depth, seed, clock, progress, seconds)
        results.append(_measured(split, lists, seconds, seed=seed, draws=draws, ks=ks))
    return results


def measure(
    split: Split, lists: Mapping[str, TopK], *, seed: int = 42, draws: int = 1000, ks: Sequence[int] = KS
) -> Result:
    """Everything about lists that exist already, one ``TopK`` per model, aligned with ``split.users``."""
    return _measured(split, lists.items(), {}, seed=seed, draws=draws, ks=ks)


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


def _measured(
    split: Split,
    lists: Iterable[tuple[str, TopK]],
    seconds: dict[str, float],
    *,
    seed: int,
    draws: int,
    ks: Sequence[int],
) -> Result:
    plays = split.train.histories()
    band = slices.bands(np.bincount(plays.indices, minlength=plays.shape[1]))
    per_user: dict[str, dict[str, PerUser]] = {}
    by_band: dict[str, NDArray[np.float64]] = {}
    traits: dict[str, dict[str, float]] = {}
    for name, found in lists:
        _check_pool(name, found, split.pool)
        per_user[name] = metrics.evaluate(found, split.held, ks)
        by_band[name] = slices.recall_by_band(found, split.held, band, max(ks))
        traits[name] = _character(split, found, plays)
    primary = f"ndcg@{max(ks)}"
    activity = {name: numbers[primary] for name, numbers in per_user.items()}
    parts = slices.by_activity(activity, split.histories, primary, seed=seed, draws=draws)
    if split.pool is None:
        parts += slices.by_popularity(by_band, max(ks), seed=seed, draws=draws)
    accuracy = _nested(intervals(_flat(per_user), seed=seed, draws=draws))
    differences = _differences(per_user, seed, draws)
    return Result(split.name, primary, accuracy, differences, traits, parts, split.sizes(), seconds, seed)


def _check_pool(name: str, lists: TopK, pool: Rows | None) -> None:
    if pool is not None and not np.isin(lists.rows[lists.rows >= 0], pool).all():
        raise DataError(f"{name} recommends tracks outside the {len(pool)} candidates; expected only these")


def _character(split: Split, lists: TopK, plays: Histories) -> dict[str, float]:
    return character.evaluate(
        lists,
        split.histories,
        plays,
        k=LIST_K,
        tracks=None if split.pool is None else len(split.pool),
        artists=split.train.catalogue.artists,
        spaces={space: vectors.vectors for space, vectors in split.train.contents.items()},
    )


def _differences(
    per_user: dict[str, dict[str, PerUser]], seed: int, draws: int
) -> dict[str, dict[str, dict[str, Interval]]]:
    found = {}
    for reference in REFERENCES:
        others = [name for name in per_user if name != reference]
        if reference in per_user and others:
            base = per_user[reference]
            gaps = {name: {m: values - base[m] for m, values in per_user[name].items()} for name in others}
            found[reference] = _nested(intervals(_flat(gaps), seed=seed, draws=draws))
    return found


def _flat(nested: Mapping[str, Mapping[str, PerUser]]) -> dict[tuple[str, str], PerUser]:
    return {(name, metric): values for name, numbers in nested.items() for metric, values in numbers.items()}


def _nested(flat: Mapping[tuple[str, str], Interval]) -> dict[str, dict[str, Interval]]:
    nested: dict[str, dict[str, Interval]] = {}
    for (name, metric), value in flat.items():
        nested.setdefault(name, {})[metric] = value
    return nested
