"""Scores in, what each block of content gave to them out: linear models told apart by the columns they looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.models.base import divided
from recsys.models.blocks import Block, blocks, group_codes
from recsys.models.features import ANYTHING, Features

if TYPE_CHECKING:
    from recsys.tables import Dataset

_BLOCKS: WeakKeyDictionary[Dataset, list[Block]] = WeakKeyDictionary()
_CODES: WeakKeyDictionary[Dataset, dict[str, NDArray[np.uint64]]] = WeakKeyDictionary()


class Split(NamedTuple):
    """What scores are made of, beyond those of the mean track.

    Attributes:
        given: by each block of content, by name, float32 (q, k).
        rest: by what no block of content explains, (q, k).
    """

    given: Mapping[str, Floats]
    rest: Floats

    def shares(self) -> dict[str, Floats]:
        """The share that each block has in a score, (q, k); what is left to 1 is the rest's.

        Where parts cancel each other nearly, they are taken of half of their sizes instead of their sum, so that no
        share is beyond 2.

        >>> Split({"tags": np.float32([[3.0]])}, np.float32([[1.0]])).shares()
        {'tags': array([[0.75]], dtype=float32)}
        """
        total, size = self.rest.copy(), np.abs(self.rest)
        for each in self.given.values():
            total, size = total + each, size + np.abs(each)
        whole = np.where(total < 0, -1, 1) * np.maximum(np.abs(total), size / 2)
        return {name: divided(each, whole).astype(np.float32) for name, each in self.given.items()}


def known_blocks(known: Dataset) -> list[Block]:
    """Every block of a dataset, found once."""
    if known not in _BLOCKS:
        _BLOCKS[known] = blocks(known)
    return _BLOCKS[known]


def known_codes(known: Dataset, column: str) -> NDArray[np.uint64]:
    """Hash of each track's artist or album, found once, (tracks,)."""
    kept = _CODES.setdefault(known, {})
    if column not in kept:
        kept[column] = group_codes(known, column)
    return kept[column]


def by_blocks(features: Features, known: Dataset, profiles: Floats, rows: Rows) -> Split:
    """What each block gave to content row · profile beyond what the mean training track has; that anything is known of
    a track at all, beyond how often it is, is the rest.

    Args:
        features: the content rows that ``profiles`` belong to.
        known: what is known of the tracks.
        profiles: (q, d).
        rows: track rows, (q, k); those of −1 get anything.
    """
    tracks, place = np.unique(np.maximum(rows, 0), return_inverse=True)
    place = place.reshape(rows.shape)
    found = {}
    for name, values, columns in features.split(known_blocks(known), tracks):
        weights = profiles @ features.turn_[columns].T
        told = _sparse(values, weights, place) if sp.issparse(values) else _dense(values, weights, place)
        found[name] = (told - (weights @ features.centre_[columns])[:, None]).astype(np.float32)
    return Split(found, found.pop(ANYTHING, np.zeros(rows.shape, np.float32)))


def _sparse(values: sp.csr_array, weights: Floats, place: NDArray[np.intp]) -> Floats:
    """values[place] · weights of the row, float (q, k)."""
    picked = sp.csr_array(values[place.ravel()])
    entry = np.repeat(np.arange(place.size), np.diff(picked.indptr))
    told = picked.data * weights[entry // max(place.shape[1], 1), picked.indices]
    return np.bincount(entry, told, minlength=place.size).reshape(place.shape).astype(np.float32)


def _dense(values: Floats, weights: Floats, place: NDArray[np.intp]) -> Floats:
    return np.stack([values[own] @ weight for own, weight in zip(place, weights, strict=True)]).astype(np.float32)


def by_groups(
    effects: Mapping[str, tuple[NDArray[np.uint64], Floats]], known: Dataset, users: Floats, rows: Rows
) -> dict[str, Floats]:
    """What the effect of each track's artist and album gave to effect · user, float32 (q, k) each.

    Args:
        effects: sorted hashes (g,) and effects (g, d) by column.
        users: (q, d).
    """
    found: dict[str, Any] = {}
    for column, (keys, vectors) in effects.items():
        codes = known_codes(known, column)[np.maximum(rows, 0)]
        at = np.minimum(np.searchsorted(keys, codes), max(len(keys) - 1, 0))
        if len(keys):
            told = np.einsum("qd,qkd->qk", users, vectors[at])
            found[column] = np.where(keys[at] == codes, told, 0).astype(np.float32)
    return found
