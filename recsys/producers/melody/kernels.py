"""The compiled loops of melody search: votes for tracks by short patterns, and the best common stretch of two tunes."""

from __future__ import annotations

import numpy as np
from numba import njit

SLOTS = 12  # transpositions that are told apart
BLOCK = 6  # notes are counted together in blocks of 1 << BLOCK
BACK = 3  # notes that a step of the alignment may go on each side
CHORD = 0.01  # seconds below which time between two notes is not divided by


@njit(cache=True, nogil=True)
def vote(  # type: ignore[no-untyped-def]
    keys, weights, pitches, first, places, pitch, starts, blocks, coarse, shift, votes
):
    """Add the weight of each pattern to every block and transposition in which it occurs.

    ``keys``, ``weights``, ``pitches``: the patterns of a query and the pitch that each begins with; ``first``,
    ``places``: where each pattern occurs; ``pitch``, ``starts``: notes of all melodies; ``blocks``: the first block of
    each melody; ``coarse``: the melody of each ``1 << shift``-th note; ``votes``: float32 (blocks, SLOTS).
    """
    for one in range(len(keys)):
        for at in range(first[keys[one]], first[keys[one] + 1]):
            place = places[at]
            tune = coarse[place >> shift]
            while starts[tune + 1] <= place:
                tune += 1
            block = blocks[tune] + ((place - starts[tune]) >> BLOCK)
            votes[block, (np.int64(pitch[place]) - pitches[one]) % SLOTS] += weights[one]


@njit(cache=True, nogil=True)
def best_slots(votes, blocks, totals, slots):  # type: ignore[no-untyped-def]
    """The votes of each block with the one after it at the best transposition, and which that is."""
    for tune in range(len(blocks) - 1):
        for block in range(blocks[tune], blocks[tune + 1]):
            for slot in range(SLOTS):
                value = votes[block, slot]
                if block + 1 < blocks[tune + 1]:
                    value += votes[block + 1, slot]
                if value > totals[block]:
                    totals[block], slots[block] = value, slot


@njit(cache=True, nogil=True)
def align(q_pitch, q_onset, m_pitch, m_onset, gains, costs):  # type: ignore[no-untyped-def]
    """The best common stretch of a query and a melody of the same height.

    ``gains``: of two notes by how many semitones they are apart, the last for all beyond; ``costs``: of a note
    skipped, what a steady tempo is worth, and how many octaves of tempo one step may stray.

    Returns:
        Score, first and last note of the melody, log2 of how much slower the query is.
    """
    gap, steady, stray = costs
    n, m = len(q_pitch), len(m_pitch)
    score = np.zeros((n, m), np.float32)
    tempo = np.full((n, m), np.nan, np.float32)
    begin = np.zeros((n, m), np.int32)
    mine, theirs = _spans(q_onset), _spans(m_onset)
    top, end, start, pace = np.float32(0), 0, 0, np.float32(0)
    for i in range(n):
        for j in range(m):
            gain = gains[min(abs(int(q_pitch[i]) - int(m_pitch[j])), len(gains) - 1)]
            if gain <= 0:
                continue
            best, came, ratio = gain, j, np.float32(np.nan)
            for a in range(1, min(BACK, i) + 1):
                for b in range(1, min(BACK, j) + 1):
                    value = score[i - a, j - b] + gain - gap * (a + b - 2)
                    if score[i - a, j - b] <= 0 or value + steady <= best:
                        continue
                    here, known = mine[i, a] - theirs[j, b], tempo[i - a, j - b]
                    if known == known:
                        off = (here - known) / stray
                        value += steady * (2 / (1 + off * off) - 1)
                        here = np.float32(0.7) * known + np.float32(0.3) * here
                    if value > best:
                        best, came, ratio = value, begin[i - a, j - b], here
            score[i, j], begin[i, j], tempo[i, j] = best, came, ratio
            if best > top:
                top, end, start, pace = best, j, came, ratio
    return top, start, end, pace


@njit(cache=True, nogil=True)
def _spans(onset):  # type: ignore[no-untyped-def]
    """log2 of the seconds from each of the ``BACK`` notes before, float32 (n, BACK + 1)."""
    made = np.zeros((len(onset), BACK + 1), np.float32)
    for place in range(len(onset)):
        for back in range(1, min(BACK, place) + 1):
            made[place, back] = np.log2(max(onset[place] - onset[place - back], CHORD))
    return made
