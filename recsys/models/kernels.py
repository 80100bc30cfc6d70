"""Loops over sparse rows that numpy has no fast word for; compiled by numba on first use, then cached."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, parallel=True, nogil=True)
def sparse_product(
    starts: NDArray[Any],
    columns: NDArray[Any],
    weights: NDArray[Any],
    other_starts: NDArray[Any],
    other_columns: NDArray[Any],
    other_weights: NDArray[Any],
    out: NDArray[np.float32],
) -> None:
    """Add the product of two CSR matrices to the dense ``out``, float32 (q, tracks)."""
    for row in numba.prange(len(starts) - 1):
        for place in range(starts[row], starts[row + 1]):
            weight, middle = weights[place], columns[place]
            for other in range(other_starts[middle], other_starts[middle + 1]):
                out[row, other_columns[other]] += weight * other_weights[other]


@numba.njit(cache=True, nogil=True)
def _best(
    scores: NDArray[np.float32],
    touched: NDArray[np.int32],
    k: int,
    rows: NDArray[np.int32],
    values: NDArray[np.float32],
) -> None:
    """Write the ``k`` largest of ``scores[touched]``; ties go to the lower row."""
    count = len(touched)
    touched.sort()
    limit = -np.inf if count <= k else np.partition(scores[touched], count - k)[count - k]
    above = 0
    for track in touched:
        above += scores[track] > limit
    equal, place = k - above, 0
    for track in touched:
        ties = scores[track] == limit
        if scores[track] > limit or (ties and equal > 0):
            equal -= ties
            rows[place], values[place] = track, scores[track]
            place += 1


@numba.njit(cache=True, parallel=True, nogil=True)
def gram_neighbours(
    left_starts: NDArray[Any],
    left_columns: NDArray[Any],
    left_weights: NDArray[Any],
    starts: NDArray[Any],
    columns: NDArray[Any],
    weights: NDArray[Any],
    scale: NDArray[np.float32],
    k: int,
    threads: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The ``k`` largest of each row of (left @ right) diag(scale) without the diagonal.

    Both in CSR; rows (n, k) padded by −1 and values (n, k). Memory: n × k, and n per thread; the result
    does not depend on ``threads``.
    """
    n = len(left_starts) - 1
    rows = np.full((n, k), -1, np.int32)
    values = np.zeros((n, k), np.float32)
    for thread in numba.prange(threads):
        scores = np.zeros(n, np.float32)
        touched = np.empty(n, np.int32)
        for row in range(thread, n, threads):
            count = 0
            for place in range(left_starts[row], left_starts[row + 1]):
                middle, weight = left_columns[place], left_weights[place]
                for other in range(starts[middle], starts[middle + 1]):
                    column = columns[other]
                    if column == row:
                        continue
                    if scores[column] == 0:
                        touched[count] = column
                        count += 1
                    scores[column] += weight * weights[other]
            mine = touched[:count]
            for column in mine:
                scores[column] *= scale[column]
            _best(scores, mine, k, rows[row], values[row])
            for column in mine:
                scores[column] = 0
    return rows, values


