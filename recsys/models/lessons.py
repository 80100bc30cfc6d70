"""Hidden plays in, examples for a ranker out: candidates of whole and of shortened histories, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import known_rows
from recsys.models.blend import Blend
from recsys.models.hiding import shortened
from recsys.models.staging import stages
from recsys.ranking.features import possible, table
from recsys.ranking.scenes import Facts, Scene

MOST_LISTENERS = 4000


class Examples(NamedTuple):
    """Candidates of many lists with what came of them.

    Attributes:
        names: of the features besides the members' scores and ranks.
        rows: features, float32 (n, f).
        blend: scores of the blend, float32 (n,).
        sure: how far the ranker is believed of each, float32 (n,).
        hits: whether a candidate was played, (n,).
        sizes: candidates of each list, (lists,).
        lengths: tracks in the history behind each list, (lists,).
        listeners: whose list each is, (lists,).
    """

    names: list[str]
    rows: Floats
    blend: Floats
    sure: Floats
    hits: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    lengths: NDArray[np.int64]
    listeners: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each list begins, (lists + 1,)."""
        return np.r_[0, np.cumsum(self.sizes)].astype(np.int64)

    def of(self, some: NDArray[np.bool_]) -> Self:
        """The lists of the listeners marked in ``some`` (q,)."""
        return self.lists(some[self.listeners])

    def lists(self, kept: NDArray[np.bool_]) -> Self:
        """The lists that ``kept`` (lists,) marks."""
        rows = np.repeat(kept, self.sizes)
        each = {name: getattr(self, name)[rows] for name in ("rows", "blend", "sure", "hits")}
        return self._replace(**each, **{n: getattr(self, n)[kept] for n in ("sizes", "lengths", "listeners")})


def examples(
    blend: Blend,
    facts: Facts,
    sure: Callable[[Scene], Floats],
    histories: Histories,
    held: Histories,
    users: Rows | None = None,
    *,
    rng: np.random.Generator,
    recent: Rows | None = None,
) -> Examples:
    """Candidates of each listener with something to show and something hidden; of 4,000 of them if there are more.

    Args:
        sure: how far the ranker is believed of each candidate.
        histories: what the members were fitted on, CSR (q, tracks).
        held: plays of the same listeners that they were not fitted on, CSR (q, tracks).
        users: trained user rows of these listeners, or None.
        rng: listeners, and what is left of shortened histories.
        recent: the latest plays of trained listeners, (trained, m), or None.
    """
    users = known_rows(users, histories.shape[0])
    some = np.flatnonzero((np.diff(histories.indptr) > 0) & (np.diff(held.indptr) > 0))
    if len(some) > MOST_LISTENERS:
        some = np.sort(rng.choice(some, MOST_LISTENERS, replace=False))
    names, whole, wanted = possible(facts), histories[some], sp.csr_array(held[some])
    found: list[tuple[NDArray[np.generic], ...]] = []
    for part, own in ((whole, users[some]), (shortened(whole, rng), None)):
        for rows, stage in stages(blend, facts, part, own, whole, recent=recent):
            scene = stage.scene
            known = scene.candidates.at(stage.blend), sure(scene)
            hits = scene.candidates.inside(sp.csr_array(wanted[rows]))
            sizes = np.diff(scene.candidates.starts)
            found.append((table(scene, names), *known, hits, sizes, scene.length, some[rows]))
    if not found:
        none = np.empty(0, np.float32)
        return Examples(names, none[:, None], none, none, none > 0, *(np.empty(0, np.int64) for _ in range(3)))
    return Examples(names, *(np.concatenate(parts) for parts in zip(*found, strict=True)))
