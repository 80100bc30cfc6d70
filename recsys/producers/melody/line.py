"""Notes of many voices in, the one line that is heard as the melody out.

Each note is judged by where it lies among those that sound with it; a melody is the course of notes that gains most
when leaps and rests cost something: the skyline of Uitdenbogerd & Zobel (ACM Multimedia 1999) with the cost of leading
a voice. Weights of the judgement were fitted to the named melodies of POP909 (Wang et al., ISMIR 2020, MIT).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from recsys.producers.notation import Notes

Floats = NDArray[np.float64]
TOGETHER = 0.04  # seconds between onsets that are one
ROUND = 24.0  # semitones: a voice further away does not matter
WEIGHTS = np.array([-0.91, -1.9, 0.15, -0.21, 0.18, -0.5, 4.32, -1.34, -0.24])  # of the columns of ``described``
ALONE = 5.0  # log-odds of notes in a piece of one voice
BONUS = 2.5  # log-odds that a note gains by being in the line
LEAP, WIDEST = 0.4, 16.0  # cost of each semitone beyond a third, up to so many
REST, LONGEST = 0.4, 12.0  # cost of a rest as long as a usual note, and of how many at most
CUT = 4.0  # cost of ending a note before its time, as a share of it
REACH = 96  # notes back that may come before


def melody(notes: Notes) -> Notes:
    """The melody: notes one after another, each over before the next begins.

    >>> chord = [(0.0, 2.0, pitch, 70) for pitch in (48, 52, 55)]
    >>> tune = [(0.5 * step, 0.5 * step + 0.5, pitch, 90) for step, pitch in enumerate((72, 74, 76, 72))]
    >>> melody(Notes.of(chord + tune)).pitch.tolist()
    [72, 74, 76, 72]
    """
    if not len(notes):
        return notes
    usual = float(np.median(notes.offset - notes.onset))
    chosen = _course(notes.onset, notes.offset, notes.pitch.astype(np.float64), judged(notes), usual)
    line = notes.take(chosen)
    ends = np.append(np.minimum(line.offset[:-1], line.onset[1:]), line.offset[-1])
    return Notes(line.onset, ends, line.pitch, line.velocity, line.confidence)


def judged(notes: Notes) -> Floats:
    """Log-odds that each note is of the melody, (n,); where nothing is beside a voice, all of it is."""
    return described(notes) @ WEIGHTS + ALONE * (1 - accompanied(notes))


def accompanied(notes: Notes) -> float:
    """Share of the notes' time in which others sound.

    >>> accompanied(Notes.of([(0.0, 1.0, 60, 80), (1.0, 2.0, 64, 80), (1.0, 2.0, 67, 80)])).__round__(2)
    0.67
    """
    length = notes.offset - notes.onset
    around = _around(notes.onset, notes.offset, notes.pitch.astype(np.float64))
    return float(np.average(np.minimum(around[:, 0] + around[:, 1], 1), weights=length))


def described(notes: Notes) -> Floats:
    """What is known of each note among those that sound with it, (n, 9)."""
    pitch = notes.pitch.astype(np.float64)
    around = _around(notes.onset, notes.offset, pitch)
    length = notes.offset - notes.onset
    high = accompanied(notes) * (pitch - np.average(pitch, weights=length)) / 12
    length = np.log2(np.clip(length / np.median(length), 1 / 8, 8))
    return np.column_stack([np.ones(len(pitch)), around, high, high**2, length])


@numba.njit(cache=True)
def _around(onset, offset, pitch):  # type: ignore[no-untyped-def]
    """Shares of a note under others and over others, gaps to the next above and below, and notes struck with it."""
    n = len(onset)
    out = np.zeros((n, 5))
    longest = (offset - onset).max()
    for i in range(n):
        above, below, up, down, same = 0.0, 0.0, ROUND, ROUND, 0
        length = offset[i] - onset[i]
        first = np.searchsorted(onset, onset[i] - min(longest, 20.0))
        for j in range(first, n):
            if onset[j] >= offset[i]:
                break
            common = min(offset[i], offset[j]) - max(onset[i], onset[j])
            if j == i or common <= 0:
                continue
            gap = pitch[j] - pitch[i]
            if gap > 0:
                above += common
            else:
                below += common
            same += abs(onset[j] - onset[i]) < TOGETHER
            if onset[j] < onset[i] + TOGETHER:
                up = min(up, gap) if gap > 0 else up
                down = min(down, -gap) if gap <= 0 else down
        out[i] = min(above / length, 1), min(below / length, 1), up / 12, down / 12, min(same, 6) / 3
    return out


@numba.njit(cache=True)
def _course(onset, offset, pitch, odds, usual):  # type: ignore[no-untyped-def]
    """Places of the notes of the line that gains most."""
    n = len(onset)
    gain, origin = np.zeros(n), np.full(n, -1)
    for i in range(n):
        best, came = 0.0, -1
        for j in range(max(i - REACH, 0), i):
            if onset[i] - onset[j] < TOGETHER:
                continue
            cut = max(offset[j] - onset[i], 0.0) / (offset[j] - onset[j])
            rest = min(max(onset[i] - offset[j], 0.0) / usual, LONGEST)
            leap = min(max(abs(pitch[i] - pitch[j]) - 4, 0.0), WIDEST)
            value = gain[j] - CUT * cut - REST * rest - LEAP * leap
            if value > best:
                best, came = value, j
        gain[i] = best + odds[i] + BONUS
        origin[i] = came
    line = [int(gain.argmax())]
    while origin[line[-1]] >= 0:
        line.append(origin[line[-1]])
    return np.array(line[::-1])
