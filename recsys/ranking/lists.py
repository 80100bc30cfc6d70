"""What everything that bends a list needs: the scale of its scores, and the list by other scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.tables import TopK

Floats = NDArray[np.float32]


def scale(values: Floats, real: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and deviation of each row over the places where ``real`` holds, both float32 (q, 1)."""
    count = np.maximum(real.sum(axis=1, keepdims=True), 1)
    mean = np.where(real, values, 0).sum(axis=1, keepdims=True, dtype=np.float64) / count
    apart = np.where(real, values, mean) - mean
    return mean.astype(np.float32), np.sqrt((apart**2).sum(axis=1, keepdims=True) / count).astype(np.float32)


def reordered(lists: TopK, scores: NDArray[np.floating]) -> TopK:
    """The candidates by other scores, best first, equal ones as they were; −inf is gone."""
    scores = np.where(lists.rows >= 0, scores, -np.inf).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")
    scores = np.take_along_axis(scores, order, axis=1)
    rows = np.where(np.isfinite(scores), np.take_along_axis(lists.rows, order, axis=1), -1)
    return TopK(rows, scores)
