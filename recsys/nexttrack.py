"""Which next-track model is worth having: chosen on the ends of sequences that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import comparing, nearby, training
from recsys.comparing import Progress
from recsys.contracts import Floats, Recommender, Rows
from recsys.endings import MOST, SHARE, Cuts, hide
from recsys.evaluation import paired
from recsys.following import Following, union
from recsys.index import Index
from recsys.models.sequences import (
    HOMES,
    QUICK,
    NextModel,
    beginnings,
    build_next,
    next_class,
    sequences_of,
)
from recsys.models.transitions import Often
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset, TopK

WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)
LEAST = 100  # ends of sequences to choose on; fewer can't tell
CELLS = 30_000_000  # ends × tracks at most
DEPTH = 1000  # of the lists that are put in another order
K = 10
BATCH = 64
USES = {"continue": 5, "radio": 3}  # how many of the weights may be chosen: what is near stays half of a radio
Refit = Callable[[Dataset], Recommender]
Params = Mapping[str, Mapping[str, Any]]
NO_PARAMS: Params = MappingProxyType({})


@dataclass(frozen=True)
class Judgement:
    """A next-track model joined to the lists of one use: what it gains on sequences that it was not chosen on.

    Attributes:
        base, often, joined: NDCG@10 of the next track, mean over sequences: of the lists as they are, joined with how
            often tracks are in sequences, and joined with the model.
        often_weight: the best weight of how often.
        low, high: 95 % interval of the paired difference of ``joined`` to ``base``.
        most: what it is better than ``often`` at most, the upper end of the interval of that difference.
    """

    use: str
    model: str
    params: Mapping[str, Any]
    weight: float
    base: float
    often: float
    joined: float
    low: float
    high: float
    most: float
    often_weight: float

    @property
    def sure(self) -> bool:
        """Whether it makes the lists better beyond doubt, and how often alone would not be better beyond doubt."""
        return self.low > 0 and self.most > 0

    def to_json(self) -> dict[str, Any]:
        """For a manifest."""
        told = {"use": self.use, "model": self.model, "params": dict(self.params), "weight": self.weight}
        numbers = {name: getattr(self, name) for name in ("base", "often", "joined", "low", "high", "most")}
        return {**told, **{name: round(value, 4) for name, value in numbers.items()}, "used": self.sure}


def learn(
    dataset: Dataset, trained: training.Trained, settings: Settings, *, progress: Progress | None = None
) -> tuple[Following | None, list[Judgement]]:
    """A next-track model for an engine that was just trained, where it makes lists better, and how it was judged.

    Networks (gru, sasrec) are tried only where ``settings.models`` names them. (None, []) where the settings forbid it
    or say nothing and there are few playlists, nothing has an order, or the log is so large that models are not
    compared.
    """
    wanted = _enough(dataset) if settings.train.next_track is None else settings.train.next_track
    if not wanted or trained.model is None or len(dataset.plays) > comparing.SMALL:
        return None, []
    seed = settings.train.seed
    if progress:
        progress("learn what comes next", 0, 1)
    names = [name for name in HOMES if name in QUICK or name in settings.models]
    refit = partial(again, trained, settings)
    chosen, told = choose(dataset, refit, seed=seed, names=names, params=settings.models)
    if progress:
        progress("learn what comes next", 1, 1)
    return (fitted(chosen, dataset, trained.index, seed=seed) if chosen else None), told


def _enough(dataset: Dataset) -> bool:
    """Whether the playlists that are hidden are enough to choose on."""
    lists = dataset.playlists
    return lists is not None and lists.time is not None and SHARE * len(np.unique(lists.user)) >= LEAST


def again(trained: training.Trained, settings: Settings, dataset: Dataset) -> Recommender:
    """The model that was chosen, with the same parameters, fitted on another dataset."""
    assert trained.model is not None
    name = trained.model.name
    chosen = next((c for c in trained.candidates if c.name == name), None)
    if chosen is None:
        return comparing.fit(dataset, name, trained.model.params(), seed=settings.train.seed)
    needed = {name, *(member for member, _ in chosen.params.get("members", ()))}
    return training.refit([c for c in trained.candidates if c.name in needed], dataset, settings)[name]


def choose(
    dataset: Dataset, refit: Refit, *, seed: int, names: Sequence[str] = QUICK, params: Params = NO_PARAMS
) -> tuple[Following | None, list[Judgement]]:
    """The next-track model that makes the continuation of lists better, for each use that it makes better.

    Judged are the last tracks of hidden sequences, by NDCG@10, in the lists that the engine makes by itself
    ("continue": its model; "radio": what is near) and in the same lists joined. Each half of the sequences is judged
    with what was chosen on the other half; one model serves all uses, the one that gains most in sum.

    Args:
        refit: an engine's model on another dataset.
        names: models to try.
        params: their parameters by name, instead of defaults and grids.

    Returns:
        The model, not yet fitted on everything (see ``fitted``), and how each use was judged; (None, []) for data
        without order or with too little of it.
    """
    hidden = hide(dataset, rng=np.random.default_rng(seed))
    heard = sequences_of(hidden.train)
    if len(hidden.lists) < LEAST or not len(heard):
        return None, []
    engine = refit(hidden.train)
    index = training.build_index(hidden.train, engine, seed)
    most = int(np.clip(CELLS // heard.tracks, LEAST, MOST))
    lists = [hidden.lists[i] for i in np.random.default_rng(seed).permutation(len(hidden.lists))[:most]]
    cuts = Cuts.of(lists)
    vectors = space(index, len(dataset.tracks))
    trials: list[NextModel] = [Often(), *(made for name in names for made in variants(name, vectors, params.get(name)))]
    for model in trials:
        model.fit(heard, vectors, rng=np.random.default_rng(seed))
    lists_by_use = bases(engine, index, cuts.starts, heard.tracks)
    return judged(trials, {use: gained(trials, found, cuts) for use, found in lists_by_use.items()})


def variants(name: str, vectors: Floats, said: Mapping[str, Any] | None = None) -> list[NextModel]:
    """A model as it is said, else at its defaults and on its small grid; none where it lacks vectors."""
    cls = next_class(name)
    if said:
        return [build_next(name, **said)]
    return [] if cls.unheard and not vectors.any() else [cls(), *(cls(**params) for params in cls.grid)]


def space(index: Index | None, tracks: int) -> Floats:
    """What tracks are compared by, blocks side by side, float32 (tracks, d); d = 0 without an index."""
    names = [] if index is None else [name for name in ("collaborative", "content") if name in index.blocks]
    parts = [np.empty((tracks, 0), np.float32), *(index.vectors(name) for name in names if index)]
    return np.concatenate(parts, axis=1)


def bases(engine: Recommender, index: Index | None, starts: Sequence[Rows], tracks: int) -> dict[str, TopK]:
    """What an engine makes of beginnings by itself, by use; tracks of the beginning are left out."""
    joined = np.concatenate([np.empty(0, np.int32), *starts])
    row = np.repeat(np.arange(len(starts)), [len(one) for one in starts])
    history = sp.csr_array((np.ones(len(joined), np.float32), (row, joined)), shape=(len(starts), tracks))
    depth = min(DEPTH, tracks)
    found = {"continue": top_lists(engine, history, depth, exclude=history)}
    if index is not None and {"collaborative", "content"} & set(index.blocks):
        weights = nearby.weights(index, "hybrid", 0.5)
        seeds = [nearby.Seeds("", one) for one in starts]
        queries = {block: np.concatenate([seed.query(index, block) for seed in seeds]) for block in weights}
        found["radio"] = index.search(queries, depth, weights=weights, exclude=history)
    return found


def judged(trials: Sequence[NextModel], gains: Mapping[str, Floats]) -> tuple[Following | None, list[Judgement]]:
    """Choose on all sequences; tell what choosing on each half gains on the other.

    Args:
        trials: models, the first of them ``Often``.
        gains: by use, (trials, 1 + weights, sequences) as ``gained`` gives them.
    """
    count = next(iter(gains.values())).shape[2]
    half = np.arange(count) % 2 == 0
    sides = [(half, _best(gains, half)), (~half, _best(gains, ~half))]
    final = _best(gains, np.ones(count, bool))
    model, told = trials[final.trial], []
    for use, table in gains.items():
        joined, often = np.zeros(count), np.zeros(count)
        for side, chosen in sides:
            joined[~side] = table[chosen.trial, chosen.place[use], ~side]
            often[~side] = table[0, chosen.often[use], ~side]
        base = table[0, 0]
        gap, most = paired(joined, base), paired(joined, often).high
        means = (float(base.mean()), float(often.mean()), float(joined.mean()))
        weight = WEIGHTS[final.place[use] - 1]
        often_weight = WEIGHTS[final.often[use] - 1]
        told.append(Judgement(use, model.name, model.params(), weight, *means, gap.low, gap.high, most, often_weight))
    weights = {one.use: one.weight for one in told if one.sure}
    return (Following(model, weights) if weights else None), told


class _Choice(NamedTuple):
    """The best trial, and the columns of the best weights by use: of that trial, and of ``Often``."""

    trial: int
    place: dict[str, int]
    often: dict[str, int]


def _best(gains: Mapping[str, Floats], some: NDArray[np.bool_]) -> _Choice:
    mean = {use: table[:, 1 : 1 + USES[use], some].mean(axis=2) for use, table in gains.items()}
    worth = np.sum([table.max(axis=1) for table in mean.values()], axis=0)
    trial = 1 + int(np.argmax(worth[1:]))
    place = {use: 1 + int(np.argmax(table[trial])) for use, table in mean.items()}
    return _Choice(trial, place, {use: 1 + int(np.argmax(table[0])) for use, table in mean.items()})


def gained(trials: Sequence[NextModel], found: TopK, cuts: Cuts) -> Floats:
    """NDCG@10 of the next track, mean of each sequence's cuts, (trials, 1 + weights, sequences).

    The first column is the list as it was.
    """
    made = np.zeros((len(trials), 1 + len(WEIGHTS), len(cuts.starts)), np.float32)
    for start in range(0, len(cuts.starts), BATCH):
        some = range(start, min(start + BATCH, len(cuts.starts)))
        recent = beginnings([cuts.starts[i] for i in some])
        for number, model in enumerate(trials):
            scores = model.scores(recent)
            for i in some:
                lists = found.rows[i], found.scores[i], scores[i - start]
                made[number, :, i] = _gains(*lists, cuts.starts[i], int(cuts.target[i]))
    sums = sp.csr_array((np.ones(len(cuts.owner), np.float32), (np.arange(len(cuts.owner)), cuts.owner)))
    return np.asarray((made.reshape(-1, len(cuts.owner)) @ sums) / sums.sum(axis=0)).reshape(*made.shape[:2], -1)


def _gains(rows: Rows, own: Floats, following: Floats, start: Rows, target: int) -> Floats:
    both, mine, theirs = union(rows, own, following, without=start)
    place = np.flatnonzero(both == target)
    if not len(place):
        return np.zeros(1 + len(WEIGHTS), np.float32)
    totals = mine[None, :] + np.array([0.0, *WEIGHTS], np.float32)[:, None] * theirs[None, :]
    wanted = totals[:, place]
    rank = (totals > wanted).sum(axis=1) + (totals[:, : place[0]] == wanted).sum(axis=1)
    return np.where(rank < K, 1 / np.log2(rank + 2.0), 0).astype(np.float32)


def fitted(chosen: Following, dataset: Dataset, index: Index | None, *, seed: int) -> Following:
    """The same model and weights, fitted on all sequences."""
    model = type(chosen.model)(**chosen.model.params())
    vectors = space(index, len(dataset.tracks))
    return Following(model.fit(sequences_of(dataset), vectors, rng=np.random.default_rng(seed)), chosen.weights)
