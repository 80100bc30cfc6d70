"""From cold to warm: the same new tracks with no play, one, two, five, ten … in training, judged by the same listeners.

Listeners are dealt into givers and judges. What judges played of the new tracks is hidden at every level, so their
histories and what is hidden from them never change; only how many givers' plays of each new track training has does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Histories
from recsys.errors import DataError
from recsys.evaluation.pairs import (
    Mask,
    as_mask,
    as_ones,
    is_among,
    keep_entries,
    occurring,
    only_tracks,
    pair_keys,
    rank_within,
    row_of,
    take_rows,
    without,
)
from recsys.evaluation.split import Split, grouped
from recsys.tables import Dataset, Interactions

LEVELS = (0, 1, 2, 5, 10, 50)
EVERYTHING = "-all"  # how the name of a split ends in which the new tracks stand among all others


def thaw(
    dataset: Dataset,
    *,
    levels: Sequence[int] = LEVELS,
    share: float = 0.25,
    judges: float = 1 / 3,
    beside: float = 0.2,
    group: str | None = "artist",
    min_givers: int = 10,
    rng: np.random.Generator,
) -> list[Split]:
    """Two splits for each level: lists of the new tracks alone (``thaw-5``), and of all tracks (``thaw-5-all``).

    Among all tracks a part of what judges played of the known ones is hidden too, so that a model can't win by
    listing new tracks only.

    A new track has at most so many plays in training as the level says (fewer where it has fewer givers), those of
    random givers; the plays at a lower level are among those at a higher one. Playlists never mention new tracks.

    Args:
        levels: numbers of plays, 0 or more.
        share: share of the artists (or tracks, where ``group`` is None or the artist unknown) that are made new,
            of those with a track that enough givers have played.
        judges: share of the listeners whose plays are hidden and evaluated.
        beside: share of the known tracks of each judge that is hidden too.
        group: catalogue column whose values are made new together; None = each track by itself.
        min_givers: new tracks with fewer givers leave training, but are not candidates.

    Raises:
        DataError: no levels, or no track with so many givers.

    >>> from recsys.tables import Catalogue, IdMap
    >>> rows = np.arange(600)
    >>> plays = Interactions(IdMap(range(60)), IdMap(range(10)), rows // 10, rows % 10, np.ones(600))
    >>> splits = thaw(Dataset(plays, Catalogue.empty(10)), levels=(0, 2), rng=np.random.default_rng(0))
    >>> [(s.name, int(s.train.matrix()[:, splits[0].pool].sum())) for s in splits]
    [('thaw-0', 0), ('thaw-0-all', 0), ('thaw-2', 4), ('thaw-2-all', 4)]
    """
    if not levels or min(levels) < 0:
        raise DataError(f"levels is {tuple(levels)}; expected numbers of plays, each 0 or more")
    matrix = dataset.matrix()
    width = matrix.shape[1]
    judge = _judges(matrix, judges, rng)
    given, judged = _of(matrix, ~judge), _of(matrix, judge)
    givers = np.bincount(given.indices, minlength=width)
    new = _drawn(dataset, givers >= min_givers, group, share, min_givers, rng)
    pool = np.flatnonzero(new & (givers >= min_givers)).astype(np.int32)
    candidate = as_mask(pool, width)
    known = _part(only_tracks(judged, ~new), beside, rng)
    base = without(dataset, pairs=row_of(known) * width + known.indices)
    given, held = only_tracks(given, candidate), only_tracks(judged, candidate)
    keys, place = row_of(given) * width + given.indices, _places(given, rng)
    splits: list[Split] = []
    for level in sorted(set(levels)):
        splits += _pair(_train(base, new, keys[place < level]), held, known, pool, f"thaw-{level}")
    return splits


def _judges(matrix: Histories, share: float, rng: np.random.Generator) -> Mask:
    if not 0 < share < 1:
        raise DataError(f"judges is {share}; expected a number between 0 and 1, such as 0.33")
    active = rng.permutation(np.flatnonzero(np.diff(matrix.indptr)))
    drawn = np.zeros(matrix.shape[0], bool)
    drawn[active[: max(1, round(share * len(active)))]] = True
    return drawn


def _of(matrix: Histories, listeners: Mask) -> Histories:
    """The same shape with only these listeners' entries."""
    return keep_entries(matrix, listeners[row_of(matrix)])


def _part(matrix: Histories, share: float, rng: np.random.Generator) -> Histories:
    """A random part of each row's entries, at least one left."""
    rank, count = rank_within(row_of(matrix), rng.random(matrix.nnz))
    return keep_entries(matrix, rank < np.minimum(np.floor(share * count), count - 1))


def _drawn(
    dataset: Dataset, enough: Mask, group: str | None, share: float, least: int, rng: np.random.Generator
) -> Mask:
    """Tracks of the artists that are made new."""
    groups = grouped(dataset, group)
    able = np.unique(groups[enough])
    if not len(able):
        raise DataError(f"no track was played by {least} of the givers; expected some, to give them back one by one")
    drawn = rng.permutation(able)[: max(1, round(share * len(able)))]
    return np.asarray(np.isin(groups, drawn))


def _places(given: Histories, rng: np.random.Generator) -> NDArray[np.int64]:
    """The random place of each entry among those of its track, from 0."""
    by_track = np.argsort(given.indices, kind="stable")
    rank, _ = rank_within(given.indices[by_track], rng.random(given.nnz))
    place = np.empty(given.nnz, np.int64)
    place[by_track] = rank
    return place


def _train(dataset: Dataset, new: Mask, kept: NDArray[np.int64]) -> Dataset:
    """Everything but new tracks, and of those these pairs (sorted keys)."""

    def keep(part: Interactions) -> Interactions:
        return part.take(~new[part.track] | is_among(pair_keys(part), kept))

    lists = dataset.playlists
    return replace(
        dataset,
        plays=keep(dataset.plays),
        skips=dataset.skips and keep(dataset.skips),
        ratings=dataset.ratings and keep(dataset.ratings),
        playlists=lists and lists.take(~new[lists.track]),
    )


def _pair(train: Dataset, held: Histories, known: Histories, pool: NDArray[np.int32], name: str) -> list[Split]:
    """The split over the new tracks, and over all; for the same listeners."""
    histories = train.matrix()
    users = np.flatnonzero((np.diff(held.indptr) > 0) & (np.diff(histories.indptr) > 0)).astype(np.int32)
    if not len(users):
        raise DataError("no judge has played a new track and something else; the log is too small to thaw tracks")
    shown, new = take_rows(histories, users), as_ones(take_rows(held, users))
    old = as_ones(take_rows(only_tracks(known, occurring(train.histories())), users))
    both = as_ones(new + old)
    return [
        Split(train, new, shown, users, pool, name),
        Split(train, both, shown, users, None, f"{name}{EVERYTHING}"),
    ]
