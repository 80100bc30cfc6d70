"""A dataset and settings in, a model and an index out: models measured on held-out plays, the best fitted on all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recsys import models
from recsys.audio.space import NAME as SOUND
from recsys.contracts import Recommender
from recsys.errors import DataError
from recsys.evaluation import intervals, metrics, split
from recsys.index import Index
from recsys.models.blend import MEMBERS, PRIOR
from recsys.models.content import content_vectors
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset, Embeddings

BLEND = "blend"
K = 100
SMALL = 2_000_000  # up to so many plays every model is tried, and each on its small grid
LARGE_SET = ("popularity", "itemknn", "rp3beta", "bpr", "ials")
JUDGES = 10_000  # listeners at most whose hidden plays compare the models
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


@dataclass(frozen=True, eq=False)
class Trained:
    """What ``train`` gives: the model (None without plays), the index, and how each model did."""

    model: Recommender | None
    index: Index | None
    candidates: list[Candidate]


def train(dataset: Dataset, settings: Settings, *, progress: Progress | None = None) -> Trained:
    """Choose on a validation part (or take the model that the settings name), then fit on everything.

    Raises:
        DataError: the model asked for can't be fitted on this data; the reason is named.
    """
    name, seed = settings.train.model, settings.train.seed
    if not len(dataset.plays):
        if name:
            raise DataError(f"model {name!r} needs plays and there are none; train without --model for content only")
        return Trained(None, build_index(dataset, None, seed), [])
    chosen, params, candidates = _choose(dataset, settings, progress)
    if progress:
        progress(f"fit {chosen} on everything", 0, 1)
    model = fit(dataset, chosen, params, seed=seed)
    if progress:
        progress(f"fit {chosen} on everything", 1, 1)
    return Trained(model, build_index(dataset, model, seed), candidates)


def _choose(
    dataset: Dataset, settings: Settings, progress: Progress | None
) -> tuple[str, dict[str, Any], list[Candidate]]:
    """Name and parameters of the model to fit, and how each was measured; popularity where nothing can be hidden."""
    name = settings.train.model
    if name and name != BLEND:
        return name, settings.models.get(name, {}), []
    try:
        hidden = _hidden(dataset, settings)
    except DataError:  # too few plays to hide any
        if name:
            raise
        return PRIOR, {}, []
    candidates = compare_on(hidden, settings, progress=progress)
    best = max(candidates, key=lambda c: (c.name == name, c.score))
    if name and best.name != name:
        raise DataError(f"model {name!r} can't be fitted here: fewer than two of its members can")
    return best.name, best.params, candidates


def fit(dataset: Dataset, name: str, params: dict[str, Any], *, seed: int) -> Recommender:
    """One model with these hyper-parameters.

    Raises:
        DataError: it can't be fitted on this data; the reason is named.
    """
    problem = models.feasible(name, dataset)
    if problem:
        raise DataError(f"model {name!r} can't be fitted here: {problem}")
    return models.build(name, **params).fit(dataset, rng=np.random.default_rng(seed))


def compare(dataset: Dataset, settings: Settings, *, progress: Progress | None = None) -> list[Candidate]:
    """Every model that this data allows, each at its best validated setting, and last the blend of them.

    Hidden is a random part of every listener's tracks; what is chosen here is chosen on that part alone.
    """
    return compare_on(_hidden(dataset, settings), settings, progress=progress)


def _hidden(dataset: Dataset, settings: Settings) -> split.Split:
    """The validation part: a random share of every listener's tracks."""
    return split.warm(dataset, share=settings.train.valid_share, rng=np.random.default_rng(settings.train.seed))


def compare_on(hidden: split.Split, settings: Settings, *, progress: Progress | None = None) -> list[Candidate]:
    """The same on a validation part that exists already."""
    if len(hidden) > JUDGES:
        hidden = _part(hidden, np.linspace(0, len(hidden) - 1, JUDGES).astype(int))
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
    return [n for n in wanted if n != BLEND and models.feasible(n, dataset) is None]


def _best_of(name: str, hidden: split.Split, settings: Settings) -> Candidate:
    """The model as the settings say, or where they say nothing the best of its defaults and its small grid."""
    said = settings.models.get(name)
    best = measure(name, said or {}, hidden, seed=settings.train.seed)
    if said or best.seconds > PATIENCE or len(hidden.train.plays) > SMALL:
        return best
    others = (measure(name, params, hidden, seed=settings.train.seed) for params in models.model_class(name).grid)
    return max([best, *others], key=lambda c: c.score)


