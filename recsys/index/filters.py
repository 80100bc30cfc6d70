"""Who may be returned: allowed rows for everybody, excluded rows per query."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.errors import DataError

FEW = 0.1  # up to this share of the tracks, searching the allowed rows exactly beats filtering a search


def is_few(allowed: int, n: int) -> bool:
    """Whether so few are allowed that these should be searched one by one."""
    return allowed <= FEW * n


def allowed_rows(allow: NDArray[Any] | None, n: int) -> NDArray[np.int32] | None:
    """A bool mask (n,) or rows in any order → ascending rows without repeats; None (everything) stays None.

    >>> allowed_rows(np.array([3, 1, 3]), 4)
    array([1, 3], dtype=int32)
    """
    if allow is None:
        return None
    allow = np.asarray(allow)
    if allow.dtype == np.bool_:
        if allow.shape != (n,):
            raise DataError(f"the allow mask has shape {allow.shape}; expected ({n},), one flag per track")
        return np.flatnonzero(allow).astype(np.int32)
    rows = np.unique(allow)
    if len(rows) and not (rows[0] >= 0 and rows[-1] < n):
        raise DataError(f"allowed rows span {rows[0]}..{rows[-1]}; expected 0..{n - 1}")
    return rows.astype(np.int32)


def allow_mask(allow: NDArray[Any] | None, n: int) -> NDArray[np.bool_] | None:
    """The same as a bool mask (n,); None stays None.

    >>> allow_mask(np.array([3, 1]), 4)
    array([False,  True, False,  True])
    """
    if allow is None or (isinstance(allow, np.ndarray) and allow.dtype == np.bool_ and allow.shape == (n,)):
        return allow
    mask = np.zeros(n, np.bool_)
    mask[allowed_rows(allow, n)] = True
    return mask


def named(found: NDArray[np.int32], rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Places among ``rows`` to rows; −1 stays."""
    return np.where(found >= 0, np.append(rows, np.int32(-1))[found], np.int32(-1))


class Lists(NamedTuple):
    """Ascending rows per query, CSR-like: query i has ``indices[indptr[i]:indptr[i + 1]]``."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]

    @classmethod
    def empty(cls, queries: int) -> Self:
        """Nothing for anyone."""
        return cls(np.zeros(queries + 1, np.int64), np.empty(0, np.int32))

    @classmethod
    def single(cls, rows: NDArray[np.int32]) -> Self:
        """One row for each query."""
        return cls(np.arange(len(rows) + 1), rows)

    @classmethod
    def of(cls, exclude: sp.csr_array | NDArray[Any] | Lists | None, queries: int, n: int) -> Lists | None:
        """From a CSR (queries, n), or from rows (queries, m) where −1 means nothing.

        Raises:
            DataError: another shape, or rows out of range.
        """
        if exclude is None:
            return None
        if isinstance(exclude, Lists):
            return cls(*exclude)
        if sp.issparse(exclude):
            if exclude.shape != (queries, n):
                raise DataError(f"exclude has shape {exclude.shape}; expected ({queries}, {n}), queries by tracks")
            tidy: Any = sp.csr_array(exclude)
            tidy = tidy if tidy.has_sorted_indices else tidy.sorted_indices()
            return cls(tidy.indptr.astype(np.int64), tidy.indices.astype(np.int32, copy=False))
        rows = np.asarray(exclude)
        if rows.ndim != 2 or len(rows) != queries or (rows.size and not (rows.min() >= -1 and rows.max() < n)):
            raise DataError(f"exclude has shape {rows.shape}; expected ({queries}, m) rows from −1 to {n - 1}")
        rows = np.sort(rows, axis=1)
        return cls(_ends((rows >= 0).sum(axis=1)), rows[rows >= 0].astype(np.int32))

    def relabelled(self, rows: NDArray[np.int32], n: int) -> Lists:
        """The same lists over the places of ``rows`` (ascending) instead of 0..n − 1; others are dropped."""
        place = np.full(n, -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        return self.mapped(place)

    def mapped(self, place: NDArray[np.int32]) -> Lists:
        """Each row through an ascending ``place`` (n,), −1 drops it."""
        found = place[self.indices]
        before = np.append(0, np.cumsum(found >= 0))
        return Lists(before[self.indptr], found[found >= 0])

    def joined(self, rows: NDArray[np.int32]) -> Lists:
        """The same lists with one more row each; ``rows`` (queries,), −1 adds nothing."""
        owner = np.repeat(np.arange(len(rows)), np.diff(self.indptr))
        owners = np.concatenate([owner, np.flatnonzero(rows >= 0)])
        indices = np.concatenate([self.indices, rows[rows >= 0]]).astype(np.int32)
        order = np.lexsort((indices, owners))
        return Lists(_ends(np.bincount(owners, minlength=len(rows))), indices[order])

    def contain(self, found: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of ``found``, rows (queries, m), are on the list of their query."""
        width = np.int64(1) << 32
        listed = np.repeat(np.arange(len(found)), np.diff(self.indptr)) * width + self.indices
        asked = np.arange(len(found))[:, None] * width + found
        place = np.searchsorted(listed, asked)
        return np.append(listed, -1)[place] == asked

    def take(self, queries: NDArray[Any]) -> Lists:
        """The lists of these queries, in this order."""
        lengths = np.diff(self.indptr)[queries]
        indptr = _ends(lengths)
        step = np.arange(indptr[-1]) - np.repeat(indptr[:-1], lengths)
        return Lists(indptr, self.indices[np.repeat(self.indptr[queries], lengths) + step])


def _ends(lengths: NDArray[Any]) -> NDArray[np.int64]:
    return np.append(0, np.cumsum(lengths)).astype(np.int64)
