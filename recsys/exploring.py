"""Lists in, lists of which some places are left to other sources out, each row with the chance of its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Blended, Recommender, Rows
from recsys.explain import Explained, Known, because, by_kind
from recsys.ranking.exploration import chances, drawn, mixed
from recsys.retrieval import top_lists
from recsys.tables import TopK


@dataclass(frozen=True)
class Exploration:
    """How much is left to chance.

    Attributes:
        explore: share of places for exploration, 0 … 1.
        posterior: a and b of each source's hit rate, from feedback; None = no feedback yet.
        seed: of the draws.
        first: number of the first listener of these lists; a listener's draws depend on the seed and this number.
    """

    explore: float = 0.0
    posterior: Mapping[str, tuple[float, float]] | None = None
    seed: int = 0
    first: int = 0

    def chances(self, model: Recommender) -> dict[str, float]:
        """The chance of each source of a model: its own list, and those of its members."""
        names = sources(model)
        return dict(zip(names, chances(names, self.explore, self.posterior).tolist(), strict=True))


def sources(model: Recommender) -> list[str]:
    """Names of what may fill a place: the model's own list first, then each member's.

    >>> from recsys.models import build
    >>> sources(build("popularity"))
    ['popularity']
    """
    return [model.name, *(model.names if isinstance(model, Blended) else ())]


def explored(
    model: Recommender,
    known: Known,
    histories: sp.csr_array,
    explained: Explained,
    exploration: Exploration,
    *,
    users: Rows | None = None,
    exclude: sp.csr_array | None = None,
    allow: Rows | None = None,
) -> Explained:
    """The lists with some places given to members of the model, by lot; sources and propensities are those drawn.

    Rows that a member puts in obey ``exclude`` and ``allow``; dials have no say in them. A model without members has
    nothing to explore, and keeps its lists.

    Args:
        model: fitted; members are what it blends.
        known: what rows are explained with.
        histories: CSR (q, tracks).
        explained: the lists as they are.
        exploration: how much is left to chance.
        users, exclude, allow: as for the lists.
    """
    members: list[Any] = getattr(model, "models_", []) if isinstance(model, Blended) else []
    n = explained.lists.rows.shape[1]
    names = np.array(sources(model), dtype=object)
    chance = np.array(list(exploration.chances(model).values()))
    own = [top_lists(m, histories, n, users=users, exclude=exclude, allow=allow) for m in members]
    numbers = range(exploration.first, exploration.first + len(explained.lists))
    found = mixed([explained.lists, *own], chance, drawn(chance, numbers, n, exploration.seed))
    if not members:
        return explained._replace(propensity=found.propensity)
    lists, parts = _scored(model, known, histories, users, found.rows, explained)
    made = because(known, histories, lists, np.where(found.sources >= 0, names[found.sources], ""), parts)
    return made._replace(propensity=found.propensity)


def _scored(
    model: Any, known: Known, histories: sp.csr_array, users: Rows | None, rows: NDArray[np.int32], before: Explained
) -> tuple[TopK, dict[str, Any]]:
    """Rows with their scores and parts: those of the lists before keep what they had, others get the model's."""
    fresh = by_kind(model, known, histories, rows, model.parts(histories, users, rows))
    order = np.argsort(before.lists.rows, axis=1)
    ranked = np.take_along_axis(before.lists.rows, order, axis=1)
    place = np.stack([np.searchsorted(mine, wanted) for mine, wanted in zip(ranked, rows, strict=True)])
    place = np.take_along_axis(order, np.minimum(place, ranked.shape[1] - 1), axis=1)
    kept = np.take_along_axis(before.lists.rows, place, axis=1) == rows
    none = np.zeros(rows.shape, np.float32)
    parts = {
        kind: np.where(kept, _at(before.parts, kind, place, none), fresh.get(kind, none)).astype(np.float32)
        for kind in dict.fromkeys([*before.parts, *fresh])
    }
    scores = np.where(rows >= 0, np.sum(list(parts.values()), axis=0), -np.inf)
    return TopK(rows, scores), parts


def _at(parts: Mapping[str, Any], kind: str, place: NDArray[np.intp], none: Any) -> Any:
    return np.take_along_axis(parts[kind], place, axis=1) if kind in parts else none
