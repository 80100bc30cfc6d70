"""How counts, events, skips and ratings become weights: one rule for all sources.

========================================  =====================================================
a row says                                it becomes
========================================  =====================================================
a count (plays, weight, …)                a play of that weight; 0 is no evidence
nothing but user and track                a play of weight 1
skipped, or heard < ``skip_seconds``      a skip of weight 1, and no play, whatever its count
a rating                                  the rating as given, and by its place on the scale
                                          found (lowest to highest rating in the sources):
· above the middle                        also a play: 1 just above the middle, 5 at the top
· in the lowest quarter                   also a skip of weight 1 (a dislike)
· between                                 nothing more
========================================  =====================================================

A row with a count and a rating is both. Several ratings of one track by one listener: the last one counts.
If all ratings found are equal there is no scale, and each is a play of weight 1. Stored ratings must be
above 0: a scale that starts at or below 0 is moved up so that its lowest rating is 1.
In a log with times, rows with the same user, track and second are one event.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TOP_RATING = 5.0
DISLIKED = 0.25
BLOCK = 1 << 20
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Liking(NamedTuple):
    """What ratings say: ``play`` float32 (n,), 0 where not liked; ``dislike`` bool (n,); ``shift`` added to all."""

    play: Floats
    dislike: Mask
    shift: float


def liking(rating: Floats) -> Liking:
    """Ratings, NaN where there is none, as play weights and dislikes.

    >>> play, dislike, shift = liking(np.array([1, 2, 3, 4, 5, np.nan], np.float32))
    >>> play.tolist(), dislike.tolist(), shift
    ([0.0, 0.0, 0.0, 3.0, 5.0, 0.0], [True, True, False, False, False, False], 0.0)
    """
    given = np.isfinite(rating)
    low, high = (float(rating[given].min()), float(rating[given].max())) if given.any() else (1.0, 1.0)
    shift = 1 - low if low <= 0 else 0.0
    if low == high:
        return Liking(given.astype(np.float32), np.zeros(len(rating), bool), shift)
    half = (high - low) / 2
    above = np.where(given, rating - (low + half), 0) / half
    play = np.where(above > 0, 1 + (TOP_RATING - 1) * above, 0).astype(np.float32)
    return Liking(play, given & (rating <= low + DISLIKED * (high - low)), shift)


def repeated(user: NDArray[np.int32], track: NDArray[np.int32], time: NDArray[np.int64]) -> Mask | None:
    """Rows that repeat an earlier (user, track, time), bool (n,); None if there are none.

    >>> repeated(np.array([0, 0, 1, 0]), np.array([5, 5, 5, 5]), np.array([9, 8, 9, 9])).tolist()
    [False, False, False, True]
    """
    blocks = [slice(start, start + BLOCK) for start in range(0, len(user), BLOCK)]
    hashes = np.empty(len(user), np.uint64)
    for b in blocks:
        hashes[b] = _hashes(user[b], track[b], time[b])
    twice = _twice(hashes)
    if not len(twice):
        return None
    alike = [pd.Series(_hashes(user[b], track[b], time[b])).isin(twice).to_numpy() for b in blocks]
    suspects = np.flatnonzero(np.concatenate(alike))
    rows = pd.DataFrame({"user": user[suspects], "track": track[suspects], "time": time[suspects]})
    found = np.zeros(len(user), bool)
    found[suspects] = rows.duplicated().to_numpy()
    return found if found.any() else None


def superseded(user: NDArray[np.int32], track: NDArray[np.int32], time: NDArray[np.int64] | None) -> Mask:
    """Rows after which the same user says something about the same track again, bool (n,)."""
    rows = pd.DataFrame({"user": user, "track": track})
    order = np.arange(len(user)) if time is None else np.argsort(time, kind="stable")
    found = np.empty(len(user), bool)
    found[order] = rows.iloc[order].duplicated(keep="last").to_numpy()
    return found


def _twice(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Values that stand there more than once; sorts in place."""
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def _hashes(user: NDArray[np.int32], track: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row; equal rows have equal hashes."""
    key = time.astype(np.uint64)
    for column, factor in ((user, 0x9E3779B97F4A7C15), (track, 0xC2B2AE3D27D4EB4F)):
        key *= np.uint64(factor)
        key ^= key >> np.uint64(29)
        key += column.astype(np.uint64)
    key *= np.uint64(0xBF58476D1CE4E5B9)
    return key
