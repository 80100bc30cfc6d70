"""The best tracks one after another, as long as caps and gaps leave room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Limit(NamedTuple):
    """How often each artist (album, recording) may be taken.

    Attributes:
        codes: of each candidate, −1 = bound by nothing, (c,).
        most: of one code.
        whole: how often a gap lets every code in; ``over`` of them once more.
    """

    codes: NDArray[np.integer]
    most: int
    whole: int
    over: int


def walk(best: NDArray[np.integer], limits: Sequence[Limit], tracks: int) -> NDArray[np.int64]:
    """Candidates in the order of ``best`` as the limits allow, at most ``tracks``, int64 (k,).

    >>> walk(np.arange(4), [Limit(np.array([0, 0, 0, 1]), 2, 4, 0)], 3).tolist()
    [0, 1, 3]
    """
    columns = [(limit.codes.tolist(), Counter[int](), limit) for limit in limits]
    spare = [limit.over for limit in limits]
    taken: list[int] = []
    for i in best.tolist():
        if len(taken) == tracks:
            break
        if any(_full(codes[i], counts, limit, spare[k]) for k, (codes, counts, limit) in enumerate(columns)):
            continue
        for k, (codes, counts, limit) in enumerate(columns):
            if codes[i] >= 0:
                spare[k] -= counts[codes[i]] == limit.whole
                counts[codes[i]] += 1
        taken.append(i)
    return np.array(taken, np.int64)


def _full(code: int, counts: Counter[int], limit: Limit, spare: int) -> bool:
    if code < 0:
        return False
    return counts[code] >= limit.most or (counts[code] == limit.whole and spare <= 0)
