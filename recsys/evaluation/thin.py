"""Some tracks made rare: a dataset in which most of their plays are hidden, to learn what little evidence is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Histories, Rows
from recsys.errors import DataError
from recsys.evaluation.pairs import as_ones, is_among, keep_entries, occurring, pair_keys, rank_within, without
from recsys.tables import Dataset

LEVELS = (0, 0, 0, 1, 2, 4, 8, 16)


@dataclass(frozen=True, eq=False)
class Thinned:
    """``train`` knows ``kept`` (p,) listeners of each track of ``pool`` (p,); the rest of them are ``held``.

    ``histories``, ``held`` (CSR (q, tracks)) and ``users`` are aligned as in ``Split``.
    """

    train: Dataset
    held: Histories
    histories: Histories
    users: Rows
    pool: Rows
    kept: NDArray[np.int64]


def thin(dataset: Dataset, *, share: float = 0.15, rng: np.random.Generator, min_plays: int = 3) -> Thinned:
    """Take most plays from a share of the tracks, whole artists at a time where artists are known.

    Each such track keeps a random number of its listeners out of ``LEVELS``, at most half of them; no playlist
    mentions it any more.

    Raises:
        DataError: nobody is left who has played such a track and anything else.
    """
    matrix = dataset.matrix()
    listeners = np.bincount(matrix.indices, minlength=matrix.shape[1])
    codes = dataset.catalogue.artists.astype(np.int64)
    group = np.where(codes >= 0, codes, len(codes) + np.arange(len(codes)))
    played = np.unique(group[occurring(matrix)])
    rare = np.isin(group, rng.permutation(played)[: max(1, round(share * len(played)))])
    level = np.minimum(rng.choice(LEVELS, len(codes)), listeners // 2)
    hidden = _hidden(matrix, rare, level, rng)
    owners = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    gone = (owners * matrix.shape[1] + matrix.indices)[hidden]
    plays = dataset.plays.take(~is_among(pair_keys(dataset.plays), gone))
    train = replace(without(dataset, tracks=rare), plays=plays)
    pool = np.flatnonzero(rare & (listeners >= min_plays)).astype(np.int32)
    held = keep_entries(matrix, hidden & np.isin(matrix.indices, pool))
    histories = train.matrix()
    users = np.flatnonzero((np.diff(held.indptr) > 0) & (np.diff(histories.indptr) > 0)).astype(np.int32)
    if not len(users):
        raise DataError(f"{len(pool)} thinned tracks have no listener with other plays; the log is too small")
    kept = np.bincount(histories.indices, minlength=matrix.shape[1])[pool]
    return Thinned(train, as_ones(sp.csr_array(held[users])), sp.csr_array(histories[users]), users, pool, kept)


def _hidden(
    matrix: Histories, rare: NDArray[np.bool_], level: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which stored entries go: of each rare track all but ``level`` random ones."""
    order = np.argsort(matrix.indices, kind="stable")
    rank = np.empty(matrix.nnz, np.int64)
    rank[order] = rank_within(matrix.indices[order], rng.random(matrix.nnz))[0]
    return rare[matrix.indices] & (rank >= level[matrix.indices])