@numba.njit(cache=True, parallel=True, nogil=True)
def ridge_rows(
    starts: NDArray[Any],
    columns: NDArray[Any],
    weights: NDArray[np.float32],
    targets: NDArray[np.float32],
    fixed: NDArray[np.float32],
    base: NDArray[np.float32],
    ridge: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Solve (base + ridge_u I + Σ weight y yᵀ) x = Σ target y per CSR row u, into ``out`` (q, d).

    The y are the rows of ``fixed`` (n, d) that the columns name; base is (d, d), ridge (q,).
    """
    size = fixed.shape[1]
    for row in numba.prange(len(starts) - 1):
        system = base.copy()
        right = np.zeros(size, np.float32)
        for place in range(starts[row], starts[row + 1]):
            vector, weight, target = fixed[columns[place]], weights[place], targets[place]
            for i in range(size):
                right[i] += target * vector[i]
                scaled = weight * vector[i]
                for j in range(size):
                    system[i, j] += scaled * vector[j]
        for i in range(size):
            system[i, i] += ridge[row]
        out[row] = np.linalg.solve(system, right)


@numba.njit(cache=True, parallel=True, nogil=True)
def elastic_net(
    gram: NDArray[np.float32], k: int, l1: float, l2: float, sweeps: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Non-negative elastic net of each track on its ``k`` nearest by cosine, from the Gram matrix (n, n).

    Returns the tracks taken (n, k) and their weights (n, k), 0 where not used.
    """
    n = len(gram)
    rows = np.zeros((n, k), np.int32)
    values = np.zeros((n, k), np.float32)
    length = np.sqrt(np.maximum(np.diag(gram), np.float32(1e-9)))
    for track in numba.prange(n):
        cosine = gram[track] / length
        cosine[track] = -1
        near = np.argsort(-cosine)[:k]
        rows[track] = near
        block = np.empty((k, k), np.float32)
        left = np.empty(k, np.float32)
        for i in range(k):
            left[i] = gram[near[i], track]
            for j in range(k):
                block[i, j] = gram[near[i], near[j]]
        weights = values[track]
        for _ in range(sweeps):
            for i in range(k):
                old = weights[i]
                new = max((left[i] + block[i, i] * old - l1) / (block[i, i] + l2), np.float32(0))
                if new != old:
                    weights[i] = new
                    change = new - old
                    for j in range(k):
                        left[j] -= change * block[i, j]
    return rows, values


@numba.njit(cache=True, parallel=True, nogil=True, fastmath=True)
def standardise(
    scores: NDArray[np.float32],
    starts: NDArray[Any],
    columns: NDArray[Any],
    counted: NDArray[np.float32],
    weights: NDArray[np.float32],
) -> None:
    """Turn each row of ``scores`` (q, n), in place, into weight × (score − mean) / deviation; flat rows into 0.

    Mean and deviation are over the columns where ``counted`` (n,) is 1, not 0, and that the CSR rows ``starts``,
    ``columns`` do not name; weights (q,).
    """
    whole = counted.sum()
    for row in numba.prange(len(scores)):
        line, seen = scores[row], columns[starts[row] : starts[row + 1]]
        total, largest, free = 0.0, np.float32(0), whole
        for place in range(len(line)):
            total += line[place] * counted[place]
            largest = max(largest, abs(line[place]) * counted[place])
        for column in seen:
            total -= line[column] * counted[column]
            free -= counted[column]
        free = max(free, 1)
        mean = total / free
        square = 0.0
        for place in range(len(line)):
            square += counted[place] * (line[place] - mean) ** 2
        for column in seen:
            square -= counted[column] * (line[column] - mean) ** 2
        deviation = np.sqrt(max(square, 0.0) / free)
        factor = weights[row] / deviation if deviation > 1e-6 * largest else 0.0
        for place in range(len(line)):
            line[place] = (line[place] - mean) * factor


def _gained(
    scores: NDArray[np.float32], hits: NDArray[np.int32], weights: NDArray[np.float32], gains: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Discounted gain of each listener's hits when candidates are ranked by the weighted sum, float64 (q,).

    scores (q, members, c), hits (q, h) places of the hits padded by −1, weights (members,), gains (depth,) by place
    in the list. A tie counts against the hit.
    """
    found = np.zeros(len(scores))
    for row in numba.prange(len(scores)):
        total = np.zeros(scores.shape[2], np.float32)
        for member in range(scores.shape[1]):
            if weights[member] != 0:
                for place in range(len(total)):
                    total[place] += weights[member] * scores[row, member, place]
        for hit in hits[row]:
            if hit < 0:
                break
            rank = -1
            for place in range(len(total)):
                rank += total[place] >= total[hit]
            if rank < len(gains):
                found[row] += gains[rank]
    return found


gained = numba.njit(cache=True, nogil=True, fastmath=True)(_gained)
gained_by_all = numba.njit(cache=True, parallel=True, nogil=True, fastmath=True)(_gained)
