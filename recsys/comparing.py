"""Models against each other on a validation part: each at its best setting, then the blend of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recsys import models
from recsys.contracts import Recommender
from recsys.errors import DataError
from recsys.evaluation import metrics, paired, split
from recsys.evaluation.thin import thin
from recsys.models.blend import MEMBERS, PRIOR, Blend
from recsys.models.blocks import blocks
from recsys.models.weighing import Fallback, fit_fallback, looked_at, weigh, weigh_short
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset

BLEND = "blend"
COMPOSED = (BLEND, "ranked")  # made of other models, not compared by themselves
K = 100
SMALL = 2_000_000  # up to so many plays every model is tried, and each on its small grid
LARGE_SET = ("popularity", "itemknn", "rp3beta", "ials", "content", "ridge", "mapped", "hybrid")
JUDGES = 10_000  # listeners at most whose hidden plays compare the models
MANY = 1000  # listeners to learn an order from
TOLERANCE = 0.0025  # share of the blend's measure that counts as no loss
NEW = 0.01  # share of tracks without plays from which a model must be able to list them
PATIENCE = 15.0  # seconds of one fit beyond which a model's grid is not tried
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model on the validation part."""

    name: str
    params: dict[str, Any]
    ndcg: np.ndarray  # per listener, NDCG@100
    recall: np.ndarray  # per listener, Recall@20
    best: np.ndarray  # rows of the first 50 of every list
    coverage: float  # share of tracks in somebody's first 50
    seconds: float
    model: Recommender | None = field(repr=False, default=None)

    @property
    def score(self) -> float:
        """Mean NDCG@100."""
        return float(self.ndcg.mean()) if len(self.ndcg) else 0.0


def best_of(candidates: Sequence[Candidate], *, new_tracks: bool = False) -> Candidate:
    """The model to take: the blend, which answers for new tracks too, unless another did better.

    A single model must be better beyond doubt (95 % interval of the paired difference over listeners), and where there
    are ``new_tracks`` it must know what tracks are: one that goes by plays alone would never list them. The learned
    ranker, which leaves new tracks to the blend and learns from short histories too, must only not lose where it
    learned from many listeners; from few it must be better beyond doubt as well.
    """
    best = max(candidates, key=lambda c: c.score)
    mixed = [c for c in candidates if c.name in COMPOSED]
    if not mixed:
        return best
    blend, ranker = mixed[0], mixed[-1]
    lenient = len(blend.ndcg) >= MANY and ranker.score >= blend.score * (1 - TOLERANCE)
    ours = ranker if lenient or paired(ranker.ndcg, blend.ndcg).low > 0 else blend
    fit_for_new = not new_tracks or models.model_class(best.name).cold
    return best if best not in mixed and fit_for_new and paired(best.ndcg, ours.ndcg).low > 0 else ours


def has_new_tracks(dataset: Dataset) -> bool:
    """Whether one track in a hundred, or more, has no plays and is known by its content."""
    unplayed = np.bincount(dataset.histories().indices, minlength=len(dataset.tracks)) == 0
    if unplayed.mean() < NEW:
        return False
    known = np.zeros(len(unplayed), bool)
    for block in blocks(dataset):
        known |= block.known
    return bool((unplayed & known).mean() >= NEW)


def hidden_part(dataset: Dataset, settings: Settings) -> split.Split:
    """The validation part: a random share of every listener's tracks."""
    return split.warm(dataset, share=settings.train.valid_share, rng=np.random.default_rng(settings.train.seed))


def judges(hidden: split.Split) -> split.Split:
    """The same split with at most ``JUDGES`` of its listeners, evenly spread."""
    if len(hidden) <= JUDGES:
        return hidden
    return _part(hidden, np.linspace(0, len(hidden) - 1, JUDGES).astype(int))


def compare_on(hidden: split.Split, settings: Settings, *, progress: Progress | None = None) -> list[Candidate]:
    """Every model that this data allows, each at its best validated setting, and last the blend of them."""
    names = _names(hidden.train)
    found: list[Candidate] = []
    for done, name in enumerate(names):
        if progress:
            progress("compare models", done, len(names) + 1)
        found.append(_best_of(name, hidden, settings))
    blend = _blend(found, hidden, settings)
    if progress:
        progress("compare models", len(names) + 1, len(names) + 1)
    return [*found, *([blend] if blend else [])]


def _names(dataset: Dataset) -> list[str]:
    wanted = models.NAMES if len(dataset.plays) <= SMALL else LARGE_SET
    return [n for n in wanted if n not in COMPOSED and models.feasible(n, dataset) is None]


def _best_of(name: str, hidden: split.Split, settings: Settings) -> Candidate:
    """The model as the settings say, or where they say nothing the best of its defaults and its small grid."""
    said = settings.models.get(name)
    best = measure(name, said or {}, hidden, seed=settings.train.seed)
    if said or best.seconds > PATIENCE or len(hidden.train.plays) > SMALL:
        return best
    others = (measure(name, params, hidden, seed=settings.train.seed) for params in models.model_class(name).grid)
    return max([best, *others], key=lambda c: c.score)


def measure(name: str, params: dict[str, Any], hidden: split.Split, *, seed: int) -> Candidate:
    """Fit on a split's training side, rank, and compare with what it hides."""
    started = time.perf_counter()
    model = fit(hidden.train, name, params, seed=seed)
    return judged(name, params, model, hidden, started)


