"""Scores of several models in; one scale for all of them, and the weights that rank held-out plays best, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows

DEPTH = 100
POOL = 200
STEPS = (0.3, 0.15, 0.08, 0.04)
ROUNDS = 6
LEAST = 3e-4  # a member that adds less than this to N@100 is left out
FEW = 2_000_000  # scores that one thread adds up before others have begun
NOWHERE = np.float32(-1e6)
GAINS = 1 / np.log2(np.arange(2, DEPTH + 2))


class Candidates(NamedTuple):
    """The tracks that any member puts on top for each listener, padded by ``NOWHERE``.

    Attributes:
        scores: standardised scores, float32 (q, members, c).
        hits: which of them the listener did play later, int32 (q, h), padded by −1.
        ideal: the gain of a perfect list, (q,).
    """

    scores: Floats
    hits: NDArray[np.int32]
    ideal: NDArray[np.float64]


def standardised(
    scores: Floats, histories: Histories, weights: Floats | None = None, counted: Floats | None = None
) -> Floats:
    """Each row shifted and scaled to mean 0 and deviation 1 over the tracks not in its history, float32 (q, tracks).

    A row whose scores are all the same becomes 0.

    Args:
        scores: float32 (q, tracks); the memory is used for the answer.
        histories: CSR (q, tracks).
        weights: what each row is multiplied by afterwards, (q,); None = 1.
        counted: 1 for the tracks that mean and deviation are taken over, 0 for others, float32 (tracks,); None = all.

    >>> import scipy.sparse as sp
    >>> standardised(np.float32([[9, 1, 3]]), sp.csr_array([[1, 0, 0]]))
    array([[ 7., -1.,  1.]], dtype=float32)
    """
    from recsys.models.kernels import standardise

    each = np.ones(len(scores), np.float32) if weights is None else np.asarray(weights, np.float32)
    tracks = np.ones(histories.shape[1], np.float32) if counted is None else counted
    found = np.ascontiguousarray(scores, dtype=np.float32)
    standardise(found, histories.indptr, histories.indices, tracks, each)
    return found


def candidates(
    blocks: Sequence[Floats], histories: Histories, held: Histories, allow: Rows | None = None
) -> Candidates:
    """What ``fit_weights`` looks at: the best tracks of each member outside the history.

    Args:
        blocks: standardised scores of each member, float32 (q, tracks).
        histories: what the scores were made from, CSR (q, tracks).
        held: what the same listeners played besides, CSR (q, tracks); listeners without any are left out.
        allow: the only tracks that may be recommended; None = all.
    """
    free: NDArray[np.bool_] = np.full(blocks[0].shape, allow is None)
    if allow is not None:
        free[:, allow] = True
    free[_places(histories)] = False
    pool = min(POOL, blocks[0].shape[1])
    taken = np.zeros_like(free)
    for block in blocks:
        top = np.argpartition(-np.where(free, block, NOWHERE), pool - 1, axis=1)[:, :pool]
        np.put_along_axis(taken, top, True, axis=1)
    taken &= free
    order = np.argsort(~taken, axis=1, kind="stable")[:, : taken.sum(axis=1).max(initial=1)]
    real = np.take_along_axis(taken, order, axis=1)
    played = np.zeros_like(free)
    played[_places(held)] = True
    wanted = np.minimum((played & free).sum(axis=1), DEPTH)
    some = wanted > 0
    scores = np.stack([np.where(real, np.take_along_axis(b, order, axis=1), NOWHERE)[some] for b in blocks], axis=1)
    hits = (np.take_along_axis(played, order, axis=1) & real)[some]
    ideal = np.concatenate([[0], np.cumsum(GAINS)])[wanted[some]]
    return Candidates(np.ascontiguousarray(scores, np.float32), _listed(hits), ideal)


def fit_weights(parts: Sequence[Candidates], starts: Sequence[Floats] = ()) -> Floats:
    """Weights, 0 or more with sum 1, of the largest mean N@100, by coordinate search; float32 (members,).

    Moves one weight at a time by ever smaller steps, from the two best of equal weights, equal weights without one
    member, and ``starts``; then leaves out members that add next to nothing. There is no randomness: the listeners are
    the only source of noise.
    """
    members = parts[0].scores.shape[1]
    tries = [np.full(members, 1 / members), *(start.astype(np.float64) for start in starts)]
    if members > 2:
        tries += list((1 - np.eye(members)) / (members - 1))
    ranked = sorted(tries, key=lambda each: -quality(parts, each))
    found = [_climbed(parts, start) for start in ranked[:2]]
    best, weights = max(found, key=lambda pair: pair[0])
    return _sparse(parts, weights, best).astype(np.float32)


def _climbed(parts: Sequence[Candidates], weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The best that single moves reach from here, and its quality."""
    best = quality(parts, weights)
    for step in STEPS:
        for _ in range(ROUNDS):
            before = best
            for member in range(len(weights)):
                for change in (step, -step):
                    trial = _moved(weights, member, change)
                    found = quality(parts, trial)
                    if found > best + 1e-5:
                        weights, best = trial, found
            if best == before:
                break
    return best, weights


def quality(parts: Sequence[Candidates], weights: NDArray[np.floating]) -> float:
    """Mean N@100 over all listeners of all parts."""
    from recsys.models.kernels import gained, gained_by_all

    each = weights.astype(np.float32)
    count = gained_by_all if sum(part.scores.size for part in parts) > FEW else gained
    found = [count(part.scores, part.hits, each, GAINS) / part.ideal for part in parts]
    return float(np.concatenate(found).mean()) if sum(map(len, found)) else 0.0


def _sparse(parts: Sequence[Candidates], weights: NDArray[np.float64], best: float) -> NDArray[np.float64]:
    """The weights without the members whose part is not missed, the lightest first."""
    for member in np.argsort(weights):
        trial = _moved(weights, int(member), -1.0)
        if weights[member] > 0 and (trial > 0).any() and quality(parts, trial) > best - LEAST:
            weights, best = trial, quality(parts, trial)
    return weights


def _moved(weights: NDArray[np.float64], member: int, change: float) -> NDArray[np.float64]:
    trial = weights.copy()
    trial[member] = max(0.0, trial[member] + change)
    return trial / trial.sum() if trial.any() else weights


def _listed(marks: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Places of the marks of each row, first ones first, padded by −1, int32 (q, most)."""
    counts = marks.sum(axis=1)
    found = np.full((len(marks), max(1, counts.max(initial=0))), -1, np.int32)
    rows, places = np.nonzero(marks)
    found[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = places
    return found


def _places(matrix: Histories) -> tuple[NDArray[np.intp], NDArray[np.integer]]:
    """(row, column) of every entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices
