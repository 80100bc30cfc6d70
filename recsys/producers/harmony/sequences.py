"""Two courses of harmony in, how much of one is in the other out, whatever the key and the tempo.

Beats are compared by their chords and their pitch classes; the best stretch that both share is found by local
alignment whose steps let one side go up to twice as fast (Serrà, Serra & Andrzejak, Cross Recurrence Quantification
for Cover Song Identification, New Journal of Physics 11, 2009). Of twelve transpositions the likeliest few are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from recsys.audio.spectra import fold
from recsys.producers.harmony.chords import Harmony
from recsys.producers.harmony.features import posterior
from recsys.producers.harmony.network import LOWEST
from recsys.producers.harmony.units import MIDDLE

Floats = NDArray[np.float32]
TRIED = 3  # transpositions
CONTEXT = 5  # beats that are compared together
NEAR = 0.1  # share of the beats of the other side that a beat may take for its own
GAP = 0.5, 0.5  # cost of the first beat that does not fit, and of each further one
CHORDS, CLASSES = 0.75, 0.65  # weights of chords and of pitch classes


class Course(NamedTuple):
    """Each beat's chords (n, 24) and pitch classes (n, 12), rows of length 1 or 0."""

    chords: Floats
    classes: Floats

    def moved(self, steps: int) -> Floats:
        """Both beside each other, higher by so many semitones, (n, 36)."""
        major, minor = self.chords[:, :12], self.chords[:, 12:]
        moved = [np.roll(part, steps, axis=1) for part in (major, minor, self.classes)]
        return np.concatenate([CHORDS * moved[0], CHORDS * moved[1], CLASSES * moved[2]], axis=1)


def course(heard: Harmony) -> Course:
    """What is compared of a piece, beat by beat."""
    told, chroma = posterior(heard)[:, :24], fold(heard.notes, LOWEST)
    starts = np.flatnonzero(heard.units.places != MIDDLE)
    if len(starts):
        told, chroma = (np.add.reduceat(part, starts, axis=0) for part in (told, chroma))
    return Course(_unit(np.sqrt(told)), _unit(np.sqrt(chroma)))


def likeness(first: Course, second: Course) -> float:
    """0 for nothing in common, about 1 for the same from beginning to end.

    >>> rng = np.random.default_rng(0)
    >>> song = Course(_unit(rng.random((40, 24)) ** 8), _unit(rng.random((40, 12)) ** 8))
    >>> likeness(song, song) > 0.8, likeness(song, Course(song.chords[:4], song.classes[:4]))
    (True, 0.0)
    """
    if min(len(first.chords), len(second.chords)) < CONTEXT:
        return 0.0
    mine = first.moved(0)
    best = 0.0
    for steps in transpositions(first, second):
        near = _recurrent(_in_context(mine @ second.moved(steps).T))
        best = max(best, float(_longest(near, *GAP)))
    return best / float(np.sqrt(len(first.chords) * len(second.chords)))


def transpositions(first: Course, second: Course, count: int = TRIED) -> list[int]:
    """Semitones by which ``second`` is to be raised, the likeliest first, by what sounds on the whole."""
    mine, theirs = first.moved(0).mean(axis=0), [second.moved(steps).mean(axis=0) for steps in range(12)]
    return np.argsort([-float(mine @ other) for other in theirs], kind="stable")[:count].tolist()


def ranked(query: Course, others: Sequence[Course]) -> NDArray[np.float64]:
    """The likeness of each of the others to one, (n,)."""
    return np.array([likeness(query, other) for other in others])


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def _in_context(alike: Floats) -> Floats:
    """Means along diagonals of ``CONTEXT`` beats."""
    n, m = alike.shape
    out = np.zeros((n - CONTEXT + 1, m - CONTEXT + 1), np.float32)
    for step in range(CONTEXT):
        out += alike[step : n - CONTEXT + 1 + step, step : m - CONTEXT + 1 + step]
    return out


def _recurrent(alike: Floats) -> NDArray[np.bool_]:
    """Which beats are among each other's nearest."""
    n, m = alike.shape
    rows, columns = max(int(NEAR * m), 1), max(int(NEAR * n), 1)
    by_row = np.partition(alike, m - rows, axis=1)[:, m - rows, None]
    by_column = np.partition(alike, n - columns, axis=0)[None, n - columns]
    return np.asarray((alike >= by_row) & (alike >= by_column))


@numba.njit(cache=True, nogil=True)
def _longest(near, first_gap, gap):  # type: ignore[no-untyped-def]
    """The score of the best common stretch: 1 for each pair of beats, less for what is skipped."""
    n, m = near.shape
    score = np.zeros((n + 2, m + 2), np.float32)
    best = np.float32(0)
    for i in range(2, n + 2):
        for j in range(2, m + 2):
            a, b, c = score[i - 1, j - 1], score[i - 2, j - 1], score[i - 1, j - 2]
            if near[i - 2, j - 2]:
                value = max(a, b, c) + np.float32(1)
            else:
                value = np.float32(0)
                for before, x, y in ((a, i - 3, j - 3), (b, i - 4, j - 3), (c, i - 3, j - 4)):
                    cost = gap
                    if x >= 0 and y >= 0 and near[x, y]:
                        cost = first_gap
                    value = max(value, before - np.float32(cost))
            score[i, j] = value
            best = max(best, value)
    return best
