"""Lists and held-out plays in, numbers and a report out.

Whoever calls brings the models: a function from the training side to rankers by name.

>>> import numpy as np
>>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions, TopK
>>> rows = np.arange(40)
>>> plays = Interactions(IdMap(range(8)), IdMap(range(10)), rows // 5, rows * 7 % 10, np.ones(40), rows)
>>> dataset = Dataset(plays, Catalogue.empty(10))
>>> def fit(train):
...     def popularity(histories, users, pool, k):
...         count = train.matrix().sum(axis=0) - 99 * (histories.toarray() > 0)
...         best = np.argsort(-count, axis=1, kind="stable")[:, :k]
...         return TopK(best, np.take_along_axis(count, best, axis=1))
...     return {"popularity": popularity}
>>> splits, skipped = prepare(dataset, "warm", seed=1)
>>> result = run(splits, fit, ks=(5,))[0]
>>> result.best, result.primary, int(result.sizes["listeners evaluated"])
('popularity', 'ndcg@5', 8)
>>> len(cold(dataset, min_plays=1, group=None, rng=np.random.default_rng(0)).pool)
2
>>> [len(split) for split in continuation(dataset, known=(1, 2), share=0.5, rng=np.random.default_rng(0))]
[4, 4]
"""

from recsys.evaluation.fitted import Fit, Fitted, Ranker
from recsys.evaluation.intervals import Interval, interval, paired
from recsys.evaluation.measured import REFERENCES, measure
from recsys.evaluation.protocols import PROTOCOLS, Prepared, prepare, run
from recsys.evaluation.result import Result
from recsys.evaluation.split import Split, cold, continuation, folds, strong, temporal, warm
from recsys.evaluation.thawing import thaw

__all__ = [
    "PROTOCOLS",
    "REFERENCES",
    "Fit",
    "Fitted",
    "Interval",
    "Prepared",
    "Ranker",
    "Result",
    "Split",
    "cold",
    "continuation",
    "folds",
    "interval",
    "measure",
    "paired",
    "prepare",
    "run",
    "strong",
    "temporal",
    "thaw",
    "warm",
]
