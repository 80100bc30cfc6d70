"""Who did what with which track, how strongly and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys.errors import DataError
from recsys.tables.ids import IdMap


@dataclass(frozen=True, eq=False)
class Interactions:
    """One row per event, in rows and not in ids.

    Attributes:
        users, tracks: the id maps that the rows point into.
        user, track: int32, shape (n,).
        weight: float32, shape (n,), finite and > 0.
        time: Unix seconds UTC, int64, shape (n,), or None when the log has no times.

    Raises:
        DataError: arrays of different lengths, rows out of range, or a weight that is not > 0.

    >>> from recsys.tables import IdMap
    >>> plays = Interactions(IdMap(["ann", "bo"]), IdMap(["x", "y"]), [0, 0, 1], [1, 1, 0], [1, 2, 5])
    >>> plays.matrix().toarray()
    array([[0., 3.],
           [5., 0.]], dtype=float32)
    """

    users: IdMap
    tracks: IdMap
    user: NDArray[np.int32]
    track: NDArray[np.int32]
    weight: NDArray[np.float32]
    time: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        _set(self, "user", self.user, np.int32)
        _set(self, "track", self.track, np.int32)
        _set(self, "weight", self.weight, np.float32)
        if self.time is not None:
            _set(self, "time", self.time, np.int64)
        _check(self)

    def __len__(self) -> int:
        return len(self.user)

    def __repr__(self) -> str:
        return f"Interactions({len(self):,} rows, {len(self.users):,} users, {len(self.tracks):,} tracks)"

    @property
    def shape(self) -> tuple[int, int]:
        """(users, tracks)."""
        return len(self.users), len(self.tracks)

    def matrix(self) -> sp.csr_array:
        """Summed weights, float32 CSR of shape (users, tracks), indices sorted."""
        made = sp.csr_array((self.weight, (self.user, self.track)), shape=self.shape, dtype=np.float32)
        made.sum_duplicates()
        return made

    def last_times(self) -> NDArray[np.int64] | None:
        """When each entry of ``matrix()`` was last heard, Unix seconds UTC, int64 (nnz,); None without times.

        >>> Interactions(IdMap(["ann"]), IdMap(["x", "y"]), [0, 0, 0], [1, 0, 1], [1, 1, 1], [9, 7, 5]).last_times()
        array([7, 9])
        """
        if self.time is None:
            return None
        pair = self.user.astype(np.int64) * len(self.tracks) + self.track
        order = np.argsort(pair, kind="stable")
        pair, time = pair[order], self.time[order]
        first = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]]) if len(pair) else np.empty(0, np.intp)
        return np.maximum.reduceat(time, first) if len(first) else time

    def take(self, keep: ArrayLike) -> Interactions:
        """The rows that a mask or an index array selects; the id maps stay."""
        keep = np.asarray(keep)
        time = None if self.time is None else self.time[keep]
        return Interactions(self.users, self.tracks, self.user[keep], self.track[keep], self.weight[keep], time)

    def between(self, start: float, end: float) -> Interactions:
        """Events with start <= time < end, Unix seconds UTC."""
        if self.time is None:
            raise DataError("this log has no times, so it can't be cut by time; expected a timestamp column")
        return self.take((self.time >= start) & (self.time < end))

    @classmethod
    def empty(cls, users: IdMap, tracks: IdMap) -> Interactions:
        """No events, over these ids."""
        return cls(users, tracks, np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


def _set(target: Interactions, name: str, values: Any, dtype: type[np.generic]) -> None:
    object.__setattr__(target, name, np.ascontiguousarray(values, dtype=dtype))


def _check(rows: Interactions) -> None:
    lengths = {len(a) for a in (rows.user, rows.track, rows.weight, rows.time) if a is not None}
    if len(lengths) > 1:
        raise DataError(f"columns have lengths {sorted(lengths)}; expected one length")
    for noun, values, count in (
        ("user", rows.user, len(rows.users)),
        ("track", rows.track, len(rows.tracks)),
    ):
        if len(values) and not (values.min() >= 0 and values.max() < count):
            raise DataError(f"{noun} rows span {values.min()}..{values.max()}; expected 0..{count - 1}")
    if len(rows.weight) and not (rows.weight.min() > 0 and np.isfinite(rows.weight.max())):
        raise DataError(f"weights span {rows.weight.min()}..{rows.weight.max()}; expected finite values > 0")
