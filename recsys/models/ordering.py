"""A tile with its blend and a learned order in, the scores of both together and each member's part of them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.contracts import Floats, Recommender
from recsys.models.orders import Order
from recsys.models.staging import Stage
from recsys.ranking.features import columns, table
from recsys.ranking.scenes import Scene
from recsys.ranking.trusted import asked_lists, guessed

CONTENT = ("ridge", "content")  # members that know what tracks are and nothing else
MARGIN = np.float32(1e-3)


def put_in_order(stage: Stage, parts: Floats, sure: Floats) -> tuple[Floats, list[Floats]]:
    """All scores, float32 (q, tracks), and each member's part of them; the memory of the stage is used.

    Args:
        stage: histories, candidates, and what the blend says.
        parts: what each member gave to the ranker's score of each candidate, (n, members).
        sure: how far the ranker is believed of each, (n,); used up.
    """
    blend, shares, candidates = stage.blend, stage.shares, stage.scene.candidates
    at, parts = (candidates.owner, candidates.rows), parts.T
    asked = asked_lists(sure, candidates.starts)
    sure *= asked[at[0]]
    held = np.stack([share[at] for share in shares])
    held[-1] += guessed(parts.sum(axis=0), blend[at], sure, candidates.starts) - blend[at]
    held = sure * parts + (1 - sure) * held
    final = held.sum(axis=0)
    least = np.full(len(blend), np.inf, np.float32)
    np.minimum.at(least, at[0], final)
    blend[at] = -np.inf
    rest = blend.max(axis=1)
    lower = np.where(asked & np.isfinite(rest), least - MARGIN - rest, 0)[:, None]
    blend += lower
    shares[-1] += lower
    blend[at] = final
    for share, mine in zip(shares, held, strict=True):
        share[at] = mine
    return blend, shares


def parts_of(order: Order, scene: Scene, members: Sequence[Recommender]) -> Floats:
    """What each member gave to the ranker's score, without what all of a list have in common, float32 (n, members).

    Features that belong to no member go to popularity, to the first that knows content (best nothing else), or to the
    first.
    """
    given, names = order.net.parts(table(scene, order.features)), [member.name for member in members]
    knows = [number for number, model in enumerate(members) if getattr(model, "cold", False)]
    knows.sort(key=lambda number: names[number] not in CONTENT)
    home = {"popularity": len(members) - 1, "content": knows[0] if knows else -1, "collaborative": 0}
    found = np.zeros((len(given), len(members)), np.float32)
    for column, (_, part) in enumerate(columns(names, order.features)):
        found[:, home[part] if part in home else names.index(part)] += given[:, column]
    found[:, -1] += given[:, -1]
    owner, count = scene.owner, np.maximum(np.diff(scene.candidates.starts), 1)
    found[:, -1] -= (np.bincount(owner, found[:, -1], minlength=len(count)) / count)[owner]
    return found
