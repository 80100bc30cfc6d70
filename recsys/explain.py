"""Histories in, lists with the source and the reason of every row out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Blended, Recommender, Rows
from recsys.index import exact
from recsys.ranking.reasons import carriers
from recsys.retrieval import top_lists, top_parts
from recsys.tables import TopK

POPULAR = "popular with all listeners"
LIKELY = 0.05  # a play less alike than this did not carry the recommendation


class Explained(NamedTuple):
    """Lists of track rows, which part of the model led to each row, and the own play that carried it (−1: none)."""

    lists: TopK
    sources: NDArray[Any]
    carried_by: NDArray[np.int32]


def explain(
    model: Recommender,
    taste: NDArray[np.float32] | None,
    histories: sp.csr_array,
    n: int,
    *,
    popular: NDArray[np.float32],
    users: Rows | None = None,
    allow: Rows | None = None,
    include_seen: bool = False,
) -> Explained:
    """The ``n`` best tracks for each history; for an empty one what is popular.

    Args:
        taste: unit vectors of tracks by which own plays are compared with a recommendation, (tracks, d), or None.
        popular: how many listeners each track has, (tracks,).
        users: trained user rows behind the histories, −1 = unseen; None = all unseen.
        allow: the only track rows that may be returned.
    """
    exclude = None if include_seen else histories
    lists, sources = _sourced(model, histories, n, users=users, exclude=exclude, allow=allow)
    empty = np.diff(histories.indptr) == 0
    if empty.any():
        best = exact.select(popular[None, :], n, allow=allow)
        lists = TopK(
            np.where(empty[:, None], best.rows, lists.rows), np.where(empty[:, None], best.scores, lists.scores)
        )
        sources[empty] = "popularity"
    return Explained(lists, sources, _carried_by(taste, histories, lists))


def _sourced(model: Recommender, histories: sp.csr_array, n: int, **options: Any) -> tuple[TopK, NDArray[Any]]:
    """Lists, and the name of the model, or of the member of a blend that gave most to each row."""
    if isinstance(model, Blended):
        lists, parts = top_parts(model, histories, n, **options)
        return lists, np.array(model.names, dtype=object)[parts.argmax(axis=2)]
    lists = top_lists(model, histories, n, **options)
    return lists, np.full(lists.rows.shape, model.name, dtype=object)


def _carried_by(taste: NDArray[np.float32] | None, histories: sp.csr_array, lists: TopK) -> NDArray[np.int32]:
    if taste is None:
        return np.full(lists.rows.shape, -1, np.int32)
    found = carriers(lists.rows, histories, taste)
    return np.where(found.alike >= LIKELY, found.rows, -1).astype(np.int32)


def reasons(carried_by: NDArray[np.int32], names: Any) -> pd.Categorical:
    """A reason in words for each row; ``names`` gives a track row's name."""
    distinct, codes = np.unique(carried_by, return_inverse=True)
    words = [f"because you played {names(row)}" if row >= 0 else POPULAR for row in distinct]
    meanings = list(dict.fromkeys(words))
    place = {word: i for i, word in enumerate(meanings)}
    return pd.Categorical.from_codes(np.array([place[w] for w in words], dtype=int)[codes], meanings)
