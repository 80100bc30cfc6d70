"""Hidden plays in, the weights of a blend out: for long and short histories, and for tracks with few plays or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import known_rows
from recsys.models.blend import HALF, Blend, at_once
from recsys.models.fusion import Candidates, candidates, fit_weights, quality
from recsys.models.weighted import Say

SHORT = (1, 4, 12)  # lengths of history that have weights of their own
MOST_LISTENERS, MOST_SHORT, LEAST_LISTENERS = 2000, 1000, 40
HALVES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class Fallback(NamedTuple):
    """How content-capable members share what evidence leaves open (members,), and the plays that decide one half."""

    shares: list[float]
    half: float


def looked_at(
    blend: Blend, histories: Histories, held: Histories, users: Rows | None = None, most: int = MOST_LISTENERS
) -> list[Candidates]:
    """What the members of a blend say of some listeners' hidden plays: the ground that ``weigh`` stands on.

    Args:
        blend: with fitted members.
        histories: what the members were fitted on, CSR (q, tracks).
        held: plays of the same listeners that they were not fitted on, CSR (q, tracks).
        users: trained user rows of these listeners, or None.
        most: listeners to look at, evenly spread.
    """
    return [
        candidates(blend.imputed(histories[some], own), histories[some], held[some])
        for some, own in _some(histories, held, users, most)
    ]


def weigh(blend: Blend, whole: Sequence[Candidates], starts: Sequence[Floats] = ()) -> Floats:
    """Weights of the largest N@100, float32 (members,), no worse than one member alone; its own if nothing is held."""
    if not sum(len(part.ideal) for part in whole):
        return blend.weights_[-1]
    alone = np.eye(len(blend.models_), dtype=np.float32)
    return fit_weights(whole, [*starts, *alone])


def weigh_short(
    blend: Blend, histories: Histories, held: Histories, weights: Floats, rng: np.random.Generator
) -> tuple[list[float], list[list[float]]]:
    """Lengths of history and the weights for each: short ones, made by hiding most of a history, and the usual.

    Args:
        weights: those for whole histories, (members,).
        rng: which tracks of a history stay.
    """
    sizes = np.diff(histories.indptr)
    usual = float(max(1, np.median(sizes))) if len(sizes) else 1.0
    lengths, table = [usual], [weights.tolist()]
    for length in sorted(SHORT, reverse=True):
        long = np.flatnonzero(sizes >= 2 * length)
        if 2 * length > usual or len(long) < LEAST_LISTENERS:
            continue
        part = _shortened(sp.csr_array(histories[long]), length, rng)
        seen = looked_at(blend, part, sp.csr_array(held[long]), None, MOST_SHORT)
        lengths.insert(0, float(length))
        table.insert(0, fit_weights(seen, [np.asarray(row, np.float32) for row in table]).tolist())
    return lengths, table


def fit_fallback(
    blend: Blend, histories: Histories, held: Histories, users: Rows | None, pool: Rows, kept: NDArray[np.integer]
) -> Fallback:
    """Shares and ``half`` that rank tracks with few plays or none best among themselves.

    Args:
        blend: with members fitted without the held plays.
        pool: tracks of which most or all plays are held, int32 (p,).
        kept: how many plays of each track the members have seen, (p,).
    """
    knows = np.array([getattr(m, "cold", False) for m in blend.models_])
    if not knows.any():
        return Fallback([0.0] * len(knows), HALF)
    unseen, able = pool[kept == 0], np.flatnonzero(knows)
    shares = np.zeros(len(knows))
    parts = [
        candidates([b for b in blend.blocks(histories[some], own, able) if b is not None], histories[some], h, unseen)
        for some, own in _some(histories, held, users, MOST_SHORT)
        for h in [sp.csr_array(held[some])]
    ]
    alone = list(np.eye(len(able), dtype=np.float32))
    shares[able] = fit_weights(parts, alone) if sum(len(p.ideal) for p in parts) else 1 / len(able)
    blend.fallback_ = shares.astype(np.float32)
    blend.reconsider()
    return Fallback(shares.tolist(), _half(blend, histories, held, users, pool, kept))


def _half(
    blend: Blend, histories: Histories, held: Histories, users: Rows | None, pool: Rows, kept: NDArray[np.integer]
) -> float:
    """The best of ``HALVES`` over all thinned tracks; the usual one where nothing tells them apart."""
    found = np.zeros(len(HALVES))
    for some, own in _some(histories, held, users, MOST_SHORT):
        mine = sp.csr_array(histories[some])
        blocks = np.stack([b[:, pool] for b in blend.blocks(mine, own) if b is not None])
        weights = blend.weights_for(mine)
        for place, half in enumerate(HALVES):
            total = np.zeros((len(some), mine.shape[1]), np.float32)
            total[:, pool] = _mixed(blend, blocks, weights, np.asarray(kept, np.float32), half)
            part = candidates([total], mine, sp.csr_array(held[some]), pool)
            found[place] += quality([part], np.ones(1)) * len(part.ideal)
    return HALVES[int(found.argmax())] if found.any() else HALF


def _mixed(blend: Blend, blocks: Floats, weights: Floats, kept: Floats, half: float) -> Floats:
    """Scores of a blend from standardised blocks (members, q, p) of tracks with so many plays (p,)."""
    trusted = blend.trusted(kept, half)
    say = Say(weights, trusted, blend.stand_ins(trusted), weights @ (1 - trusted))
    return np.sum([say.of(number) * block for number, block in enumerate(blocks)], axis=0, dtype=np.float32)


def _some(
    histories: Histories, held: Histories, users: Rows | None, most: int
) -> Iterator[tuple[NDArray[np.intp], Rows]]:
    """Some listeners at a time that have something to show and something hidden, with their trained rows."""
    users = known_rows(users, histories.shape[0])
    chosen = np.flatnonzero((np.diff(histories.indptr) > 0) & (np.diff(held.indptr) > 0))
    if len(chosen) > most:
        chosen = chosen[np.linspace(0, len(chosen) - 1, most).astype(int)]
    for start in range(0, len(chosen), at_once(histories.shape[1])):
        some = chosen[start : start + at_once(histories.shape[1])]
        yield some, users[some]


def _shortened(histories: Histories, length: int, rng: np.random.Generator) -> Histories:
    """``length`` random entries of each row, CSR of the same shape."""
    rows = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    order = np.lexsort((rng.random(histories.nnz), rows))
    place = np.arange(histories.nnz) - np.repeat(histories.indptr[:-1], np.diff(histories.indptr))
    kept = np.sort(order[place < length])
    return sp.csr_array((histories.data[kept], (rows[kept], histories.indices[kept])), shape=histories.shape)
