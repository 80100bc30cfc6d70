"""Lists of every model for one split in, everything there is to say about them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Histories, Rows
from recsys.errors import DataError
from recsys.evaluation import character, exposure, metrics, slices
from recsys.evaluation.fitted import Fitted
from recsys.evaluation.floors import NAMES as FLOORS
from recsys.evaluation.intervals import Interval, interval, intervals
from recsys.evaluation.metrics import KS, PerUser
from recsys.evaluation.result import Result, Source, Turn
from recsys.evaluation.split import Split
from recsys.tables import TopK

REFERENCES = ("popularity", "itemknn", "ease", "als", "ials", "content")
COVER, LIFT, LIST_K = 50, 10, 20  # lengths of list for coverage, popularity lift, and the rest
PerModel = dict[str, dict[str, PerUser]]


def measure(
    split: Split, lists: Mapping[str, TopK], *, seed: int = 42, draws: int = 1000, ks: Sequence[int] = KS
) -> Result:
    """Everything about lists that exist already, one ``TopK`` per model, aligned with ``split.users``."""
    return measured(split, lists.items(), {}, Fitted({}), seed=seed, draws=draws, ks=ks)


def measured(
    split: Split,
    lists: Iterable[tuple[str, TopK]],
    seconds: dict[str, float],
    fitted: Fitted,
    *,
    seed: int,
    draws: int,
    ks: Sequence[int],
    audience: int = exposure.AUDIENCE,
) -> Result:
    """The same, with lists made as they are needed; ``fitted`` says which model is the default and which are mixed."""
    plays = split.train.histories()
    band = slices.bands(np.bincount(plays.indices, minlength=plays.shape[1]))
    per_user: PerModel = {}
    by_band: dict[str, NDArray[np.float64]] = {}
    traits: dict[str, dict[str, float]] = {}
    heard: dict[str, Any] = {}
    for name, found in lists:
        _check_pool(name, found, split.pool)
        per_user[name] = metrics.evaluate(found, split.held, ks)
        by_band[name] = slices.recall_by_band(found, split.held, band, max(ks))
        traits[name] = _character(split, found, plays)
        if name == fitted.default and split.name == "warm":
            heard = _heard(split, found, plays, seed, draws, audience)
    primary = f"ndcg@{max(ks)}"
    activity = {name: numbers[primary] for name, numbers in per_user.items()}
    parts = slices.by_activity(activity, split.histories, primary, seed=seed, draws=draws)
    if split.pool is None:
        parts += slices.by_popularity(by_band, max(ks), seed=seed, draws=draws)
    rival = _rival(activity, fitted)
    return Result(
        protocol=split.name,
        primary=primary,
        accuracy=_nested(intervals(_flat(per_user), seed=seed, draws=draws)),
        differences=_differences(per_user, [*REFERENCES, *([rival] if rival else [])], seed, draws),
        character=traits,
        slices=[part for part in parts if part.listeners >= min(audience, len(split))],
        audience=audience,
        sizes=split.sizes(),
        seconds=seconds,
        seed=seed,
        default=fitted.default,
        rival=rival,
        **heard,
    )


def extras(split: Split, fitted: Fitted, primary: str, *, seed: int, draws: int) -> dict[str, Any]:
    """What each source of candidates finds, and what dials cost; under the warm protocol, where both are read."""
    if split.name != "warm":
        return {}
    brought = fitted.sources(split.histories, split.held, split.users) if fitted.sources else {}
    found = {name: Source(*each) for name, each in brought.items()}
    depth = int(primary.partition("@")[2])
    turned = {at: rank(split.histories, split.users, None, depth) for at, rank in sorted(fitted.dials.items())}
    return {"sources": found, "dials": [_turn(split, *at, lists, seed, draws) for at, lists in turned.items()]}


def _turn(split: Split, dial: str, place: float, lists: TopK, seed: int, draws: int) -> Turn:
    plays = split.train.histories()
    popularity = np.bincount(plays.indices, minlength=plays.shape[1])
    hit, size = metrics.hits(lists, split.held), np.diff(split.held.indptr)
    accuracy = interval(metrics.ndcg(hit, size, lists.rows.shape[1]), seed=seed, draws=draws)
    lift = character.popularity_lift(lists, split.histories, popularity, LIFT)
    cover = character.coverage(lists, len(popularity), COVER)
    return Turn(dial, place, accuracy, cover, float(np.nanmean(lift)))


def _rival(activity: Mapping[str, PerUser], fitted: Fitted) -> str | None:
    """The best single model besides the default; None where no default is said."""
    others = [name for name in activity if name not in (fitted.default, *fitted.mixed, *FLOORS)]
    if fitted.default not in activity or not others:
        return None
    return max(others, key=lambda name: float(activity[name].mean()))


def _check_pool(name: str, lists: TopK, pool: Rows | None) -> None:
    if pool is not None and not np.isin(lists.rows[lists.rows >= 0], pool).all():
        raise DataError(f"{name} recommends tracks outside the {len(pool)} candidates; expected only these")


def _character(split: Split, lists: TopK, plays: Histories) -> dict[str, float]:
    return character.evaluate(
        lists,
        split.histories,
        plays,
        k=LIST_K,
        cover=COVER,
        lift=LIFT,
        tracks=None if split.pool is None else len(split.pool),
        artists=split.train.catalogue.artists,
        spaces={space: vectors.vectors for space, vectors in split.train.contents.items()},
    )


def _heard(split: Split, lists: TopK, plays: Histories, seed: int, draws: int, audience: int) -> dict[str, Any]:
    """Who gets heard in the lists of the default; read under the warm protocol, where all tracks are candidates."""
    catalogue = split.train.catalogue
    return {
        "exposure": exposure.groups(lists, split.held, plays, catalogue, seed=seed, draws=draws, audience=audience),
        "concentration": exposure.concentration(lists, split.held, plays, catalogue.artists),
    }


def _differences(
    per_user: PerModel, references: Sequence[str], seed: int, draws: int
) -> dict[str, dict[str, dict[str, Interval]]]:
    found = {}
    for reference in dict.fromkeys(references):
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
