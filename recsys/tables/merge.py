"""An older set of ids in a larger one: where its rows went, and arrays and datasets moved along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.tables.catalogue import Catalogue
from recsys.tables.dataset import Dataset
from recsys.tables.embeddings import Embeddings
from recsys.tables.ids import IdMap
from recsys.tables.interactions import Interactions


class Place(NamedTuple):
    """Where rows went: ``rows`` (old,) int32 is the new row of each old one; there are ``size`` new ones."""

    rows: NDArray[np.int32]
    size: int

    @classmethod
    def of(cls, older: IdMap, larger: IdMap) -> Place:
        """Every older id must be in the larger set.

        >>> Place.of(IdMap(["b", "d"]), IdMap(["a", "b", "c", "d"]))
        Place(rows=array([1, 3], dtype=int32), size=4)
        """
        if older.integer and larger.integer:
            return cls(np.searchsorted(larger.ids, older.ids).astype(np.int32), len(larger))
        return cls(larger.rows(older.ids), len(larger))

    @property
    def new(self) -> NDArray[np.int32]:
        """Rows that no old row went to."""
        return np.setdiff1d(np.arange(self.size, dtype=np.int32), self.rows)


class Merged(NamedTuple):
    """Both datasets as one, and where the tracks and listeners of the older one went."""

    dataset: Dataset
    tracks: Place
    users: Place


def spread(values: Any, place: Place, axis: int = 0) -> Any:
    """An array or CSR matrix over more rows (or columns); what is new is 0.

    >>> spread(np.array([5, 7]), Place(np.array([0, 2]), 3))
    array([5, 0, 7])
    """
    if sp.issparse(values):
        return _spread_sparse(values, place, axis)
    shape = list(values.shape)
    shape[axis] = place.size
    made = np.zeros(shape, values.dtype)
    made[(slice(None),) * axis + (place.rows,)] = values
    return made


def merged(old: Dataset, new: Dataset) -> Merged:
    """Events one after another; where both say something about a track, the newer is believed.

    Ids become text where either side has text ids. Times are kept when both sides have them. Ratings and playlists
    are those of the newer side.

    Raises:
        DataError: a content space with another number of dimensions.
    """
    tracks, users = _union(old.tracks, new.tracks), _union(old.users, new.users)
    was, now = Place.of(old.tracks, tracks), Place.of(new.tracks, tracks)
    heard, hears = Place.of(old.users, users), Place.of(new.users, users)

    def moved(part: Interactions | None, rows: Place, people: Place) -> Interactions | None:
        if part is None:
            return None
        return Interactions(users, tracks, people.rows[part.user], rows.rows[part.track], part.weight, part.time)

    def both(layer: str) -> Interactions | None:
        return _joined(moved(getattr(old, layer), was, heard), moved(getattr(new, layer), now, hears))

    plays = both("plays")
    assert plays is not None
    catalogue = _catalogue(old.catalogue, was, new.catalogue, now)
    contents = {name: _space(name, old, was, new, now) for name in sorted({*old.contents, *new.contents})}
    lists = new.playlists
    if lists is not None:
        lists = replace(lists, tracks=tracks, track=now.rows[lists.track])
    return Merged(Dataset(plays, catalogue, contents, both("skips"), moved(new.ratings, now, hears), lists), was, heard)


def _union(old: IdMap, new: IdMap) -> IdMap:
    if old.integer and new.integer:
        return IdMap(np.concatenate([old.ids, new.ids]), old.noun)
    return IdMap([*old.ids.tolist(), *new.ids.tolist()], old.noun)


def _joined(old: Interactions | None, new: Interactions | None) -> Interactions | None:
    if old is None or new is None or not len(new) or not len(old):
        return new if old is None or (new is not None and not len(old)) else old
    user, track, weight = (
        np.concatenate([getattr(old, name), getattr(new, name)]) for name in ("user", "track", "weight")
    )
    time = None if old.time is None or new.time is None else np.concatenate([old.time, new.time])
    return Interactions(old.users, old.tracks, user, track, weight, time)


def _catalogue(old: Catalogue, was: Place, new: Catalogue, now: Place) -> Catalogue:
    """Each column of either side over all tracks."""
    columns = {}
    for name in dict.fromkeys([*old.frame, *new.frame]):
        sides = [_column(side.frame, name, place) for side, place in ((old, was), (new, now)) if name in side.frame]
        columns[name] = sides[0] if len(sides) == 1 else _believed(*sides)
    return Catalogue(pd.DataFrame(columns, index=range(was.size)))


def _column(frame: pd.DataFrame, name: str, place: Place) -> NDArray[Any]:
    """A column over all tracks: numbers with NaN, or objects with None."""
    values = frame[name]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        found = np.full(place.size, np.nan)
        found[place.rows] = values.to_numpy(np.float64)
        return found
    objects = np.full(place.size, None, object)
    objects[place.rows] = values.astype(object).where(values.notna(), None)
    return objects


def _believed(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """The newer value where there is one; of columns of different kinds the one that says anything, else the older."""
    if old.dtype != new.dtype:
        return new if not pd.notna(old).any() else old
    return np.where(pd.notna(new), new, old)


def _space(name: str, old: Dataset, was: Place, new: Dataset, now: Place) -> Embeddings:
    sides = [(d.contents[name], place) for d, place in ((old, was), (new, now)) if name in d.contents]
    widths = {space.dimensions for space, _ in sides}
    if len(widths) > 1:
        raise DataError(f"content {name!r} has {sides[1][0].dimensions} dimensions; expected {sides[0][0].dimensions}")
    vectors, known = np.zeros((was.size, *widths), np.float32), np.zeros(was.size, np.bool_)
    for space, place in sides:
        there = place.rows[space.known]
        vectors[there], known[there] = space.vectors[space.known], True
    return Embeddings(vectors, known, name, sides[0][0].metric)


def _spread_sparse(values: sp.csr_array, place: Place, axis: int) -> sp.csr_array:
    rows, columns = values.shape
    if axis == 1:
        moved = sp.csr_array((values.data, place.rows[values.indices], values.indptr), shape=(rows, place.size))
        moved.sort_indices()
        return moved
    counts = spread(np.diff(values.indptr), place)
    order = np.argsort(place.rows, kind="stable")
    ordered = values if np.array_equal(order, np.arange(rows)) else values[order]
    return sp.csr_array((ordered.data, ordered.indices, np.r_[0, np.cumsum(counts)]), shape=(place.size, columns))
