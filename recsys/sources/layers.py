"""Pieces of plays to the layers of a dataset: plays, skips and ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.sources.coding import Ids
from recsys.sources.plays import Piece, total
from recsys.sources.weights import liking, repeated, superseded
from recsys.tables import IdMap, Interactions


@dataclass
class Events:
    """All rows of all sources in reading order, each array of shape (n,) or None."""

    user: NDArray[np.int32]
    track: NDArray[np.int32]
    time: NDArray[np.int64] | None
    count: NDArray[np.float32] | None
    skip: NDArray[np.bool_] | None
    rating: NDArray[np.float32] | None

    def drop(self, gone: NDArray[np.bool_]) -> None:
        """Leave out the rows of a mask, one column after another, so that no two copies are held."""
        for name, values in vars(self).items():
            if values is not None:
                setattr(self, name, values[~gone])


@dataclass
class Layers:
    """What ``Dataset`` wants, and what happened on the way."""

    plays: Interactions
    skips: Interactions | None
    ratings: Interactions | None
    counts: dict[str, float]


def events(pieces: list[Piece], users: Ids, tracks: Ids) -> Events:
    """Join pieces; arrays of pieces are given up one by one, so that they are never held twice."""
    n = total(pieces)
    user = _joined([p.rows for p in pieces], (users.rows(p.user) for p in pieces), n, np.int32)
    track = _joined([p.rows for p in pieces], (tracks.rows(p.track) for p in pieces), n, np.int32)
    timed = bool(pieces) and all(p.time is not None for p in pieces)
    time = _column(pieces, "time", 0, np.int64) if timed else None
    count = _column(pieces, "count", 1, np.float32)
    skip = _column(pieces, "skip", False, np.bool_)
    rating = _column(pieces, "rating", np.nan, np.float32)
    return Events(user, track, time, count, skip, rating)


def layers(rows: Events, users: IdMap, tracks: IdMap) -> Layers:
    """Events to plays, skips and ratings by the rule in ``weights``; the events are used up."""
    counts: dict[str, float] = {"duplicates": 0, "zero_counts": 0}
    twice = None if rows.time is None else repeated(rows.user, rows.track, rows.time)
    if twice is not None:
        counts["duplicates"] = int(twice.sum())
        rows.drop(twice)
    weight, skip = _evidence(rows, counts)
    ratings = _ratings(rows, counts)
    weight, skip = _with_liking(weight, skip, ratings, counts)
    made = Layers(
        _layer(rows, weight, users, tracks),
        _layer(rows, skip.astype(np.float32), users, tracks) if skip is not None and skip.any() else None,
        None if ratings is None else _layer(rows, _lifted(ratings, counts), users, tracks),
        counts,
    )
    counts["plays"] = len(made.plays)
    counts |= {name: len(part) for name in ("skips", "ratings") if (part := getattr(made, name)) is not None}
    return made


def _evidence(rows: Events, counts: dict[str, float]) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    weight = np.ones(len(rows.user), np.float32) if rows.count is None else rows.count
    if rows.rating is None and rows.count is not None:
        counts["zero_counts"] = int((weight == 0).sum())
    return (weight, None) if rows.skip is None else (np.where(rows.skip, np.float32(0), weight), rows.skip)


def _ratings(rows: Events, counts: dict[str, float]) -> NDArray[np.float32] | None:
    """Ratings of which each (user, track) has at most one, the last; None if there are none."""
    if rows.rating is None or not (given := np.flatnonzero(np.isfinite(rows.rating))).size:
        return None
    time = None if rows.time is None else rows.time[given]
    old = superseded(rows.user[given], rows.track[given], time)
    counts["ratings_replaced"] = int(old.sum())
    ratings = rows.rating.copy()
    ratings[given[old]] = np.nan
    return ratings


def _with_liking(
    weight: NDArray[np.float32],
    skip: NDArray[np.bool_] | None,
    ratings: NDArray[np.float32] | None,
    counts: dict[str, float],
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    if ratings is None:
        return weight, skip
    liked = liking(ratings)
    counts["ratings_shifted_by"] = liked.shift
    return weight + liked.play, liked.dislike if skip is None else skip | liked.dislike


def _lifted(ratings: NDArray[np.float32], counts: dict[str, float]) -> NDArray[np.float32]:
    return np.where(np.isfinite(ratings), ratings + np.float32(counts["ratings_shifted_by"]), 0).astype(np.float32)


def _layer(rows: Events, weight: NDArray[np.float32], users: IdMap, tracks: IdMap) -> Interactions:
    """The rows with a weight; arrays are shared, not copied, when that is all of them."""
    keep = weight > 0
    if keep.all():
        return Interactions(users, tracks, rows.user, rows.track, weight, rows.time)
    time = None if rows.time is None else rows.time[keep]
    return Interactions(users, tracks, rows.user[keep], rows.track[keep], weight[keep], time)


def _column(pieces: list[Piece], name: str, default: Any, dtype: Any) -> NDArray[Any] | None:
    """One optional column of all pieces, None if no piece has it."""
    if all(getattr(p, name) is None for p in pieces):
        return None
    return _joined([p.rows for p in pieces], (_given_up(p, name, default) for p in pieces), total(pieces), dtype)


def _given_up(piece: Piece, name: str, default: Any) -> Any:
    values = getattr(piece, name)
    setattr(piece, name, None)
    return default if values is None else values


def _joined(sizes: list[int], parts: Any, n: int, dtype: Any) -> NDArray[Any]:
    made = np.empty(n, dtype)
    start = 0
    for size, part in zip(sizes, parts, strict=True):
        made[start : start + size] = part
        start += size
    return made
