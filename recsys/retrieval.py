"""A model and histories in, the best tracks for each out: one door for every kind of model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Blended, Floats, Recommender, Rows, VectorRecommender
from recsys.index import exact
from recsys.tables import TopK

CELLS = 1 << 24  # scores held at a time for models that score densely: 64 MB


class Parted(NamedTuple):
    """Lists, and what each member of a blend added to each score, float32 (q, k, members)."""

    lists: TopK
    parts: Floats


def top_lists(
    model: Recommender,
    histories: sp.csr_array,
    k: int,
    *,
    users: Rows | None = None,
    exclude: sp.csr_array | None = None,
    allow: Rows | None = None,
) -> TopK:
    """The ``k`` best tracks for each history.

    Args:
        model: a fitted recommender.
        histories: weights, CSR (q, tracks).
        k: length of each list.
        users: trained user rows behind the histories, −1 = unseen; None = all unseen.
        exclude: nonzero where a track must not be returned, CSR (q, tracks); usually the histories.
        allow: the only track rows that may be returned; None = all.
    """
    if hasattr(model, "top_parts"):
        return model.top_parts(histories, k, users=users, exclude=exclude, allow=allow)[0]
    if isinstance(model, VectorRecommender):
        queries = model.user_vectors(histories, users)
        return exact.top_k(queries, model.item_vectors(), k, exclude=exclude, allow=allow)
    parts = [
        exact.select(
            model.scores(histories[rows], None if users is None else users[rows]),
            k,
            exclude=None if exclude is None else exclude[rows],
            allow=allow,
        )
        for rows in _batches(*histories.shape)
    ]
    return TopK.concatenate(parts) if parts else TopK.empty(0, k)


def top_parts(
    model: Blended,
    histories: sp.csr_array,
    k: int,
    *,
    users: Rows | None = None,
    exclude: sp.csr_array | None = None,
    allow: Rows | None = None,
) -> Parted:
    """The same lists with the parts that make up each score, every member scored once.

    A model that finds candidates of its own has a method of this name.
    """
    if hasattr(model, "top_parts"):
        return Parted(*model.top_parts(histories, k, users=users, exclude=exclude, allow=allow))
    found: list[Parted] = []
    for rows in _batches(histories.shape[0], histories.shape[1] * len(model.names)):
        shares = list(model.shares(histories[rows], None if users is None else users[rows]))
        total: Floats = np.add.reduce(shares)
        lists = exact.select(total, k, exclude=None if exclude is None else exclude[rows], allow=allow)
        places = np.maximum(lists.rows, 0)
        parts = np.stack([np.take_along_axis(share, places, axis=1) for share in shares], axis=2)
        found.append(Parted(lists, np.where(lists.rows[:, :, None] >= 0, parts, 0)))
    if not found:
        return Parted(TopK.empty(0, k), np.empty((0, k, len(model.names)), np.float32))
    return Parted(TopK.concatenate([f.lists for f in found]), np.concatenate([f.parts for f in found]))


def _batches(queries: int, tracks: int) -> Iterator[slice]:
    size = int(np.clip(CELLS // max(tracks, 1), 1, 1024))
    return (slice(start, min(start + size, queries)) for start in range(0, queries, size))
