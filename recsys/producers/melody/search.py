"""Melodies of many tracks in, those that have a tune out, in any key and at any tempo.

Patterns of three intervals vote for tracks and transpositions (after Downie & Nelson, Evaluation of a Simple and
Effective Music Information Retrieval Method, SIGIR 2000); the tracks with most votes are then aligned note by note,
with notes that only one side has, and with durations compared as ratios (after Mongeau & Sankoff, Comparison of Musical
Sequences, Computers and the Humanities 24, 1990).

Notes of one pitch in a row count as one: a hummed tune does not tell syllables apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.melody import kernels
from recsys.producers.melody.patterns import indexed, merged, patterns
from recsys.producers.notation import Notes

Floats = NDArray[np.float32]
LEAST = 5  # notes of a tune, of different pitch from one to the next
MOST = 400  # notes of a query
TRIED, WHOLE = 1000, 200  # stretches, and whole melodies, that are aligned
SHIFT = 8
NAMES = ("row", "starts", "pitch", "onset", "first", "places")
GAINS = np.zeros(26, np.float32)  # of two notes by semitones between them; where it is 0 they don't fit
GAINS[[0, 1, 12, 24]] = 1.0, 0.4, 0.6, 0.3
COSTS = 0.35, 0.35, 0.5  # a skipped note, a steady tempo, octaves that it may stray
MUCH = {0.5: "the same tune", 0.3: "much of the tune", 0.0: "a little of the tune"}  # by score
FULL = 1.0 + COSTS[1]  # what a note can gain


class Found(NamedTuple):
    """A track that has a tune: its row, how well it fits (0 to 1), where in seconds, and what was changed.

    ``steps`` are semitones from the query to the track; ``tempo`` is the speed of the track over that of the query.
    """

    row: int
    score: float
    start: float
    end: float
    steps: int
    tempo: float

    def told(self) -> str:
        """What is alike and where, in words.

        >>> Found(0, 0.8, 62.0, 75.0, -3, 1.26).told()
        'the same tune (0.80) from 1:02 to 1:15, 3 semitones lower, 1.26 times as fast'
        """
        (a, b), (c, d) = (divmod(round(time), 60) for time in (self.start, self.end))
        way = f", {abs(self.steps)} semitone{'s' * (abs(self.steps) > 1)} {'higher' if self.steps > 0 else 'lower'}"
        speed = f", {self.tempo:.2f} times as fast" if abs(self.tempo - 1) > 0.04 else ""
        much = next(words for least, words in MUCH.items() if self.score >= least)
        return f"{much} ({self.score:.2f}) from {a}:{b:02d} to {c}:{d:02d}{way if self.steps else ''}{speed}"


@dataclass(frozen=True, eq=False)
class Tunes:
    """The melodies of tracks one after another.

    Attributes:
        row: the track of each melody, int32 (melodies,).
        starts: the first note of each melody, and the end, int64 (melodies + 1,).
        pitch: uint8 (n,), never the same twice in a row within a track.
        onset: seconds, float32 (n,).
        first, places: where each pattern of three intervals occurs, int64 (PATTERNS + 1,) and uint32 (m,).

    >>> tune = Notes.of([(0.5 * i, 0.5 * i + 0.4, p, 80) for i, p in enumerate((60, 62, 64, 65, 67, 65, 64, 60))])
    >>> other = Notes.of([(0.4 * i, 0.4 * i + 0.3, p, 80) for i, p in enumerate((67, 69, 71, 72, 74, 72, 71, 67))])
    >>> found = Tunes.of([None, other]).search(tune, 5)
    >>> [(one.row, one.score > 0.9, one.steps, round(one.tempo, 2)) for one in found]
    [(1, True, 7, 1.25)]
    """

    row: NDArray[np.int32]
    starts: NDArray[np.int64]
    pitch: NDArray[np.uint8]
    onset: Floats
    first: NDArray[np.int64]
    places: NDArray[np.uint32]

    @classmethod
    def of(cls, lines: Sequence[Notes | None]) -> Tunes:
        """Melodies by track row; None is a track of which none is known."""
        found = {row: merged(line) for row, line in enumerate(lines) if line is not None}
        kept = {row: tune for row, tune in found.items() if len(tune[0]) >= LEAST}
        lengths = np.array([len(pitch) for pitch, _ in kept.values()], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        empty = [np.empty(0)]
        pitch = np.concatenate([*empty, *(pitch for pitch, _ in kept.values())]).astype(np.uint8)
        onset = np.concatenate([*empty, *(onset for _, onset in kept.values())]).astype(np.float32)
        return cls(np.array(list(kept), np.int32), starts, pitch, onset, *indexed(pitch, starts))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Tunes:
        """What ``arrays`` gave."""
        return cls(*(arrays[name] for name in NAMES))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name."""
        return {name: getattr(self, name) for name in NAMES}

    def moved(self, rows: NDArray[np.integer]) -> Tunes:
        """The same where track i is now track ``rows[i]``."""
        return replace(self, row=np.asarray(rows)[self.row].astype(np.int32))

    def lines(self) -> Iterator[tuple[int, Notes]]:
        """The row of each melody, and its notes, whose lengths are not known."""
        for place, row in enumerate(self.row.tolist()):
            pitch, onset = self.tune(place)
            start = onset.astype(np.float64)
            rest = (np.full(len(pitch), 80, np.int16), np.full(len(pitch), np.nan, np.float32))
            yield row, Notes(start, start + 0.1, pitch.astype(np.int16), *rest)

    def __len__(self) -> int:
        return len(self.row)

    def tune(self, place: int) -> tuple[NDArray[np.int64], Floats]:
        """Pitches and onsets of a melody."""
        part = slice(int(self.starts[place]), int(self.starts[place + 1]))
        return self.pitch[part].astype(np.int64), np.asarray(self.onset[part])

    def search(
        self,
        query: Notes,
        n: int = 10,
        *,
        allow: NDArray[np.integer] | None = None,
        exclude: NDArray[np.integer] | None = None,
    ) -> list[Found]:
        """The tracks that have a tune, best first.

        Args:
            query: a melody; see ``recsys.producers.melody.line`` for one of many voices.
            n: how many at most; only tracks with which anything is shared are found.
            allow, exclude: the only rows to look at; rows to leave out.

        Raises:
            DataError: the tune is too short to tell tracks apart.
        """
        pitch, onset = merged(query)
        if len(pitch) < LEAST:
            raise DataError(
                f"a tune of {len(pitch)} different notes in a row; expected {LEAST} or more: hum some bars, or give a "
                "file with one clear voice"
            )
        pitch, onset = pitch[:MOST], onset[:MOST]
        votes, slots = self._votes(pitch)
        self._ruled(votes, self._tune_of_block, allow, exclude)
        found = []
        for block in _largest(votes, max(TRIED, 4 * n)):
            tune = int(self._tune_of_block[block])
            begin = int(block - self._blocks[tune]) << kernels.BLOCK
            part = slice(max(begin - len(pitch), 0), begin + (2 << kernels.BLOCK) + len(pitch))
            found.append(self._aligned(tune, part, pitch, onset, int(slots[block]), float(len(pitch))))
        return _best(found, n)

    def alike(
        self,
        row: int,
        n: int = 10,
        *,
        allow: NDArray[np.integer] | None = None,
        exclude: NDArray[np.integer] | None = None,
        tried: int = WHOLE,
    ) -> list[Found]:
        """The tracks whose melody shares most with that of a track, as a share of both; none where it has none.

        ``tried`` melodies, those with most patterns in common, are aligned.
        """
        others = np.append([] if exclude is None else exclude, row).astype(np.int64)
        found = []
        for mine in np.flatnonzero(self.row == row).tolist():
            pitch, onset = self.tune(mine)
            pitch, onset = pitch[:MOST], onset[:MOST]
            votes, slots = self._votes(pitch)
            totals = (np.add.reduceat(votes, self._blocks[:-1]) / np.sqrt(np.diff(self.starts))).astype(np.float32)
            self._ruled(totals, np.arange(len(self)), allow, others)
            for tune in _largest(totals, tried):
                blocks = slice(int(self._blocks[tune]), int(self._blocks[tune + 1]))
                slot = int(slots[blocks][votes[blocks].argmax()])
                most = float(np.sqrt(len(pitch) * np.diff(self.starts)[tune]))
                found.append(self._aligned(int(tune), slice(0, MOST), pitch, onset, slot, most))
        return _best(found, n)

    def _votes(self, pitch: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int8]]:
        """Votes of each block of notes at its best transposition, and which that is, both (blocks,)."""
        keys, places, weights = patterns(pitch)
        seen = np.diff(self.first)[keys]
        weights = (weights * np.log1p(len(self.pitch) / (1.0 + seen))).astype(np.float32)
        votes = np.zeros((int(self._blocks[-1]), kernels.SLOTS), np.float32)
        begun = pitch[places].astype(np.int64)
        notes = (self.first, self.places, self.pitch, self.starts, self._blocks, self._coarse)
        kernels.vote(keys, weights, begun, *notes, SHIFT, votes)
        totals, slots = np.zeros(len(votes), np.float32), np.zeros(len(votes), np.int8)
        kernels.best_slots(votes, self._blocks, totals, slots)
        return totals, slots

    def _ruled(
        self,
        votes: Floats,
        tunes: NDArray[np.integer],
        allow: NDArray[np.integer] | None,
        exclude: NDArray[np.integer] | None,
    ) -> None:
        """No votes for what may not be found."""
        if allow is not None:
            votes[~np.isin(self.row, allow)[tunes]] = 0
        if exclude is not None:
            votes[np.isin(self.row, exclude)[tunes]] = 0

    @cached_property
    def _blocks(self) -> NDArray[np.int64]:
        """The first block of each melody, and the end."""
        counts = -(-np.diff(self.starts) // (1 << kernels.BLOCK))
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def _tune_of_block(self) -> NDArray[np.int32]:
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self._blocks))

    @cached_property
    def _coarse(self) -> NDArray[np.int32]:
        """The melody of each 256th note."""
        marks = np.arange(0, len(self.pitch) + (1 << SHIFT), 1 << SHIFT)
        found = np.searchsorted(self.starts, marks, side="right") - 1
        return np.minimum(found, max(len(self) - 1, 0)).astype(np.int32)

    def _aligned(
        self, tune: int, part: slice, pitch: NDArray[np.int64], onset: NDArray[Any], slot: int, most: float
    ) -> Found:
        """How well a query fits a part of a melody in either of the nearest octaves."""
        theirs, times = self.tune(tune)
        theirs, times = theirs[part], times[part]
        above = (float(np.median(theirs)) - float(np.median(pitch)) - slot) / kernels.SLOTS
        best = Found(int(self.row[tune]), 0.0, 0.0, 0.0, 0, 1.0)
        for octave in {int(np.floor(above)), int(np.ceil(above))}:
            steps = slot + kernels.SLOTS * octave
            mine, clock = onset.astype(np.float64), times.astype(np.float64)
            score, start, end, slower = kernels.align(pitch + steps, mine, theirs, clock, GAINS, COSTS)
            share = min(float(score) / (most * FULL), 1.0)
            if share > best.score:
                tempo = float(2**slower) if np.isfinite(slower) else 1.0
                best = Found(best.row, share, float(times[start]), float(times[end]), steps, tempo)
        return best


def _largest(votes: Floats, count: int) -> NDArray[np.intp]:
    """Places of the most votes that are any."""
    if not len(votes):
        return np.empty(0, np.intp)
    places = np.argpartition(-votes, min(count, len(votes)) - 1)[:count]
    return places[votes[places] > 0]


def _best(found: Sequence[Found], n: int) -> list[Found]:
    """The best of each track, best first."""
    kept: dict[int, Found] = {}
    for one in sorted(found, key=lambda one: (-one.score, one.row, one.start)):
        if one.score > 0:
            kept.setdefault(one.row, one)
    return list(kept.values())[:n]
