"""Two songs in, how well one follows the other out: what its opening gains in likelihood from the other's ending.

T(a, b) = [log p(opening of b | ending of a) − log p(opening of b)] per step, of chords and notes together. Chords are
told by those before them and, since a song goes round the same few, by how often each was there lately (a cache, as of
Kuhn & De Mori, A Cache-Based Natural Language Model, IEEE TPAMI 12, 1990); notes by the composer, given the chords.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.producers.generation.composer import Composer, Stored
from recsys.producers.generation.songs import BAR, NONE, Song, away, steps_of

Floats = NDArray[np.float32]
HEARD = 16  # bars of the ending
OPENING = 4  # bars of the opening
CACHE = 0.6  # weight of a full cache; the likeliest on songs kept for validation
FILLED = 4  # chords that fill a cache by half
SELDOM = 1e-4


def transition(stored: Stored, first: Song, second: Song) -> float:
    """How much likelier the opening of a song is after the ending of another than from nothing, nats of a step.

    0 where the opening holds nothing.
    """
    shift = -away(first.key)
    past = first.part(max(first.bars - HEARD, 0), first.bars).moved(shift)
    opening = second.part(0, min(OPENING, second.bars)).moved(shift)
    follows = stored.follows["minor" if first.key >= 12 else "major"]
    after = surprise(stored.composer, past, opening) + chord_nats(
        follows, past.chords.tolist(), opening.chords.tolist()
    )
    alone = float(stored.composer.listen(opening)[1].sum()) + chord_nats(follows, [], opening.chords.tolist())
    return (alone - after) / (BAR * max(opening.bars, 1))


def surprise(composer: Composer, past: Song, song: Song) -> float:
    """Nats of all notes of a song after another; both at one home."""
    return float(composer.listen(past.then(song))[1][len(steps_of(past).at) :].sum())


def chord_nats(follows: Floats, before: Sequence[int], after: Sequence[int]) -> float:
    """Nats of all chords after others.

    Args:
        follows: chances of chords after another, (109, 109).
        before, after: chords of half bars.

    >>> flat = np.full((109, 109), 1 / 109)
    >>> chord_nats(flat, [0, 45, 63], [0, 45, 63]) < chord_nats(flat, [], [0, 45, 63])
    True
    """
    chances, counts = np.asarray(follows, np.float64), np.zeros(NONE + 1)
    np.add.at(counts, np.asarray(before, np.int64), 1)
    whole, last, total = chances.mean(axis=0), before[-1] if len(before) else None, 0.0
    for chord in after:
        n = counts.sum()
        share = CACHE * n / (n + FILLED)
        lately = counts[chord] / n if n else 0.0
        plain = whole[chord] if last is None else chances[last, chord]
        total -= float(np.log((1 - share) * (plain + SELDOM) + share * lately))
        counts[chord] += 1
        last = chord
    return total
