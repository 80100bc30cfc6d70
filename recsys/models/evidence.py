"""How far a model can be believed: about a track by its plays, and for a listener by the length of the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats
from recsys.models.base import divided


def trust(plays: NDArray[Any], half: float) -> Floats:
    """Share of the score that plays alone may decide, n / (n + half): 0 without plays, one half at ``half`` plays.

    >>> trust(np.array([0, 4, 12]), 4).tolist()
    [0.0, 0.5, 0.75]
    """
    known = np.maximum(np.asarray(plays, np.float32), np.float32(0))
    return np.where(known > 0, known / (known + np.float32(max(half, 1e-6))), np.float32(0))


def weights_by_length(lengths: NDArray[np.integer], anchors: NDArray[np.floating], table: Floats) -> Floats:
    """Weights for histories of these lengths, in between the nearest anchors on a log scale, float32 (q, members).

    Args:
        lengths: tracks in each history, (q,).
        anchors: lengths that weights are known for, growing, (a,).
        table: the weights at each anchor, (a, members).

    >>> weights_by_length(np.array([1, 2, 90]), np.array([1.0, 4.0]), np.float32([[1, 0], [0, 1]])).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    place = np.log2(np.maximum(lengths, 1))
    known = np.log2(np.asarray(anchors, np.float64))
    columns = [np.interp(place, known, column) for column in table.T]
    return np.stack(columns, axis=1).astype(np.float32)


def spoken_for(weights: Floats, alike: Floats, knows: Floats) -> Floats:
    """What members that know a late track are multiplied by, to speak for those that do not too, float32 (q, tracks).

    The scores of those that do not are guessed from theirs by regression, so that late tracks are as spread out as
    the rest.

    Args:
        weights: of the members, (q, members).
        alike: correlation of their scores, (members, members).
        knows: 1 where a member has learned the track, else 0, (members, tracks).

    >>> spoken_for(np.float32([[0.5, 0.5]]), np.eye(2, dtype=np.float32), np.float32([[1], [0]])).tolist()
    [[1.0]]
    >>> spoken_for(np.float32([[0.5, 0.5]]), np.ones((2, 2), np.float32), np.float32([[1], [0]])).tolist()
    [[2.0]]
    """
    patterns, place = np.unique(knows, axis=1, return_inverse=True)
    says = []
    for pattern in patterns.T:
        heard = weights * pattern
        told = heard @ alike
        says.append(1 + divided((told * (weights - heard)).sum(axis=1), (told * heard).sum(axis=1)))
    return np.stack(says, axis=1)[:, place.ravel()].astype(np.float32) if says else weights[:, :0]


def alikeness(blocks: Sequence[Floats]) -> Floats:
    """Mean correlation of members' scores, each (q, tracks), over listeners, float32 (members, members)."""
    found = np.stack(blocks)
    found -= found.mean(axis=2, keepdims=True)
    found = divided(found, np.linalg.norm(found, axis=2, keepdims=True))
    return np.asarray(np.einsum("mqt,nqt->mn", found, found, optimize=True) / max(len(found[0]), 1), np.float32)
