"""From what is known of a track to its factors: ridge regression on content rows, then means by artist and album.

Everything is closed form, and every track's prediction can be had as if the track itself had not been there: that is
what strengths are chosen by, and what is honest as a prior for the track.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.contracts import Floats
from recsys.models.base import divided

RIDGES = 10.0 ** np.arange(-2.0, 1.6, 0.5)  # in units of the mean strength of an axis
SHRINK = 2.0 ** np.arange(-2, 8)  # a group's mean is taken as if so many tracks with effect 0 were in it too
MOST = 0.999  # of a track's own weight in its prediction
JUDGES = 4_000  # tracks at most that strengths are chosen on
Codes = NDArray[np.uint64]


class Described(NamedTuple):
    """Content of tracks: ``rows`` float32 (n, d) from ``Features``, and per group column a hash, 0 = unknown, (n,)."""

    rows: Floats
    groups: Mapping[str, Codes]

    def take(self, some: NDArray[Any]) -> Described:
        """These tracks only."""
        return Described(self.rows[some], {column: codes[some] for column, codes in self.groups.items()})


class ContentMap:
    """Factors of a track = content row @ coefficients + effect of its artist + effect of its album.

    Args:
        ridge: strength in units of the mean strength of an axis; 0 = what predicts left-out tracks best.
        free: how many of the first axes are not shrunk, see ``Features.free``.

    >>> rows = np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1, 1]]
    >>> factors = np.array([[1.0], [1.0], [1.0], [-1.0], [-1.0], [-1.0]], np.float32)
    >>> mapped = ContentMap().fit(Described(rows, {}), factors)
    >>> np.round(mapped.predict(Described(rows[:1], {})), 1).tolist()
    [[1.0]]
    """

    coefficients_: Floats
    ridge_: float
    keys_: dict[str, Codes]
    effects_: dict[str, Floats]
    shrink_: dict[str, float]

    def __init__(self, ridge: float = 0.0, free: int = 0) -> None:
        self.ridge, self.free = ridge, free

    def fit(self, known: Described, factors: Floats) -> Self:
        """Learn from tracks whose factors (n, f) are known."""
        self.left_out(known, factors)
        return self

    def left_out(self, known: Described, factors: Floats) -> Floats:
        """Learn, and predict each of these tracks from all the others, float32 (n, f)."""
        with one_blas_thread():  # so that the number of threads changes no bit
            return self._left_out(known, factors)

    def _left_out(self, known: Described, factors: Floats) -> Floats:
        strength = np.einsum("nd,nd->d", known.rows, known.rows, dtype=np.float64)
        products = known.rows.T @ factors
        leverage, fitted = self._choose(known.rows, factors, strength, products)
        rest = factors - fitted
        guess = factors - rest / (1 - leverage)[:, None].astype(np.float32)
        self.keys_, self.effects_, self.shrink_ = {}, {}, {}
        for column, codes in known.groups.items():
            others = self._group(column, codes, rest)
            guess, rest = guess + others, rest - others
        return np.asarray(guess, np.float32)

    def predict(self, known: Described) -> Floats:
        """Factors of tracks that were not learned from, float32 (n, f); zeros where nothing is known."""
        made = known.rows @ self.coefficients_
        for column, codes in known.groups.items():
            keys, effects = self.keys_.get(column), self.effects_.get(column)
            if keys is not None and effects is not None and len(keys):
                place = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
                made += np.where((keys[place] == codes)[:, None], effects[place], 0)
        return made

    def groups(self, factors: int) -> dict[str, tuple[Codes, Floats]]:
        """Hashes (g,) and effects on the first ``factors``, (g, factors), by group column."""
        return {column: (keys, self.effects_[column][:, :factors]) for column, keys in self.keys_.items()}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state."""
        made: dict[str, NDArray[Any]] = {"coefficients": self.coefficients_, "ridge": np.array([self.ridge_])}
        for column, keys in self.keys_.items():
            made |= {f"{column}.keys": keys, f"{column}.effects": self.effects_[column]}
        return made

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Back from ``arrays()``."""
        made = cls()
        made.coefficients_, made.ridge_ = arrays["coefficients"], float(arrays["ridge"][0])
        columns = [name.removesuffix(".keys") for name in arrays if name.endswith(".keys")]
        made.keys_ = {column: arrays[f"{column}.keys"] for column in columns}
        made.effects_ = {column: arrays[f"{column}.effects"] for column in columns}
        return made

    def _choose(
        self, rows: Floats, factors: Floats, strength: NDArray[np.float64], products: Floats
    ) -> tuple[NDArray[np.float64], Floats]:
        """Leverage (n,) and fit (n, f) at the ridge whose error on left-out tracks is smallest."""
        some = np.linspace(0, len(rows) - 1, min(JUDGES, len(rows))).astype(int)
        part, truth, squared = rows[some], factors[some], np.square(rows[some])

        def error(ridge: float) -> float:
            shrunk = self._shrunk(strength, ridge)
            left = np.maximum(1 - squared @ shrunk, 1 - MOST)[:, None]
            return float((((truth - part @ (products * shrunk[:, None])) / left) ** 2).sum())

        self.ridge_ = float(self.ridge or min(RIDGES, key=error))
        shrunk = self._shrunk(strength, self.ridge_)
        self.coefficients_ = products * shrunk[:, None]
        return np.minimum(np.square(rows) @ shrunk, MOST), rows @ self.coefficients_

    def _shrunk(self, strength: NDArray[np.float64], ridge: float) -> Floats:
        """1 over strength plus ridge of each axis, float32 (d,); a ridge in units of the mean strength."""
        held = np.arange(len(strength)) >= self.free
        unit = max(strength[held].mean(), 1e-9) if held.any() else 0.0
        return (1 / np.maximum(strength + ridge * unit * held, 1e-9)).astype(np.float32)

    def _group(self, column: str, codes: Codes, rest: Floats) -> Floats:
        """Learn the mean remainder of each group; what the others in a track's group say about it, (n, f)."""
        keys, place = np.unique(codes, return_inverse=True)
        count = np.bincount(place)
        chosen = sp.csr_array((np.ones(len(rest), np.float32), (place, np.arange(len(rest)))))
        total = np.where((keys != 0)[:, None], chosen @ rest, 0).astype(np.float32)
        others, number = total[place] - rest, count[place] - 1.0
        others[codes == 0] = 0
        along, size = np.einsum("nf,nf->n", others, rest), np.einsum("nf,nf->n", others, others)

        def error(shrink: float) -> float:
            return float((size / (number + shrink) ** 2 - 2 * along / (number + shrink)).sum())

        shrink = min(SHRINK, key=error)
        if error(shrink) >= 0:
            return np.zeros_like(rest)
        kept = (keys != 0) & (count > 0)
        self.keys_[column], self.shrink_[column] = keys[kept], float(shrink)
        self.effects_[column] = divided(total, count[:, None] + shrink)[kept].astype(np.float32)
        return (others / (number + shrink)[:, None]).astype(np.float32)
