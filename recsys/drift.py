"""How far plays and tracks that were folded in have led away from the last training, and when to train again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp

from recsys.engine import Engine
from recsys.evaluation import metrics
from recsys.retrieval import top_lists
from recsys.tables import Dataset
from recsys.tables.merge import Place

K = 100
JUDGES = 500  # listeners at most whose new plays tell how the base does
ENOUGH = 50  # listeners from whom a drop is believed
DROP = 0.8  # of the N@100 on validation, below which training again is worth it
SHARE = 0.2  # of what was trained on that came later, likewise
WORDS = {"pairs": "pairs of listener and track", "tracks": "tracks"}


def measured(engine: Engine, dataset: Dataset, tracks: Place, users: Place) -> dict[str, float]:
    """How the base ranks what its listeners played since: N@100 of new plays of tracks that it knows.

    Args:
        engine: the base.
        dataset: old and new plays.
        tracks, users: where the rows of the base went.

    Returns:
        ``new_plays_ndcg@100`` and ``judges`` (listeners it is a mean over), and ``validation_ndcg@100`` of the same
        model when it was trained, where that was measured; nothing when nobody played anything new.
    """
    now = sp.csr_array(dataset.matrix()[users.rows])
    back = np.full(tracks.size, -1, np.int32)
    back[tracks.rows] = np.where(engine.listeners > 0, np.arange(len(tracks.rows)), -1)
    inside = back[now.indices] >= 0
    owner = np.repeat(np.arange(now.shape[0]), np.diff(now.indptr))[inside]
    shape = engine.histories.shape
    later = sp.csr_array((np.ones(len(owner), np.float32), (owner, back[now.indices[inside]])), shape=shape)
    before = engine.histories.sign()
    held = sp.csr_array(later - later.multiply(before))
    held.eliminate_zeros()
    judges = np.flatnonzero((np.diff(held.indptr) > 0) & (np.diff(before.indptr) > 0)).astype(np.int32)
    if not len(judges):
        return {}
    judges = judges[np.linspace(0, len(judges) - 1, min(JUDGES, len(judges))).astype(int)]
    histories, hidden = engine.histories[judges], sp.csr_array(held[judges])
    lists = top_lists(engine.model, histories, K, users=judges, exclude=histories)
    found = metrics.ndcg(metrics.hits(lists, hidden), np.diff(hidden.indptr), K)
    trained = [m["ndcg@100"] for m in engine.facts.get("models", []) if m["model"] == engine.facts["chosen"]]
    told = {"validation_ndcg@100": float(trained[0])} if trained else {}
    return {"new_plays_ndcg@100": float(found.mean()), "judges": float(len(judges)), **told}


def advice(since: Mapping[str, int], trained: Mapping[str, int], drift: Mapping[str, float]) -> list[str]:
    """Why to train again, one line each; empty when there is no need.

    Args:
        since: pairs of listener and track, and tracks, folded in since the last training.
        trained: how many of each there were in it.
        drift: as measured.

    >>> advice({"pairs": 3, "tracks": 15}, {"pairs": 100, "tracks": 50}, {})
    ['15 tracks came after training, 30 % of the 50 in it; train again from 20 %']
    """
    lines = []
    for noun, word in WORDS.items():
        come, there = since.get(noun, 0), trained.get(noun, 0)
        if come >= SHARE * there > 0:
            share = f"{100 * come / there:.0f} % of the {there:,} in it"
            lines.append(f"{come:,} {word} came after training, {share}; train again from {100 * SHARE:.0f} %")
    now, then = drift.get("new_plays_ndcg@100"), drift.get("validation_ndcg@100")
    if now is not None and then is not None and drift["judges"] >= ENOUGH and now < DROP * then:
        lines.append(
            f"new plays are ranked worse than hidden ones were: N@100 {now:.3f} against {then:.3f}; train again"
        )
    return lines
