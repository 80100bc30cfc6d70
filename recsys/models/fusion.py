"""Scores of several models in; one scale for all of them, and the weights that rank held-out plays best, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories

DEPTH = 100
POOL = 250
STEPS = (0.3, 0.15, 0.08)
ROUNDS = 6
NOWHERE = np.float32(-1e6)


class Candidates(NamedTuple):
    """The tracks that any member puts on top for each listener, padded by ``NOWHERE``.

    Attributes:
        scores: standardised scores, float32 (members, q, c).
        hits: whether the listener did play it later, bool (q, c).
        ideal: the gain of a perfect list, (q,).
    """

    scores: Floats
    hits: NDArray[np.bool_]
    ideal: NDArray[np.float64]


def standardised(scores: Floats, histories: Histories, weights: Floats | None = None) -> Floats:
    """Each row shifted and scaled to mean 0 and deviation 1 over the tracks not in its history, float32 (q, tracks).

    A row whose scores are all the same becomes 0.

    Args:
        scores: float32 (q, tracks); the memory is used for the answer.
        histories: CSR (q, tracks).
        weights: what each row is multiplied by afterwards, (q,); None = 1.

    >>> import scipy.sparse as sp
    >>> standardised(np.float32([[9, 1, 3]]), sp.csr_array([[1, 0, 0]]))
    array([[ 7., -1.,  1.]], dtype=float32)
    """
    from recsys.models.kernels import standardise

    each = np.ones(len(scores), np.float32) if weights is None else np.asarray(weights, np.float32)
    found = np.ascontiguousarray(scores, dtype=np.float32)
    standardise(found, histories.indptr, histories.indices, each)
    return found


def candidates(blocks: Sequence[Floats], histories: Histories, held: Histories) -> Candidates:
    """What ``fit_weights`` looks at: the best tracks of each member outside the history.

    Args:
        blocks: standardised scores of each member, float32 (q, tracks).
        histories: what the scores were made from, CSR (q, tracks).
        held: what the same listeners played besides, CSR (q, tracks); listeners without any are left out.
    """
    free: NDArray[np.bool_] = np.ones(blocks[0].shape, bool)
    free[_places(histories)] = False
    pool = min(POOL, blocks[0].shape[1])
    taken = np.zeros_like(free)
    for block in blocks:
        top = np.argpartition(-np.where(free, block, NOWHERE), pool - 1, axis=1)[:, :pool]
        np.put_along_axis(taken, top, True, axis=1)
    taken &= free
    order = np.argsort(~taken, axis=1, kind="stable")[:, : len(blocks) * pool]
    real = np.take_along_axis(taken, order, axis=1)
    played = np.zeros_like(free)
    played[_places(held)] = True
    wanted = np.minimum((played & free).sum(axis=1), DEPTH)
    some = wanted > 0
    scores = np.stack([np.where(real, np.take_along_axis(b, order, axis=1), NOWHERE)[some] for b in blocks])
    hits = (np.take_along_axis(played, order, axis=1) & real)[some]
    return Candidates(scores.astype(np.float32), hits, np.concatenate([[0], np.cumsum(_gains(DEPTH))])[wanted[some]])


def fit_weights(parts: Sequence[Candidates], start: Floats | None = None) -> Floats:
    """Weights, 0 or more with sum 1, of the largest mean N@100, by coordinate search; float32 (members,).

    Moves one weight at a time by ever smaller steps, from ``start`` or from equal weights, whichever is the
    better: no randomness, and the listeners are the only source of noise.
    """
    members = len(parts[0].scores)
    starts = [np.full(members, 1 / members), *([] if start is None else [start.astype(np.float64)])]
    best, weights = max(((_quality(parts, each), each) for each in starts), key=lambda pair: pair[0])
    for step in STEPS:
        for _ in range(ROUNDS):
            before = best
            for member in range(members):
                for change in (step, -step):
                    trial = _moved(weights, member, change)
                    found = _quality(parts, trial)
                    if found > best + 1e-5:
                        weights, best = trial, found
            if best == before:
                break
    return weights.astype(np.float32)


def _moved(weights: NDArray[np.float64], member: int, change: float) -> NDArray[np.float64]:
    trial = weights.copy()
    trial[member] = max(0.0, trial[member] + change)
    return trial / trial.sum() if trial.any() else weights


def _quality(parts: Sequence[Candidates], weights: NDArray[np.float64]) -> float:
    """Mean N@100 over all listeners of all parts."""
    gained = np.concatenate([_gain(part, weights) / part.ideal for part in parts])
    return float(gained.mean()) if len(gained) else 0.0


def _gain(part: Candidates, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.tensordot(weights.astype(np.float32), part.scores, axes=1)
    depth = min(DEPTH, total.shape[1])
    top = np.argpartition(-total, depth - 1, axis=1)[:, :depth]
    order = np.argsort(-np.take_along_axis(total, top, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(top, order, axis=1)
    return np.take_along_axis(part.hits, best, axis=1) @ _gains(depth)


def _gains(depth: int) -> NDArray[np.float64]:
    return 1 / np.log2(np.arange(2, depth + 2))


def _places(matrix: Histories) -> tuple[NDArray[np.intp], NDArray[np.integer]]:
    """(row, column) of every entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices
