"""The compiled inner loop of exact search: keep the k best of a stream of score tiles.

A kept (score, row) is one int64 key: the score's bits, made to sort as an integer, above the row counted
backwards. So one comparison orders by score and then by lower row, and no two keys are equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LANES = 64  # scores looked at together; tiles are padded to a multiple with −inf
NOTHING = np.iinfo(np.int64).min
MAGNITUDE = 0x7FFFFFFF


@njit(cache=True, nogil=True)
def _flip(bits: Any) -> Any:
    """float32 bits to an int32 that sorts as the number does, and back."""
    return bits ^ np.int32(MAGNITUDE) if bits < 0 else bits


@njit(cache=True, nogil=True)
def _select(keys: Any, count: int, k: int) -> None:
    """Move the k largest of ``keys[:count]`` to the front, the smallest of them to k − 1 (Hoare's quickselect)."""
    low, high = 0, count - 1
    while low < high:
        pivot = keys[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while keys[i] > pivot:
                i += 1
            while keys[j] < pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return


@njit(cache=True, nogil=True)
def scan(
    tile: Any, bits: Any, first: int, cursor: Any, stop: Any, indices: Any, blocked: Any, keys: Any, state: Any, k: int
) -> None:
    """Offer one tile of scores, float32 (users, blocks, LANES), to the lists in ``keys``.

    ``bits`` is the tile seen as int32; its first column is track ``first``. ``indices[cursor[u]:stop[u]]`` are
    the tracks, ascending, that user u must not get; ``blocked`` (all tracks, or empty) those that nobody gets.
    ``keys`` int64 (users, capacity >= k + LANES) and ``state`` = (counts int64, floors float32, the same floors
    as int32 bits) carry over from tile to tile, which must come in ascending order. The tile is scribbled on.
    """
    counts, floors, floor_bits = state
    users, blocks, lanes = tile.shape
    width = blocks * lanes
    for u in range(users):
        row = tile[u].reshape(width)
        while cursor[u] < stop[u] and indices[cursor[u]] < first + width:
            row[indices[cursor[u]] - first] = -np.inf
            cursor[u] += 1
        if blocked.size:
            for t in range(min(width, blocked.size - first)):
                if blocked[first + t]:
                    row[t] = -np.inf
        count, floor = counts[u], floors[u]
        for block in range(blocks):
            above = False
            for t in range(lanes):
                above |= tile[u, block, t] > floor
            if not above:
                continue
            if count + lanes > keys.shape[1]:
                _select(keys[u], count, k)
                count = k
                floor_bits[u] = _flip(np.int32(keys[u, k - 1] >> 32))
                floor = floors[u]
            for t in range(lanes):
                if tile[u, block, t] > floor:
                    b = _flip(bits[u, block, t]) if tile[u, block, t] != 0 else np.int32(0)
                    keys[u, count] = (np.int64(b) << 32) | np.int64(MAGNITUDE - (first + block * lanes + t))
                    count += 1
        counts[u] = count


@njit(cache=True, nogil=True)
def finish(keys: Any, counts: Any, k: int) -> None:
    """Leave the k best of each list in ``keys[:, :k]``, in no order, filled up with NOTHING."""
    for u in range(keys.shape[0]):
        if counts[u] > k:
            _select(keys[u], counts[u], k)
        else:
            keys[u, counts[u] : k] = NOTHING


def decode(keys: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Rows and scores of keys, best first in each line; NOTHING becomes row −1 and score −inf."""
    ordered = np.sort(keys, axis=1)[:, ::-1]
    rows = (MAGNITUDE - (ordered & MAGNITUDE)).astype(np.int32)
    bits = (ordered >> 32).astype(np.int32)
    scores = np.where(bits < 0, bits ^ np.int32(MAGNITUDE), bits).view(np.float32)
    empty = ordered == NOTHING
    return np.where(empty, np.int32(-1), rows), np.where(empty, np.float32(-np.inf), scores)
