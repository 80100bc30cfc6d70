"""Where a model is good: by how much is known of a listener, and by how popular the hidden tracks are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Histories
from recsys.evaluation.intervals import Interval, interval
from recsys.evaluation.metrics import PerUser, hits
from recsys.tables import TopK

BANDS = ("head", "middle", "tail")


class Slice(NamedTuple):
    """One model on one part of the listeners or tracks."""

    by: str
    label: str
    metric: str
    model: str
    listeners: int
    value: Interval


def by_activity(
    per_user: Mapping[str, PerUser], histories: Histories, metric: str, *, seed: int = 0, draws: int = 1000
) -> list[Slice]:
    """A metric by quartile of history length; equal lengths are never parted.

    Args:
        per_user: the metric by model, float64 (q,) each.
        histories: what each listener showed, CSR (q, tracks).
        metric: its name.
    """
    size = np.diff(histories.indptr)
    group = np.searchsorted(np.quantile(size, [0.25, 0.5, 0.75]), size, side="left")
    found = []
    for g in np.unique(group):
        mine = group == g
        label = _range(int(size[mine].min()), int(size[mine].max()))
        for model, values in per_user.items():
            value = interval(values[mine], seed=seed, draws=draws)
            found.append(Slice("tracks known of the listener", label, metric, model, int(mine.sum()), value))
    return found


def bands(popularity: NDArray[np.integer]) -> NDArray[np.int64]:
    """Each track's band: 0 = the most popular tracks, with a third of all plays, 1 = the next third, 2 = the rest.

    >>> bands(np.array([1, 6, 5, 3, 2, 1, 0])).tolist()
    [2, 0, 1, 1, 2, 2, 2]
    """
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    band = np.empty(len(popularity), np.int64)
    band[order] = np.minimum(3 * before // max(1, int(popularity.sum())), 2)
    return band


def recall_by_band(lists: TopK, held: Histories, band: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Recall at k of the hidden tracks of each band, float64 (q, 3); NaN where none of the band is hidden."""
    head = lists.head(k)
    found = np.where(hits(head, held), band[head.rows], -1)
    hit = np.stack([(found == b).sum(axis=1) for b in range(len(BANDS))], axis=1)
    owner = np.repeat(np.arange(held.shape[0]), np.diff(held.indptr))
    one = np.ones(held.nnz)
    hidden = sp.coo_array((one, (owner, band[held.indices])), shape=(held.shape[0], len(BANDS))).toarray()
    return np.divide(hit, np.minimum(hidden, k), out=np.full(hidden.shape, np.nan), where=hidden > 0)


def by_popularity(
    per_user: Mapping[str, NDArray[np.float64]], k: int, *, seed: int = 0, draws: int = 1000
) -> list[Slice]:
    """Recall by band from ``recall_by_band`` of each model; bands with nothing hidden are left out."""
    found = []
    for b, label in enumerate(BANDS):
        for model, values in per_user.items():
            some = np.isfinite(values[:, b])
            if some.any():
                value = interval(values[some, b], seed=seed, draws=draws)
                found.append(
                    Slice("popularity of the hidden track", label, f"recall@{k}", model, int(some.sum()), value)
                )
    return found


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
