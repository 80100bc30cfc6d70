"""Lists made place by place, compiled: the greedy choice of calibrated ones, and several mixed by chance."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, parallel=True)
def choose(
    rows: Any, scores: Any, mix: Any, indptr: Any, indices: Any, shares: Any, weight: Any, alpha: Any, chosen: Any
) -> None:
    """Fill ``chosen`` (q, n) with places of the candidates in ``rows`` (q, c), one after another; −1 = none left.

    ``shares`` of each track (CSR by ``indptr`` and ``indices``) sum to 1. Only the classes of a candidate change the
    divergence beyond what the length of the list does, so a step costs as many logarithms as they have entries.
    """
    lists, reach = rows.shape
    groups = mix.shape[1]
    for q in numba.prange(lists):
        own = mix[q]
        calibrate = weight if own.sum() > 0 else np.float32(0)
        total = np.zeros(groups)
        logs = np.zeros(groups)
        taken = rows[q] < 0
        for step in range(chosen.shape[1]):
            for g in range(groups):
                if own[g] > 0:
                    logs[g] = np.log((1 - alpha) * total[g] / (step + 1) + alpha * own[g])
            best, place = -np.inf, -1
            for c in range(reach):
                if taken[c]:
                    continue
                gain = (1 - calibrate) * scores[q, c]
                if calibrate > 0:
                    nearer = 0.0
                    for entry in range(indptr[rows[q, c]], indptr[rows[q, c] + 1]):
                        g = indices[entry]
                        if own[g] > 0:
                            share = (1 - alpha) * (total[g] + shares[entry]) / (step + 1) + alpha * own[g]
                            nearer += own[g] * (np.log(share) - logs[g])
                    gain += calibrate * (step + 1) * nearer
                if gain > best:
                    best, place = gain, c
            if place < 0:
                break
            chosen[q, step] = place
            taken[place] = True
            for entry in range(indptr[rows[q, place]], indptr[rows[q, place] + 1]):
                total[indices[entry]] += shares[entry]


@numba.njit(cache=True, parallel=True)
def interleave(lists: Any, drawn: Any, rows: Any, sources: Any) -> None:
    """Fill ``rows`` and ``sources`` (q, n) from ``lists`` (sources, q, k): the drawn source's best unused track."""
    count, queries, reach = lists.shape
    for q in numba.prange(queries):
        place = np.zeros(count, np.int64)
        for j in range(drawn.shape[1]):
            for turn in range(count + 1):
                source = drawn[q, j] if turn == 0 else turn - 1
                while place[source] < reach and lists[source, q, place[source]] >= 0:
                    track = lists[source, q, place[source]]
                    used = False
                    for i in range(j):
                        if rows[q, i] == track:
                            used = True
                            break
                    if not used:
                        break
                    place[source] += 1
                if place[source] < reach and lists[source, q, place[source]] >= 0:
                    rows[q, j], sources[q, j] = lists[source, q, place[source]], source
                    place[source] += 1
                    break
