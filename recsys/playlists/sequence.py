"""The order of chosen tracks: each the best follower of the one before, artists kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.constraints import Start

Similarity = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.floating]]
Artist = Hashable | None


def arrange(
    rows: NDArray[np.int32],
    artists: Sequence[Artist],
    gap: int,
    start: Start,
    last_row: int | None = None,
    similarity: Similarity | None = None,
) -> list[int]:
    """Positions in playing order.

    Without ``similarity`` the order is that of ``rows`` (by relevance); with it, each track is the one most similar
    to the track before. Both bend where an artist could otherwise not be kept ``gap`` places apart.

    Args:
        rows: chosen tracks, best first, shape (n,).
        artists: their artists.
        last_row: the track played just before, or None.
        similarity: two arrays of rows, (a,) and (b,), to similarities (a, b), larger is closer.
    """
    pleasant = _walk(rows, artists, gap, start, last_row, similarity, strict=False)
    if _keeps(pleasant, artists, gap, start):
        return pleasant
    safe = _walk(rows, artists, gap, start, last_row, similarity, strict=True)
    return safe if _keeps(safe, artists, gap, start) else pleasant


def _walk(
    rows: NDArray[np.int32],
    artists: Sequence[Artist],
    gap: int,
    start: Start,
    last_row: int | None,
    similarity: Similarity | None,
    strict: bool,
) -> list[int]:
    """One track after another; strict: always an artist with most tracks left, which never gets stuck needlessly."""
    left = list(range(len(rows)))
    open_from: dict[Artist, int] = {**start.waits(gap)}
    remaining = Counter(a for a in artists if a is not None)
    order: list[int] = []
    previous = last_row
    for place in range(len(rows)):
        allowed = [i for i in left if open_from.get(artists[i], 0) <= place] or left
        allowed = _pressing(allowed, artists, remaining, gap, len(rows) - place, strict)
        best = _follower(allowed, rows, previous, similarity)
        left.remove(best)
        order.append(best)
        previous = int(rows[best])
        if artists[best] is not None:
            open_from[artists[best]] = place + gap
            remaining[artists[best]] -= 1
    return order


def _pressing(
    allowed: list[int], artists: Sequence[Artist], remaining: Counter[Hashable], gap: int, places: int, strict: bool
) -> list[int]:
    """Those that must come now if all of their artist's tracks are to fit into the places left, else all."""
    if strict:
        most = max(remaining[artists[i]] if artists[i] is not None else 1 for i in allowed)
        return [i for i in allowed if (remaining[artists[i]] if artists[i] is not None else 1) == most]
    tight = [i for i in allowed if artists[i] is not None and (remaining[artists[i]] - 1) * gap + 1 >= places]
    return tight or allowed


def _follower(allowed: list[int], rows: NDArray[np.int32], previous: int | None, similarity: Similarity | None) -> int:
    if similarity is None or previous is None:
        return allowed[0]
    close = similarity(np.array([previous], np.int32), rows[allowed])[0]
    return allowed[int(np.argmax(close))]


def _keeps(order: list[int], artists: Sequence[Artist], gap: int, start: Start) -> bool:
    """Whether the gap holds, not counting what the start itself broke."""
    recent = list(start.artists[max(0, len(start.artists) - gap + 1) :])
    seen: dict[Hashable, int] = {a: i - len(recent) for i, a in enumerate(recent) if a is not None}
    for place, i in enumerate(order):
        artist = artists[i]
        if artist is not None:
            if place - seen.get(artist, -gap) < gap:
                return False
            seen[artist] = place
    return True
