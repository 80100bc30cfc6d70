"""Models that know tracks by content: content rows, and the map to factors, stored beside their own arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.models.base import Model
from recsys.models.blocks import group_codes, has_content
from recsys.models.features import GROUPS, Features
from recsys.models.mapping import ContentMap, Described

if TYPE_CHECKING:
    from recsys.tables import Dataset
    from recsys.tables.merge import Place

PARTS: dict[str, Any] = {"features": Features, "map": ContentMap}


def check_content(dataset: Dataset) -> None:
    """DataError when nothing is known about any track."""
    if not has_content(dataset):
        raise DataError("nothing is known about any track; expected artist, genre, tags or a content table")


class DescribedModel(Model):
    """A model with ``features_`` and maybe ``map_``, which are stored under ``features.`` and ``map.``."""

    cold: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("features",)
    features_: Features
    map_: ContentMap

    def describe(self, dataset: Dataset, tracks: NDArray[Any] | None = None) -> Described:
        """What is known of some tracks (rows; None = all) of any dataset, in the columns of training."""
        rows = np.arange(len(dataset.tracks)) if tracks is None else tracks
        groups = {column: group_codes(dataset, column)[rows] for column in GROUPS}
        return Described(self.features_.rows(dataset, rows), {c: codes for c, codes in groups.items() if codes.any()})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state."""
        made = super().arrays()
        for part in self.parts:
            made |= {f"{part}.{name}": value for name, value in getattr(self, f"{part}_").arrays().items()}
        return made

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted model back from ``arrays()`` and ``params()``."""
        made = super().from_arrays(arrays, **params)
        for part in cls.parts:
            start = f"{part}."
            own = {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
            setattr(made, f"{part}_", PARTS[part].from_arrays(own))
        return made

    def resized(self, tracks: Place, users: Place) -> Self:
        """The same fitted model over more tracks and listeners."""
        made = super().resized(tracks, users)
        for part in self.parts:
            setattr(made, f"{part}_", getattr(self, f"{part}_"))
        return made