def _blend(found: list[Candidate], hidden: split.Split, settings: Settings) -> Candidate | None:
    """The blend of what was fitted, weighed on the hidden part.

    Its own measure is honest: one half of the listeners is ranked with the weights fitted on the other half.
    """
    started = time.perf_counter()
    by_name = {c.name: c for c in found}
    members = [by_name[name] for name, _ in MEMBERS if name in by_name] + [by_name[PRIOR]]
    if len(members) < 3:
        return None
    half = np.arange(len(hidden)) % 2 == 0
    crossed = {True: _weighed(members, hidden, half), False: _weighed(members, hidden, ~half)}
    parts = [
        judged(BLEND, {}, crossed[other], _part(hidden, side), started)
        for other, side in ((False, half), (True, ~half))
    ]
    whole = _weighed(members, hidden, np.ones(len(hidden), bool))
    params = {"members": [(c.name, c.params) for c in members], "weights": [float(w) for w in whole.weights_]}
    return _joined(parts, half, params, len(hidden.train.tracks), time.perf_counter() - started)


def _weighed(members: list[Candidate], hidden: split.Split, some: np.ndarray) -> Any:
    part = _part(hidden, some)
    blend: Any = models.build(BLEND)
    blend.adopt([c.model for c in members])
    return blend.fit_weights(part.histories, part.held, part.users)


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


def measure(name: str, params: dict[str, Any], hidden: split.Split, *, seed: int) -> Candidate:
    """Fit on a split's training side, rank, and compare with what it hides."""
    started = time.perf_counter()
    model = fit(hidden.train, name, params, seed=seed)
    return judged(name, params, model, hidden, started)


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


def refit(candidates: list[Candidate], dataset: Dataset, settings: Settings) -> dict[str, Recommender]:
    """Every candidate with the parameters that were chosen for it, fitted on all of ``dataset``."""
    fitted: dict[str, Recommender] = {}
    for candidate in candidates:
        if candidate.name == BLEND:
            blend: Any = models.build(BLEND, **candidate.params)
            fitted[BLEND] = blend.adopt([fitted[name] for name, _ in blend.members])
        else:
            fitted[candidate.name] = fit(dataset, candidate.name, candidate.params, seed=settings.train.seed)
    return fitted


def build_index(dataset: Dataset, model: Recommender | None, seed: int) -> Index | None:
    """Track vectors by taste, by content and by sound alone, side by side; a track nobody has played has no taste."""
    blocks: dict[str, Embeddings] = {}
    vectors = model.track_vectors() if model else None
    if vectors is not None:
        played = np.bincount(dataset.plays.track, minlength=len(dataset.tracks)) > 0
        blocks["collaborative"] = Embeddings.normalised(np.where(played[:, None], vectors, 0), "collaborative")
    if models.feasible("content", dataset) is None:
        blocks["content"] = Embeddings.normalised(content_vectors(dataset), "content")
    if SOUND in dataset.contents:
        blocks[SOUND] = dataset.contents[SOUND]
    return Index.build(blocks, seed=seed) if blocks else None


def table(candidates: list[Candidate], bootstrap: int = 1000) -> list[dict[str, Any]]:
    """How each candidate did, best first, with the paired difference to popularity."""
    base = next((c for c in candidates if c.name == "popularity"), None)
    return [_row(c, base, bootstrap) for c in sorted(candidates, key=lambda c: -c.score)]


def _row(candidate: Candidate, base: Candidate | None, bootstrap: int) -> dict[str, Any]:
    ndcg = intervals.interval(candidate.ndcg, draws=bootstrap)
    gain = (
        intervals.paired(candidate.ndcg, base.ndcg, draws=bootstrap)._asdict()
        if base and base is not candidate
        else None
    )
    return {
        "model": candidate.name,
        "params": candidate.params,
        "ndcg@100": ndcg.mean,
        "interval": [ndcg.low, ndcg.high],
        "recall@20": float(candidate.recall.mean()),
        "coverage@50": candidate.coverage,
        "gain": gain,
        "seconds": round(candidate.seconds, 3),
    }
