"""Several lists per listener in, one list out in which each place's source is drawn by chance, and the chance is known.

Whoever only shows what is thought best never learns what else is good. With a small chance a place goes to another
source, and because that chance is written down, what any other way of choosing sources would have been worth can be
read off the outcomes later (Horvitz & Thompson 1952; Li, Chu, Langford, Wang, WSDM 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.tables import TopK

DRAWS = 20_000  # of the posteriors, from which the chance to be the best is counted
Doubles = NDArray[np.float64]


class Mixed(NamedTuple):
    """Rows, which source each came from, and the chance of it; all (q, n), −1 and NaN where nothing is left."""

    rows: NDArray[np.int32]
    sources: NDArray[np.int32]
    propensity: Doubles


def chances(
    names: Sequence[str], explore: float, posterior: Mapping[str, tuple[float, float]] | None = None
) -> Doubles:
    """The chance of each source to fill a place, (sources,), summing to 1.

    Without feedback the first source, the list as it is, is taken for the best. With it each has the chance that it is
    the best of all (Thompson sampling). ``explore`` is spread evenly over all of them on top, so that none is ever
    given up.

    Args:
        names: of the sources, the usual list first.
        explore: 0 … 1.
        posterior: a and b of the Beta distribution of each source's hit rate; sources it lacks have 1 and 1.

    >>> chances(["blend", "ials"], 0.2).tolist()
    [0.9, 0.1]
    >>> bool(chances(["blend", "ials"], 0.1, {"blend": (2, 90), "ials": (9, 80)})[1] > 0.85)
    True
    """
    count = len(names)
    if count == 1 or explore <= 0:
        return np.eye(count)[0]
    best = np.eye(count)[0] if not posterior else chance_of_best(names, posterior)
    return (1 - explore) * best + explore / count


def chance_of_best(names: Sequence[str], posterior: Mapping[str, tuple[float, float]]) -> Doubles:
    """How often each source has the highest hit rate, (sources,), when all are drawn from their posteriors.

    >>> chance_of_best(["blend", "ials"], {"blend": (1, 999), "ials": (999, 1)}).tolist()
    [0.0, 1.0]
    """
    shapes = np.array([posterior.get(name, (1.0, 1.0)) for name in names])
    drawn = np.random.default_rng(0).beta(shapes[:, 0], shapes[:, 1], (DRAWS, len(names)))
    return np.bincount(drawn.argmax(axis=1), minlength=len(names)) / DRAWS


def drawn(chance: Doubles, listeners: Sequence[int], n: int, seed: int) -> NDArray[np.int32]:
    """The source of each place, int32 (q, n); a listener's draws depend on ``seed`` and the listener's number alone.

    >>> drawn(np.array([0.0, 1.0]), [7, 8], 3, seed=0).tolist()
    [[1, 1, 1], [1, 1, 1]]
    """
    ends = np.cumsum(chance)
    ends[-1] = 1.0
    uniform = np.array([np.random.default_rng((seed, number)).random(n) for number in listeners]).reshape(-1, n)
    return np.searchsorted(ends, uniform, side="right").astype(np.int32)


def mixed(lists: Sequence[TopK], chance: Doubles, sources: NDArray[np.int32]) -> Mixed:
    """Place by place the best track of the drawn source that is not in the list yet.

    A source that has run out is replaced by the first that has not; such a row has no propensity.

    Args:
        lists: one per source, (q, k) each.
        chance: of each source.
        sources: drawn ones, (q, n).

    >>> lists = [TopK(np.array([[0, 1, 2]]), np.zeros((1, 3))), TopK(np.array([[1, 5, 6]]), np.zeros((1, 3)))]
    >>> mixed(lists, np.array([0.5, 0.5]), np.array([[1, 0, 1]])).rows
    array([[1, 0, 5]], dtype=int32)
    """
    from recsys.ranking.dial_kernels import interleave

    rows, found = np.full(sources.shape, -1, np.int32), np.full(sources.shape, -1, np.int32)
    interleave(np.stack([each.rows for each in lists]), np.ascontiguousarray(sources, np.int32), rows, found)
    meant = (found == sources) & (rows >= 0)
    return Mixed(rows, found, np.where(meant, chance[np.maximum(found, 0)], np.nan))
