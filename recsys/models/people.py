"""What is known of listeners, and where among the factors it puts them: a prior for people with few plays or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.contracts import Floats
from recsys.models.features import Features
from recsys.models.mapping import ContentMap, Described
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

PARTS: dict[str, Any] = {"features": Features, "map": ContentMap}
DIMENSIONS = 64  # most axes of what is known of listeners


class People:
    """Features of listeners, and a ridge map from them to factors, every listener left out of their own prediction.

    Args:
        listeners: one row per listener; numbers are measured, every other value is a word of its column.
        active: the listeners that have plays, bool (users,).

    Attributes:
        points_: float32 (users, d), where what is known puts each listener; 0 where nothing is known.
        worth_: share of the differences between listeners that what is known explains of those left out, 0 … 1.

    >>> ages = pd.DataFrame({"country": ["no", "se", "no", "se"], "age": [20, 60, 30, None]})
    >>> people = People(ages, np.ones(4, bool)).settled(np.float32([[1], [-1], [1], [-1]]))
    >>> new = people.place(pd.DataFrame({"country": ["no", "se"]}))
    >>> bool(new[0, 0] > 0 > new[1, 0])
    True
    """

    features_: Features
    map_: ContentMap
    points_: Floats
    worth_: float = 0.0
    known: Floats

    def __init__(self, listeners: pd.DataFrame, active: NDArray[np.bool_]) -> None:
        self.active = active
        world = described(listeners)
        self.features_ = Features(DIMENSIONS, drop=()).fit(world, active)
        self.known = self.features_.rows(world)

    @classmethod
    def of(cls, dataset: Dataset) -> Self | None:
        """The listeners of a dataset; None where nothing is known of them."""
        if dataset.listeners is None or not dataset.listeners.notna().any(axis=None):
            return None
        return cls(dataset.listeners, np.diff(dataset.matrix().indptr) > 0)

    def guesses(self, users: Floats) -> Floats:
        """Where everything but their own plays puts the listeners, given all of them now, float32 (users, d)."""
        found, made = ContentMap(), np.zeros_like(users)
        made[self.active] = found.left_out(Described(self.known[self.active], {}), users[self.active])
        made[~self.active] = found.predict(Described(self.known[~self.active], {}))
        self.worth_ = _explained(users[self.active], made[self.active])
        return made

    def settled(self, users: Floats) -> Self:
        """Learn the map for good from these factors, float32 (users, d)."""
        self.map_ = ContentMap().fit(Described(self.known[self.active], {}), users[self.active])
        self.points_ = self.map_.predict(Described(self.known, {}))
        self.guesses(users)
        return self

    def place(self, listeners: pd.DataFrame) -> Floats:
        """Where what is known puts other people, float32 (n, d)."""
        return self.map_.predict(Described(self.features_.rows(described(listeners)), {}))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state."""
        made = {"points": self.points_, "worth": np.array(self.worth_)}
        for part in PARTS:
            made |= {f"{part}.{name}": value for name, value in getattr(self, f"{part}_").arrays().items()}
        return made

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Back from ``arrays()``."""
        made = cls.__new__(cls)
        made.points_, made.worth_ = arrays["points"], float(arrays["worth"])
        for part, kind in PARTS.items():
            own = {n.removeprefix(f"{part}."): v for n, v in arrays.items() if n.startswith(f"{part}.")}
            setattr(made, f"{part}_", kind.from_arrays(own))
        return made


def _explained(truth: Floats, guess: Floats) -> float:
    apart = float(np.square(truth - truth.mean(axis=0)).sum())
    return max(0.0, 1 - float(np.square(truth - guess).sum()) / apart) if apart > 0 else 0.0


def described(listeners: pd.DataFrame) -> Dataset:
    """Listeners as if they were tracks: numbers as they are, other values as the words ``column=value``.

    >>> described(pd.DataFrame({"age": [31.0, 40.0], "country": ["no", None]})).catalogue.frame["tags"].tolist()
    [['country=no'], None]
    """
    numbers = {f"of {name}": listeners[name] for name in listeners if _number(listeners[name])}
    worded = listeners[[name for name in listeners if not _number(listeners[name])]]
    words = [
        [f"{name}={value}" for name, value in zip(worded, row, strict=True) if _word(value)] or None
        for row in worded.itertuples(index=False, name=None)
    ]
    frame = pd.DataFrame({**numbers, "tags": pd.Series(words, dtype=object, index=listeners.index)})
    nobody = Interactions.empty(IdMap(range(0)), IdMap(range(len(frame))))
    return Dataset(nobody, Catalogue(frame.reset_index(drop=True)))


def _number(column: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype))


def _word(value: Any) -> bool:
    return value != "" and not pd.isna(value)
