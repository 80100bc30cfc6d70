"""Beats in, units of harmony out: half beats, over which the notes of a spectrum are averaged.

A chord may change at any unit; ``places`` tells downbeats, beats and the middles between apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Seconds = NDArray[np.float64]
MIDDLE, BEAT, DOWNBEAT = 0, 1, 2
USUAL = 0.5  # seconds of a beat where none is heard
LONGEST = 1.2  # seconds between beats above which one is taken to be missing
SHORTEST = 0.15  # seconds of a unit below which beats are not halved


class Units(NamedTuple):
    """Edges in seconds float64 (n + 1,), and what the beginning of each unit is, int8 (n,)."""

    edges: Seconds
    places: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.places)


def units(beats: Seconds, downbeats: NDArray[np.bool_], seconds: float) -> Units:
    """Half beats from 0 to ``seconds``; before the first and after the last beat time goes on as there.

    >>> found = units(np.array([0.5, 1.0, 1.5]), np.array([True, False, False]), 2.0)
    >>> found.edges.tolist(), found.places.tolist()
    ([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0], [1, 0, 2, 0, 1, 0, 1, 0])
    """
    times, first = _filled(np.asarray(beats, np.float64), downbeats, seconds)
    halved = np.diff(times) / 2 >= SHORTEST
    middles = ((times[1:] + times[:-1]) / 2)[halved]
    starts = np.concatenate([times[:-1], middles])
    places = np.concatenate([np.where(first[:-1], DOWNBEAT, BEAT), np.full(len(middles), MIDDLE)]).astype(np.int8)
    order = np.argsort(starts, kind="stable")
    starts, places = starts[order], places[order]
    ends = np.append(starts[1:], times[-1])
    kept = (ends > 1e-6) & (starts < seconds - 1e-6)
    starts, places = starts[kept], places[kept]
    return Units(np.append(np.maximum(starts, 0), seconds), places)


def _filled(beats: Seconds, first: NDArray[np.bool_], seconds: float) -> tuple[Seconds, NDArray[np.bool_]]:
    """Beats from before 0 to after the end, with those that are missing; and which begin a bar."""
    if len(beats) < 2:
        even = np.arange(int(np.ceil(seconds / USUAL)) + 1, dtype=np.float64) * USUAL
        return even, np.zeros(len(even), np.bool_)
    usual = float(np.median(np.diff(beats)))
    before = beats[0] - usual * np.arange(int(np.ceil(max(beats[0], 0) / usual)), 0, -1)
    after = beats[-1] + usual * np.arange(1, int(np.ceil(max(seconds - beats[-1], 0) / usual)) + 1)
    times: list[Seconds] = [before]
    bars: list[NDArray[np.bool_]] = [np.zeros(len(before), np.bool_)]
    for start, gap, bar in zip(beats, [*np.diff(beats), 0.0], first, strict=True):
        inside = max(round(gap / usual), 1) if gap > max(LONGEST, 1.7 * usual) else 1
        times.append(start + gap * np.arange(inside) / inside)
        bars.append(np.append(bar, np.zeros(inside - 1, np.bool_)))
    return np.concatenate([*times, after]), np.concatenate([*bars, np.zeros(len(after), np.bool_)])


def pooled(frames: Floats, centres: Seconds, edges: Seconds) -> Floats:
    """Means of frames (t, d) over stretches between ``edges`` (n + 1,), float32 (n, d).

    Each frame stands for the time nearer to its centre than to any other's, the first and last for all beyond.

    >>> pooled(np.array([[0.0], [1.0]], np.float32), np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0])).ravel().tolist()
    [0.0, 1.0]
    """
    if not len(frames):
        return np.zeros((len(edges) - 1, frames.shape[1]), np.float32)
    step = (centres[-1] - centres[0]) / max(len(centres) - 1, 1) or 1.0
    bounds = np.concatenate([[centres[0] - step / 2], centres + step / 2])
    total = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
    place = np.clip((edges - bounds[0]) / step, 0, len(frames))
    whole = np.minimum(place.astype(int), len(frames) - 1)
    sums = total[whole] + (place - whole)[:, None] * frames[whole]
    lengths = np.diff(place)
    nearest = frames[np.clip(((place[1:] + place[:-1]) / 2).astype(int), 0, len(frames) - 1)]
    means = np.diff(sums, axis=0) / np.maximum(lengths, 1e-9)[:, None]
    return np.where((lengths > 1e-6)[:, None], means, nearest).astype(np.float32)
