"""How far two tracks are apart as neighbours: tempo, key, energy, loudness, likeness.

Each step is brought to 0 (none) .. 1 (as far as it goes) so that they can be added:

========  ==================================================================================  ==========
tempo     octaves between the tempi, folded: 70 and 140 BPM count .1, since feet follow both  1 at .5
key       places on the circle of fifths, and one more between major and minor                1 at 6
energy    difference                                                                          1 at .5
loudness  difference in dB                                                                    1 at 12
likeness  half of 1 − cosine                                                                  1 at −1
========  ==================================================================================  ==========

Where a fact is unknown, the step counts as the mean of the known ones: neither sought nor shunned.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.facts import Facts
from recsys.playlists.goals import Goals
from recsys.playlists.pool import Pool

Steps = NDArray[np.float32]
Rows = NDArray[np.int32]
OCTAVE = 0.1  # what a change of octave counts beside the folded distance
FULL = {"tempo": 0.5, "key": 6.0, "energy": 0.5, "loudness": 12.0}  # where a step counts 1
_HOURS = np.array([7 * k % 12 for k in range(12)] + [(7 * k + 3 * 7) % 12 for k in range(12)])  # A minor with C major


def _key_table() -> Steps:
    apart = np.abs(_HOURS[:, None] - _HOURS)
    table = np.minimum(apart, 12 - apart).astype(np.float32)
    table[:12, 12:] += 1
    table[12:, :12] += 1
    return table


KEYS = _key_table()  # (24, 24) distance of two keys, 0..7


def key_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> Steps:
    """Places on the circle of fifths between keys (see ``Facts.number``), one more between the modes; NaN unknown.

    >>> key_distance(np.array([0., 0., 0., 0.]), np.array([7., 21., 6., np.nan])).tolist()
    [1.0, 1.0, 6.0, nan]
    """
    known = np.isfinite(first) & np.isfinite(second)
    one, two = (np.nan_to_num(key).astype(np.int32) for key in (first, second))
    return np.where(known, KEYS[one, two], np.float32(np.nan))


def tempo_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> Steps:
    """Octaves between tempi in BPM, folded into 0 .. .5 with ``OCTAVE`` for a fold; NaN unknown.

    >>> print(tempo_distance(np.array([70., 70., 100.]), np.array([140., 70., 110.])).round(3))
    [0.1   0.    0.138]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(np.log2(first / second)).astype(np.float32)
    apart[~np.isfinite(apart)] = np.nan
    turns = np.round(apart)
    return np.minimum(apart, np.abs(apart - turns) + np.float32(OCTAVE) * turns)


def distance(name: str, first: NDArray[np.floating], second: NDArray[np.floating]) -> Steps:
    """The step of one fact in its own unit: octaves, places, or the difference; NaN unknown."""
    if name == "key":
        return key_distance(first, second)
    return tempo_distance(first, second) if name == "tempo" else np.abs(first - second)


def neighbours(facts: Facts, rows: Rows) -> dict[str, Steps]:
    """Steps between the neighbours of a finished list, each (n − 1,), NaN unknown; for reports.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue
    >>> songs = Facts(Catalogue(pd.DataFrame({"loudness": [-9., -12.], "key": ["8A", "9A"]})))
    >>> {name: step.tolist() for name, step in neighbours(songs, np.array([0, 1])).items()}
    {'tempo': [nan], 'key': [1.0], 'energy': [nan], 'loudness': [3.0]}
    """
    found = {}
    for name in FULL:
        values = facts.number(name)[rows]
        found[name] = distance(name, values[:-1], values[1:])
    return found


def badness(pool: Pool, goals: Goals) -> Steps | None:
    """How bad each step of a pool is, 0..1, from row to column, float32 (c, c); None when nothing is known."""
    parts = {name: step for name, step in _parts(pool, goals).items() if np.isfinite(step).any()}
    whole = sum(goals.steps[name] for name in parts)
    if not whole:
        return None
    total = np.zeros((len(pool), len(pool)), np.float32)
    for name, step in parts.items():
        step, unknown = np.clip(step, 0, 1), np.isnan(step)
        if unknown.any():
            step = np.where(unknown, np.nanmean(step, dtype=np.float64), step)
        total += np.float32(goals.steps[name] / whole) * step.astype(np.float32)
    return total


def _parts(pool: Pool, goals: Goals) -> Mapping[str, Steps]:
    wanted = [name for name, weight in goals.steps.items() if weight > 0]
    found: dict[str, Steps] = {}
    for name in wanted:
        if name in FULL:
            values = pool.number(name)
            if np.isfinite(values).any():
                found[name] = np.asarray(distance(name, values[:, None], values[None, :]) / FULL[name], np.float32)
    if "likeness" in wanted and (alike := pool.alike()) is not None:
        found["likeness"] = np.asarray((1 - alike) / 2, np.float32)
    if "extra" in wanted and goals.extra is not None:
        found["extra"] = np.asarray(goals.extra(pool.rows, pool.rows), np.float32)
    return found
