"""An order to begin with, in which the same artist is kept apart as far as that can be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]


def spaced(codes: Codes, gap: int, opening: Sequence[int] = (), closing: Sequence[int] = ()) -> list[int]:
    """Positions of all items in an order that keeps equal codes ``gap`` places apart whenever that can be done.

    Each place takes an item whose code is free there and has the most left to come (the one that must wait longest
    for its closing place first); that is the rule for scheduling tasks with a cool-down, which never gets stuck
    needlessly. Items are taken as they come otherwise, so that the first stand in front.

    Args:
        codes: of each item, −1 = bound by nothing, (n,).
        opening, closing: positions that begin and end the order.

    >>> spaced(np.array([0, 0, 1, 2], np.int32), 3)
    [0, 2, 3, 1]
    """
    ends = {*opening, *closing}
    left = [i for i in range(len(codes)) if i not in ends]
    order = list(opening)
    known = codes.tolist()
    free_from = {known[i]: place + gap for place, i in enumerate(order)}
    end = len(codes) - len(closing)
    free_until = {known[i]: end + place - gap for place, i in reversed(list(enumerate(closing)))}
    remaining = Counter(known[i] for i in left)
    for place in range(len(order), end):
        best = min(left, key=lambda i: _urgency(known[i], place, free_from, free_until, remaining, gap, end))
        left.remove(best)
        order.append(best)
        remaining[known[best]] -= 1
        free_from[known[best]] = place + gap
    return [*order, *closing]


def _urgency(
    code: int,
    place: int,
    free_from: dict[int, int],
    free_until: dict[int, int],
    remaining: Counter[int],
    gap: int,
    end: int,
) -> tuple[bool, int, int]:
    """Sorts first what may stand here, then what has the least room to spare."""
    if code < 0:
        return False, -1, end
    blocked = free_from.get(code, 0) > place or place > free_until.get(code, end)
    last = min(end - 1, free_until.get(code, end)) - (remaining[code] - 1) * gap  # latest start that still fits all
    return blocked, -remaining[code], last - place if last >= place else 0
