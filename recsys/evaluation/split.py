"""Seeded splitters: a dataset in, what a model may see and what is hidden from it out.

Conventions:
    * A split works on (listener, track) pairs: all events of a hidden pair leave the training side, and with
      them its skips and ratings. Nothing of what is hidden can be read from ``train``.
    * ``histories``, ``held`` and ``users`` are aligned: row i of each is the i-th evaluated listener.
    * Ids are never renumbered: train has the same listener and track rows as the dataset.
    * Content spaces and the catalogue stay as they are; features that were counted from the same listeners'
      plays must be made from the training side by whoever makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Histories, Rows
from recsys.errors import DataError
from recsys.evaluation.pairs import (
    Mask,
    as_mask,
    as_ones,
    before,
    first_times,
    keep_entries,
    occurring,
    only_tracks,
    rank_within,
    row_of,
    take_rows,
    without,
    without_playlists,
)
from recsys.tables import Dataset, Interactions


@dataclass(frozen=True, eq=False)
class Split:
    """One experiment: fit on ``train``, rank for ``histories``, compare with ``held``.

    Attributes:
        train: what a model may learn from.
        held: hidden pairs, CSR (q, tracks), at least one in each row.
        histories: what each evaluated listener shows to the model, weights as in ``Dataset.matrix()``,
            CSR (q, tracks); never a hidden pair.
        users: the trained listener row behind each history, int32 (q,); −1 for one the model has not seen.
        pool: the only tracks that may be recommended, int32, sorted; None = all.
        name: "warm", "cold", "strong", "continuation-5", "temporal".
    """

    train: Dataset
    held: Histories
    histories: Histories
    users: Rows
    pool: Rows | None
    name: str

    def __len__(self) -> int:
        return len(self.users)

    def sizes(self) -> dict[str, float]:
        """How much there is of everything, and the share of hidden pairs whose track is not in train."""
        seen = self.train.histories()
        known = occurring(seen)
        candidates = np.arange(len(known)) if self.pool is None else self.pool
        return {
            "listeners evaluated": len(self),
            "hidden pairs": int(self.held.nnz),
            "hidden pairs of tracks not in train": float(1 - known[self.held.indices].mean()),
            "training listeners and playlists": int((np.diff(seen.indptr) > 0).sum()),
            "training pairs": int(seen.nnz),
            "training tracks": int(known.sum()),
            "candidate tracks": len(candidates),
            "training listeners per candidate track": float(np.isin(seen.indices, candidates).sum() / len(candidates)),
        }


def warm(dataset: Dataset, *, share: float = 0.2, rng: np.random.Generator) -> Split:
    """Hide a random part of every listener's tracks; all hidden tracks occur in train.

    Of n tracks max(1, floor(share · n)) are hidden; a listener with one track hides nothing. Hidden pairs
    whose track does not occur in train are not evaluated, and not trained on either.

    >>> from recsys.tables import Catalogue, IdMap
    >>> rows = np.arange(40)
    >>> plays = Interactions(IdMap(range(4)), IdMap(range(10)), rows // 10, rows % 10, np.ones(40))
    >>> split = warm(Dataset(plays, Catalogue.empty(10)), rng=np.random.default_rng(0))
    >>> split.held.sum(axis=1).tolist(), len(split.train.plays)
    ([2.0, 2.0, 2.0, 2.0], 32)
    """
    pairs, rank, count = _shuffled(dataset, rng)
    hidden = rank < np.where(count > 1, np.maximum(1, np.floor(_share(share) * count)), 0)
    return _pair_split(dataset, pairs, hidden, "warm")


def folds(dataset: Dataset, *, count: int = 5, rng: np.random.Generator) -> list[Split]:
    """Cross-validation: every pair is hidden in exactly one of ``count`` warm splits.

    A listener with fewer than ``count`` tracks takes part in as many folds as there are tracks.
    """
    if count < 2:
        raise DataError(f"folds is {count}; expected at least 2")
    pairs, rank, sizes = _shuffled(dataset, rng)
    return [_pair_split(dataset, pairs, (rank % count == f) & (sizes > 1), f"fold-{f + 1}") for f in range(count)]


def cold(
    dataset: Dataset,
    *,
    share: float = 0.15,
    rng: np.random.Generator,
    group: str | None = "artist",
    min_plays: int = 5,
) -> Split:
    """Hide whole tracks, by artist where artists are known: nothing in train mentions any of their tracks.

    Args:
        share: share of the artists (or of tracks, where ``group`` is None or the artist unknown) to hide.
        group: catalogue column whose values are hidden together; None = each track by itself.
        min_plays: hidden tracks with fewer listeners leave train too, but are not candidates.
    """
    seen = dataset.histories()
    groups = grouped(dataset, group)
    played = np.unique(groups[occurring(seen)])
    drawn = rng.permutation(played)[: max(1, round(_share(share) * len(played)))]
    gone = np.isin(groups, drawn)
    matrix = dataset.matrix()
    listeners = np.bincount(matrix.indices, minlength=matrix.shape[1])
    pool = np.flatnonzero(gone & (listeners >= min_plays)).astype(np.int32)
    train = without(dataset, tracks=gone)
    return _known_users(train, only_tracks(matrix, np.isin(np.arange(matrix.shape[1]), pool)), pool, "cold")


def strong(
    dataset: Dataset, *, share: float = 0.1, hide: float = 0.2, min_tracks: int = 5, rng: np.random.Generator
) -> Split:
    """Listeners the model has never seen: they show a part of their tracks and the rest is hidden.

    Args:
        share: share of the listeners to take out of train.
        hide: share of their tracks to hide, of those that occur in train.
        min_tracks: listeners with fewer such tracks are not evaluated.
    """
    out = _draw(np.flatnonzero(np.diff(dataset.matrix().indptr)), share, rng)
    train = without(dataset, users=as_mask(out, len(dataset.users)))
    shown = only_tracks(take_rows(dataset.matrix(), out), occurring(train.histories()))
    shown = take_rows(shown, np.flatnonzero(np.diff(shown.indptr) >= min_tracks))
    rank, count = rank_within(row_of(shown), rng.random(shown.nnz))
    hidden = rank < np.maximum(1, np.floor(_share(hide, "hide") * count))
    return _unseen(train, keep_entries(shown, ~hidden), keep_entries(shown, hidden), "strong")


def continuation(
    dataset: Dataset,
    *,
    known: Sequence[int] = (1, 5, 10),
    share: float = 0.1,
    most: int = 10_000,
    of: Literal["users", "playlists"] | None = None,
    rng: np.random.Generator,
) -> list[Split]:
    """Unseen sequences of which the first k tracks are known; one split per k, all with the same ``train``.

    Playlists are taken in their order, listeners in the order of first plays (at random without times).
    What is hidden is always all after the largest k, so that numbers for different k compare.

    Args:
        known: the numbers of known tracks.
        share: share of the sequences with at least twice the largest k to take out of train; at most ``most``.
        of: whose sequences; None = whichever layer has more that are long enough.
    """
    if not known or min(known) < 1:
        raise DataError(f"known is {tuple(known)}; expected numbers of tracks, each at least 1")
    layer = _layer(dataset, of, 2 * max(known))
    matrix = layer.matrix()
    long = np.flatnonzero(np.diff(matrix.indptr) >= 2 * max(known))
    out = _draw(long, share, rng)[:most]
    gone = as_mask(out, len(layer.users))
    train = without(dataset, users=gone) if layer is dataset.plays else without_playlists(dataset, gone)
    shown = only_tracks(take_rows(matrix, out), occurring(train.histories()))
    order = _order(layer, matrix, out, shown, rng)
    rank, count = rank_within(row_of(shown), order)
    enough = count > max(known)
    held = keep_entries(shown, (rank >= max(known)) & enough)
    return [_unseen(train, keep_entries(shown, (rank < k) & enough), held, f"continuation-{k}") for k in sorted(known)]


def temporal(dataset: Dataset, *, share: float = 0.1, min_train: int = 5) -> Split:
    """Cut at one moment: train on all before, hide what each listener plays for the first time after it.

    The cut leaves ``share`` of all first plays behind it. Only listeners with ``min_train`` tracks before
    the cut are evaluated; nothing is filtered by what happens later. Hidden tracks that are new to
    everybody stay in (``sizes`` tells their share). Layers without dates, playlists among them, are left out.
    """
    if dataset.plays.time is None:
        raise DataError("the plays have no times, so there is no temporal split; expected a timestamp column")
    pairs, first = first_times(dataset.plays)
    cut = float(np.quantile(first, 1 - _share(share)))
    plays = dataset.plays
    train = before(dataset, cut)
    enough = np.diff(train.matrix().indptr) >= min_train
    width = len(dataset.tracks)
    new = pairs[(first > cut) & enough[pairs // width]]
    held = sp.csr_array((np.ones(len(new), np.float32), (new // width, new % width)), shape=plays.shape)
    return _known_users(train, held, None, "temporal")


def _share(value: float, name: str = "share") -> float:
    if not 0 < value < 1:
        raise DataError(f"{name} is {value}; expected a number between 0 and 1, such as 0.2")
    return value


def _shuffled(
    dataset: Dataset, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All pairs as sorted keys, the random place of each among its listener's, and how many those are."""
    matrix = dataset.matrix()
    pairs = row_of(matrix) * matrix.shape[1] + matrix.indices
    rank, count = rank_within(pairs // len(dataset.tracks), rng.random(len(pairs)))
    return pairs, rank, count


def _pair_split(dataset: Dataset, pairs: NDArray[np.int64], hidden: Mask, name: str) -> Split:
    train = without(dataset, pairs=pairs[hidden])
    width = len(dataset.tracks)
    user, track = pairs[hidden] // width, pairs[hidden] % width
    warm_pair = occurring(train.histories())[track]
    user, track = user[warm_pair], track[warm_pair]
    held = sp.csr_array((np.ones(len(user), np.float32), (user, track)), shape=dataset.plays.shape)
    return _known_users(train, held, None, name)


def _known_users(train: Dataset, held: Histories, pool: Rows | None, name: str) -> Split:
    """Evaluate trained listeners that have something hidden and something to show."""
    histories = train.matrix()
    users = np.flatnonzero((np.diff(held.indptr) > 0) & (np.diff(histories.indptr) > 0)).astype(np.int32)
    return _made(Split(train, as_ones(take_rows(held, users)), take_rows(histories, users), users, pool, name))


def _unseen(train: Dataset, histories: Histories, held: Histories, name: str) -> Split:
    some = np.flatnonzero((np.diff(held.indptr) > 0) & (np.diff(histories.indptr) > 0))
    users = np.full(len(some), -1, np.int32)
    return _made(Split(train, as_ones(take_rows(held, some)), take_rows(histories, some), users, None, name))


def _made(split: Split) -> Split:
    if not len(split):
        raise DataError(
            f"the {split.name} split leaves {len(split)} listeners to evaluate; expected at least 1: "
            "the log is too small for it, or the share too large or too small"
        )
    return split


def grouped(dataset: Dataset, group: str | None) -> NDArray[np.int64]:
    """A group number for every track; a track whose group is unknown is a group of its own."""
    own = np.arange(len(dataset.tracks))
    if group is None:
        return own
    codes = dataset.catalogue.codes(group).astype(np.int64)
    return np.where(codes >= 0, codes, len(own) + own)


def _draw(rows: NDArray[np.integer], share: float, rng: np.random.Generator) -> NDArray[np.integer]:
    return rng.permutation(rows)[: max(1, round(_share(share) * len(rows)))]


def _layer(dataset: Dataset, of: str | None, least: int) -> Interactions:
    def count(part: Interactions | None) -> int:
        return 0 if part is None else int((np.diff(part.matrix().indptr) >= least).sum())

    if of is None:
        of = "playlists" if count(dataset.playlists) > count(dataset.plays) else "users"
    layer = dataset.playlists if of == "playlists" else dataset.plays
    if layer is None or not count(layer):
        raise DataError(f"no {of} with {least} different tracks or more; expected some, to hide their tails")
    return layer


def _order(
    layer: Interactions, matrix: Histories, out: NDArray[np.integer], shown: Histories, rng: np.random.Generator
) -> NDArray[np.number]:
    """What to sort each shown pair by: position or first play, or a random number."""
    if layer.time is None:
        return rng.random(shown.nnz)
    pairs, first = first_times(layer)
    keys = out[row_of(shown)].astype(np.int64) * matrix.shape[1] + shown.indices
    return first[np.searchsorted(pairs, keys)]
