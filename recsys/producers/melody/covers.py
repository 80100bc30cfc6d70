"""Melodies of a library in, pairs of tracks that share one out: versions and covers, in any key and at any tempo."""

from __future__ import annotations

from typing import NamedTuple

from recsys.producers.melody.search import Found, Tunes

LEAST = 0.25  # score of the whole melodies, as ``Tunes.alike`` tells it
TRIED = 12  # melodies of most patterns in common that are compared
APART = 0.08  # that it exceeds the next best by, on both sides


class Cover(NamedTuple):
    """Two rows, a before b, and the score of what they share."""

    a: int
    b: int
    score: float


def covers(tunes: Tunes, *, least: float = LEAST, apart: float = APART) -> list[Cover]:
    """Pairs of tracks that are each other's likest, well before all others; none where a crowd is alike.

    >>> import numpy as np
    >>> from recsys.producers.notation import Notes
    >>> def tune(seed, steps=0):
    ...     rng = np.random.default_rng(seed)
    ...     onset = np.cumsum(rng.choice([0.25, 0.5, 1.0], 80))
    ...     pitch = 60 + steps + rng.permutation(80) % 13
    ...     return Notes.of(np.column_stack([onset, onset + 0.2, pitch, np.full(80, 80)]))
    >>> [(pair.a, pair.b) for pair in covers(Tunes.of([tune(0), tune(1), tune(2), tune(0, 5)]))]
    [(0, 3)]
    """
    best: dict[int, Found] = {}
    for row in sorted(set(tunes.row.tolist())):
        found = tunes.alike(row, 2, tried=TRIED)
        second = found[1].score if len(found) > 1 else 0.0
        if found and found[0].score >= least and found[0].score - second >= apart:
            best[row] = found[0]
    mutual = ((row, one) for row, one in best.items() if one.row > row and one.row in best)
    return [Cover(row, one.row, one.score) for row, one in mutual if best[one.row].row == row]