def fit(dataset: Dataset, name: str, params: dict[str, Any], *, seed: int) -> Recommender:
    """One model with these hyper-parameters.

    Raises:
        DataError: it can't be fitted on this data; the reason is named.
    """
    problem = models.feasible(name, dataset)
    if problem:
        raise DataError(f"model {name!r} can't be fitted here: {problem}")
    return models.build(name, **params).fit(dataset, rng=np.random.default_rng(seed))


def judged(name: str, params: dict[str, Any], model: Recommender, hidden: split.Split, started: float) -> Candidate:
    """How a fitted model does on what a split hides."""
    lists = top_lists(model, hidden.histories, K, users=hidden.users, exclude=hidden.histories)
    hit, size = metrics.hits(lists, hidden.held), np.diff(hidden.held.indptr)
    return Candidate(
        name=name,
        params=params,
        best=lists.head(50).rows,
        model=model,
        ndcg=metrics.ndcg(hit, size, K),
        recall=metrics.recall(hit, size, 20),
        coverage=_spread(lists.head(50).rows, len(hidden.train.tracks)),
        seconds=time.perf_counter() - started,
    )


def _blend(found: list[Candidate], hidden: split.Split, settings: Settings) -> Candidate | None:
    """The blend of what was fitted, weighed on the hidden part.

    Its own measure is honest: one half of the listeners is ranked with the weights fitted on the other half.
    """
    started = time.perf_counter()
    by_name = {c.name: c for c in found}
    members = [by_name[name] for name, _ in MEMBERS if name in by_name] + [by_name[PRIOR]]
    if len(members) < 3:
        return None
    fallback = _fallback(members, hidden, settings)
    blend = _made(members, hidden.train, None, fallback)
    half = np.arange(len(hidden)) % 2 == 0
    sides = {side: _part(hidden, half if side else ~half) for side in (True, False)}
    seen = {side: looked_at(blend, part.histories, part.held, part.users) for side, part in sides.items()}
    weights = {side: weigh(blend, seen[side]) for side in sides}
    judgements = [
        judged(BLEND, {}, _made(members, hidden.train, weights[not side], fallback), part, started)
        for side, part in sides.items()
    ]
    whole = weigh(blend, [*seen[True], *seen[False]], list(weights.values()))
    rng = np.random.default_rng(settings.train.seed)
    lengths, table = weigh_short(blend, hidden.histories, hidden.held, whole, rng)
    params = _params(members, table, lengths, fallback)
    return _joined(judgements, half, params, len(hidden.train.tracks), time.perf_counter() - started)


def _made(
    members: Sequence[Candidate], dataset: Dataset, weights: np.ndarray | None, fallback: Fallback | None
) -> Blend:
    """A blend of members that are fitted already."""
    shares, half = fallback if fallback else (None, Blend().half)
    each = [1.0] * len(members) if weights is None else [float(w) for w in weights]
    blend = Blend([(c.name, c.params) for c in members], each, None, shares, half)
    return blend.adopt([c.model for c in members if c.model], dataset)


def _params(
    members: Sequence[Candidate], table: list[list[float]], lengths: list[float], fallback: Fallback | None
) -> dict[str, Any]:
    """What the blend is made of, without members that count for nothing; popularity stays."""
    shares = fallback.shares if fallback else [0.0] * len(members)
    used = [i for i, c in enumerate(members) if c.name == PRIOR or shares[i] or any(row[i] for row in table)]
    return {
        "members": [(members[i].name, members[i].params) for i in used],
        "weights": [[float(row[i]) for i in used] for row in table],
        "lengths": lengths,
        "fallback": [shares[i] for i in used] if fallback else None,
        "half": fallback.half if fallback else Blend().half,
    }


def _fallback(members: Sequence[Candidate], hidden: split.Split, settings: Settings) -> Fallback | None:
    """What plays are worth where there are few: learned from tracks whose plays were hidden; None without content."""
    if not any(getattr(c.model, "cold", False) for c in members):
        return None
    try:
        thinned = thin(hidden.train, rng=np.random.default_rng(settings.train.seed))
    except DataError:
        return None
    again = [replace(c, model=fit(thinned.train, c.name, c.params, seed=settings.train.seed)) for c in members]
    blend = _made(again, thinned.train, None, None)
    return fit_fallback(blend, thinned.histories, thinned.held, thinned.users, thinned.pool, thinned.kept)


def _part(hidden: split.Split, some: np.ndarray) -> split.Split:
    """The same split, evaluated on some of its listeners."""
    return replace(hidden, held=hidden.held[some], histories=hidden.histories[some], users=hidden.users[some])


def _joined(parts: list[Candidate], half: np.ndarray, params: dict[str, Any], tracks: int, seconds: float) -> Candidate:
    """Two halves of the listeners, put back in order."""
    first, second = parts
    order = np.argsort(np.concatenate([np.flatnonzero(half), np.flatnonzero(~half)]), kind="stable")
    best = np.concatenate([first.best, second.best])[order]
    return Candidate(
        name=BLEND,
        params=params,
        ndcg=np.concatenate([first.ndcg, second.ndcg])[order],
        recall=np.concatenate([first.recall, second.recall])[order],
        best=best,
        coverage=_spread(best, tracks),
        seconds=seconds,
    )


def _spread(rows: np.ndarray, tracks: int) -> float:
    """Share of all tracks that occur in ``rows``."""
    return len(np.setdiff1d(rows, [-1])) / tracks
