"""What a bundle keeps of who heard what and when: plays with their last times, and skips with theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import bundle
from recsys.tables import Dataset

PLAYS, SKIPS = "histories", "skips"
Times = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Listening:
    """Evidence about trained listeners, in rows.

    Attributes:
        histories: summed weights of plays, CSR (users, tracks).
        last: when each entry of ``histories`` was last heard, Unix seconds UTC, int64 (nnz,); None without times.
        skips: summed strengths of skips and dislikes, CSR (users, tracks); None when there are none.
        skipped: when each entry of ``skips`` happened last, as ``last``.
    """

    histories: sp.csr_array
    last: Times | None = None
    skips: sp.csr_array | None = None
    skipped: Times | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> Listening:
        """What there is of it in a dataset.

        >>> from recsys.tables import Catalogue, IdMap, Interactions
        >>> plays = Interactions(IdMap(["ann"]), IdMap(["x", "y"]), [0, 0, 0], [1, 0, 1], [1, 1, 1], [5, 7, 9])
        >>> Listening.of(Dataset(plays, Catalogue.empty(2))).last
        array([7, 9])
        """
        plays, skips = dataset.plays, dataset.skips
        if skips is None or not len(skips):
            return cls(plays.matrix(), plays.last_times())
        return cls(plays.matrix(), plays.last_times(), skips.matrix(), skips.last_times())

    @property
    def newest(self) -> int | None:
        """The time of the latest event, Unix seconds UTC; None without times."""
        found = [int(times.max()) for times in (self.last, self.skipped) if times is not None and len(times)]
        return max(found, default=None)

    def take(self, rows: NDArray[np.int32]) -> Listening:
        """The same of some listeners, in this order; −1 is somebody of whom nothing is known."""
        nobody = sp.csr_array((1, self.histories.shape[1]), dtype=np.float32)

        def some(matrix: sp.csr_array, times: Times | None) -> tuple[sp.csr_array, Times | None]:
            place = sp.csr_array((np.arange(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
            chosen = sp.csr_array(sp.vstack([place, nobody.astype(place.dtype)], format="csr")[rows])
            entries = chosen.data
            made = sp.csr_array((matrix.data[entries], chosen.indices, chosen.indptr), shape=chosen.shape)
            return made, None if times is None else times[entries]

        plays = some(self.histories, self.last)
        return Listening(*plays) if self.skips is None else Listening(*plays, *some(self.skips, self.skipped))

    def save(self, folder: Path) -> None:
        """Write it into the folder of a bundle."""
        bundle.save_arrays(folder / PLAYS, _arrays(self.histories, self.last))
        if self.skips is not None:
            bundle.save_arrays(folder / SKIPS, _arrays(self.skips, self.skipped))

    @classmethod
    def open(cls, folder: Path, shape: tuple[int, int]) -> Listening:
        """Read what ``save`` wrote, mapped into memory; ``shape`` is (users, tracks)."""
        histories, last = _read(folder / PLAYS, shape)
        skips, skipped = _read(folder / SKIPS, shape) if (folder / SKIPS).is_dir() else (None, None)
        return cls(histories, last, skips, skipped)


def _arrays(matrix: sp.csr_array, times: Times | None) -> dict[str, NDArray[Any]]:
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    return parts if times is None else {**parts, "time": times}


def _read(folder: Path, shape: tuple[int, int]) -> tuple[sp.csr_array, Times | None]:
    arrays = bundle.open_arrays(folder)
    return sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape), arrays.get("time")
