"""A model and what the catalogue says in, the offsets that even exposure out over its groups out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.errors import DataError, did_you_mean
from recsys.evaluation.exposure import attributes
from recsys.ranking.dials import Dials
from recsys.ranking.even import offsets
from recsys.tables import Catalogue, TopK

PLACES = 20  # of each list that are evened out
SAMPLE = 1000  # listeners whose lists are looked at
Floats = NDArray[np.float32]


def evening(
    lists: Callable[[NDArray[np.int32], int], TopK], histories: sp.csr_array, catalogue: Catalogue, dials: Dials
) -> Floats:
    """What each track's score gets so that exposure by an attribute comes nearer to the catalogue or to plays.

    Args:
        lists: listeners' rows and a length in, their lists out.
        histories: what all listeners played, CSR (users, tracks).
        dials: ``even``, ``even_by`` and ``even_to`` of these.

    Raises:
        DataError: the catalogue has no such attribute.
    """
    listeners = np.bincount(histories.indices, minlength=histories.shape[1]).astype(np.float64)
    known = attributes(catalogue, listeners)
    if dials.even_by not in known:
        raise DataError(f"no attribute {dials.even_by!r} to even out{did_you_mean(dials.even_by, known)}")
    classes = known[dials.even_by][1]
    active = np.flatnonzero(np.diff(histories.indptr)).astype(np.int32)
    if not len(active):
        return np.zeros(histories.shape[1], np.float32)
    some = active[np.unique(np.linspace(0, len(active) - 1, min(SAMPLE, len(active))).astype(int))]
    reach = min(dials.reach(PLACES), histories.shape[1])
    return offsets(lists(some, reach), classes, target(dials.even_to, classes, listeners), dials.even, PLACES)


def target(to: str, classes: sp.csr_array, listeners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shares that are wanted: each track alike, or as tracks are listened to."""
    weight = listeners if to == "plays" else np.ones(len(listeners))
    found = np.asarray(weight @ classes, np.float64).ravel()
    return found / max(found.sum(), 1e-12)
