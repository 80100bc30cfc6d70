"""A dataset in, what a ranker may know about its tracks out: plays, age, trend, artist, tempo, key, mood, spaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows

if TYPE_CHECKING:
    from recsys.tables import Dataset

MOODS = ("energy", "valence", "arousal", "danceability", "acousticness", "loudness")
LATE = 0.1  # last share of all plays that a trend looks at
DAY = 86_400.0
RECENT = 20  # latest plays that are kept of a listener


def facts_of(dataset: Dataset, spaces: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    """What is known about tracks: plays, age and trend if there are times, artist, tempo, key, mood, and ``spaces``.

    Args:
        spaces: vectors of tracks of length 1 or 0, each (tracks, d); "taste" and "content" are looked at.
    """
    histories = dataset.histories()
    plays = np.bincount(histories.indices, minlength=histories.shape[1]).astype(np.float32)
    weight = np.bincount(histories.indices, histories.data, minlength=histories.shape[1]) / np.maximum(plays, 1)
    frame = dataset.catalogue.frame
    found: dict[str, NDArray[Any]] = {"plays": plays, "weight": np.log1p(weight).astype(np.float32), **spaces}
    if (dataset.catalogue.artists >= 0).any():
        found["artist"] = dataset.catalogue.artists
    if dataset.plays.time is not None and len(dataset.plays):
        found |= _times(dataset)
    if "tempo" in frame:
        found["tempo"] = np.log2(np.where(_number(frame["tempo"]) > 0, _number(frame["tempo"]), np.nan))
    if "key" in frame:
        found["key"] = dataset.catalogue.codes("key")
    moods = [_number(frame[name]) for name in MOODS if name in frame]
    moods = [_standard(mood) for mood in moods if np.isfinite(mood).any()]
    return found | ({"mood": np.column_stack(moods).astype(np.float32)} if moods else {})


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((values - np.nanmean(values)) / (np.nanstd(values) or 1), np.float32)


def _number(values: Any) -> NDArray[np.float32]:
    import pandas as pd

    return pd.to_numeric(values, errors="coerce").to_numpy(np.float32)


def _times(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """Days since a track was first played, how much larger its share of late plays is than of all, and plays of each
    listener of it; logs."""
    plays, time = dataset.plays, dataset.plays.time
    assert time is not None
    size = len(plays.tracks)
    first = np.full(size, float(time.max()))
    np.minimum.at(first, plays.track, time)
    late = time >= np.quantile(time, 1 - LATE)
    recent, every = (np.bincount(t, minlength=size) for t in (plays.track[late], plays.track))
    trend = np.log((recent + 1) / (late.mean() * every + 1))
    age = np.log1p((time.max() - first) / DAY)
    listeners = np.bincount(dataset.matrix().indices, minlength=size)
    returns = np.log(np.maximum(every, 1) / np.maximum(listeners, 1))
    found = {"age": np.where(every > 0, age, np.nan), "trend": trend, "returns": np.where(every > 0, returns, np.nan)}
    return {name: values.astype(np.float32) for name, values in found.items()}


def latest_plays(dataset: Dataset) -> Rows:
    """The tracks that each listener played last, latest first, padded by −1, int32 (users, 20); no columns without
    times.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann", "bo"]), IdMap(range(3)), [0, 0, 0], [0, 2, 0], [1] * 3, [1, 3, 2])
    >>> latest_plays(Dataset(plays, Catalogue.empty(3)))[:, :3].tolist()
    [[2, 0, -1], [-1, -1, -1]]
    """
    plays = dataset.plays
    if plays.time is None or not len(plays):
        return np.empty((len(plays.users), 0), np.int32)
    order = np.lexsort((plays.track, -plays.time, plays.user))
    user, track = plays.user[order].astype(np.int64), plays.track[order]
    _, first = np.unique(user * len(plays.tracks) + track, return_index=True)
    kept = np.sort(first)
    user, track = user[kept], track[kept]
    starts = np.searchsorted(user, np.arange(len(plays.users)))
    place = np.arange(len(user)) - starts[user]
    made = np.full((len(plays.users), RECENT), -1, np.int32)
    made[user[place < RECENT], place[place < RECENT]] = track[place < RECENT]
    return made
