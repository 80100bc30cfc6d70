"""How far a model can be believed: about a track by its plays, and for a listener by the length of the history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats


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
