"""What the measuring programs share: numbers of one model on one split, per listener, and a table of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from recsys import comparing
from recsys.assessment import Chooser, ranker
from recsys.comparing import Candidate
from recsys.evaluation import Interval, Ranker, Split, interval, metrics, paired
from recsys.evaluation.character import coverage, popularity_lift
from recsys.evaluation.protocols import shuffle_ties
from recsys.models import NAMES, feasible, model_class
from recsys.settings import Settings
from recsys.tables import Dataset

K = 100


class Judged(NamedTuple):
    """NDCG@100 and R@20 of each listener, share of candidates in anyone's first 50, popularity lift of the first 10."""

    ndcg: np.ndarray
    recall: np.ndarray
    coverage: float
    lift: float


def judge(rank: Ranker, split: Split, seed: int = 0) -> Judged:
    """A ranker's lists against what a split hides; equal scores of new tracks in random order."""
    depth = K if split.pool is None else len(split.pool)
    lists = rank(split.histories, split.users, split.pool, depth)
    if split.pool is not None:
        lists = shuffle_ties(lists, K, np.random.default_rng(seed))
    hit, size = metrics.hits(lists, split.held), np.diff(split.held.indptr)
    plays = split.train.histories()
    popularity = np.bincount(plays.indices, minlength=plays.shape[1])
    tracks = int((popularity > 0).sum()) if split.pool is None else len(split.pool)
    lift = popularity_lift(lists, split.histories, popularity, 10)
    return Judged(
        metrics.ndcg(hit, size, K), metrics.recall(hit, size, 20), coverage(lists, tracks, 50), float(np.nanmean(lift))
    )


def candidates(train: Dataset, names: Sequence[str] = NAMES) -> list[str]:
    """Single models that can be fitted here."""
    return [n for n in names if n not in comparing.COMPOSED and feasible(n, train) is None]


def chosen(name: str, valid: Split, settings: Settings) -> dict[str, object]:
    """Of a model's defaults and its small grid, what ranks the hidden tracks of ``valid`` best."""
    said = settings.models.get(name)
    tried = [said] if said else [{}, *model_class(name).grid]
    if len(tried) == 1:
        return tried[0]
    models = (comparing.fit(valid.train, name, params, seed=settings.train.seed) for params in tried)
    scores = [judge(ranker(model), valid).ndcg.mean() for model in models]
    return tried[int(np.argmax(scores))]


def default(train: Dataset, settings: Settings) -> tuple[str, list[Candidate], dict[str, Ranker]]:
    """Name of what ``recsys train`` would choose on this training side, how all models did, and all of them fitted."""
    choose = Chooser(settings)
    made = choose(train)
    return str(made.default), choose.kept or [], dict(made.rankers)


def relative(mine: np.ndarray, base: np.ndarray) -> Interval:
    """Paired difference of two means as a share of the second."""
    gap, mean = paired(mine, base), float(base.mean())
    return Interval(*(value / mean for value in gap))


def against(found: Mapping[str, Judged], name: str, others: Sequence[str]) -> list[str]:
    """The paired differences in N@100 of one model to others, in words, the hardest first."""
    lines = []
    for other in sorted(others, key=lambda n: -found[n].ndcg.mean()):
        gap = paired(found[name].ndcg, found[other].ndcg)
        lines.append(f"{name} − {other}: {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]")
    return lines


def show(title: str, found: Mapping[str, Judged], notes: Mapping[str, str] | None = None) -> None:
    """A table of models, the best first."""
    table = Table("model", "N@100 [95 %]", "R@20", "cov@50", "lift@10", "settings", title=title, title_justify="left")
    for name in sorted(found, key=lambda n: -found[n].ndcg.mean()):
        one, ndcg = found[name], interval(found[name].ndcg)
        cells = f"{ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]", f"{one.recall.mean():.4f}"
        table.add_row(name, *cells, f"{one.coverage:.3f}", f"{one.lift:+.2f}", (notes or {}).get(name, ""))
    Console(width=130).print(table)
