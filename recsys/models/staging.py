"""One tile of histories: what each member of a blend says, the candidates, and all that a ranker looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import known_rows
from recsys.models.blend import PRIOR, Blend
from recsys.ranking.candidates import Candidates, best, by_artists, closed, union
from recsys.ranking.likeness import NEAREST
from recsys.ranking.scenes import DEEPEST, Facts, Scene, strongest

DEPTHS = {PRIOR: 50}
MINOR = 50  # tracks from each source that is no member
ROUNDED = 4  # decimals of standardised scores, so that tracks that are the same to a member stay so in any company
TILE = 1 << 24  # members' scores held at a time: 64 MB, and as much again for their shares


class Stage(NamedTuple):
    """What one tile of histories is ranked with.

    Attributes:
        blend: scores of the blend, float32 (q, tracks).
        shares: each member's part of them, float32 (q, tracks) each.
        sources: rows of the candidates of each source, best first, padded by −1, each (q, any).
        scene: candidates and all that is known about them.
    """

    blend: Floats
    shares: list[Floats]
    sources: dict[str, Rows]
    scene: Scene


def stages(
    blend: Blend,
    facts: Facts,
    histories: Histories,
    users: Rows | None = None,
    exclude: sp.csr_array | None = None,
    allow: Rows | None = None,
    recent: Rows | None = None,
) -> Iterator[tuple[slice, Stage]]:
    """Some histories at a time, with their candidates; arguments as of ``retrieval.top_lists``.

    ``recent`` are the latest plays of trained listeners, (trained, m); None = times are unknown.
    """
    users = known_rows(users, histories.shape[0])
    size = max(16, min(256, TILE // max(1, histories.shape[1] * len(blend.models_))))
    for start in range(0, histories.shape[0], size):
        some = slice(start, min(start + size, histories.shape[0]))
        out = None if exclude is None else sp.csr_array(exclude[some])
        stage = _stage(blend, facts, sp.csr_array(histories[some]), users[some], out, allow)
        yield some, stage._replace(scene=replace(stage.scene, recent=_latest(recent, users[some])))


def _latest(recent: Rows | None, users: Rows) -> Rows | None:
    """The latest plays of some listeners, −1 for those that were not trained on, (q, m)."""
    if recent is None or not recent.size:
        return None
    known = (users >= 0) & (users < len(recent))  # playlists come after the listeners
    return np.where(known[:, None], recent[np.where(known, users, 0)], -1).astype(np.int32)


def _stage(
    blend: Blend, facts: Facts, histories: Histories, users: Rows, exclude: sp.csr_array | None, allow: Rows | None
) -> Stage:
    blocks, shares = _Listener.of(blend).heard(histories, users)
    total = shares[0].copy()
    for share in shares[1:]:
        total += share
    seen = histories if exclude is None else exclude
    tops = {name: best(closed(block, seen, None), DEEPEST) for name, block in zip(blend.names, blocks, strict=True)}
    sources = {name: rows[:, : DEPTHS.get(name, DEEPEST)] for name, rows in tops.items()}
    if allow is not None or exclude is None:
        pairs = zip(blend.names, blocks, strict=True)
        sources = {name: best(closed(block, exclude, allow), DEPTHS.get(name, DEEPEST)) for name, block in pairs}
    for name, scores in _further(histories, facts).items():
        sources[name] = best(closed(scores, exclude, allow), MINOR)
    candidates = union(list(sources.values()), histories.shape[1])
    ranks = np.stack([_ranks(candidates, rows, histories.shape[1]) for rows in tops.values()])
    return Stage(
        total, shares, sources, Scene(histories, candidates, np.stack([candidates.at(b) for b in blocks]), ranks, facts)
    )


def _further(histories: Histories, facts: Facts) -> dict[str, Floats]:
    """Scores of the sources that are no members, float32 (q, tracks)."""
    found = {}
    if "content" in facts:
        vectors = facts["content"]
        found["near the strongest plays"] = np.asarray((strongest(histories, NEAREST) @ vectors) @ vectors.T)
    if "artist" in facts:
        found["same artist"] = by_artists(histories, facts["artist"], facts["plays"])
    return found


class _Listener(Blend):
    """A blend that remembers what its members said."""

    said_: list[Floats]

    @classmethod
    def of(cls, blend: Blend) -> Self:
        made = cls.__new__(cls)
        made.__dict__.update(blend.__dict__, believed=blend.believed, said_=[])
        return made

    def heard(self, histories: Histories, users: Rows) -> tuple[list[Floats], list[Floats]]:
        """Standardised scores of each member, and each member's share of the blend's."""
        shares = list(self.shares(histories, users))
        return self.said_, shares

    def blocks(
        self, histories: Histories, users: Rows | None = None, wanted: NDArray[np.intp] | None = None
    ) -> Iterator[Floats | None]:
        for block in super().blocks(histories, users):
            assert block is not None
            self.said_.append(np.round(block, ROUNDED))
            yield block


def _ranks(candidates: Candidates, top: Rows, tracks: int) -> Floats:
    """Place of each candidate in its listener's list of rows (q, k), ``DEEPEST`` outside it, float32 (n,)."""
    keys = np.where(top >= 0, np.arange(len(top))[:, None] * tracks + top, -1).ravel()
    order = np.argsort(keys, kind="stable")
    wanted = candidates.owner * tracks + candidates.rows
    place = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return np.where(keys[place] == wanted, place % top.shape[1], DEEPEST).astype(np.float32)
