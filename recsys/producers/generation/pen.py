"""Chances of the next note in, notes out: drawn one after another, within bounds of key and of density."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recsys.producers.generation.composer import Composer, Harmonies, Last
from recsys.producers.generation.songs import (
    ACCOMPANIMENT,
    BAR,
    FIRST,
    HALF,
    KEYS,
    LENGTHS,
    LOWEST,
    MELODY,
    SILENT,
    Song,
    scale,
    tones,
)

Floats = NDArray[np.float32]
STRANGE = 0.02  # share of notes that may lie beyond the scale
RARE = 0.03  # of the likeliest answer's chance: what is less likely is not drawn
TOGETHER = 7  # notes that begin at a step at most
REST, URGE = 1.5, 1.5  # bars that the melody may rest, and nats a bar that speak for it from then on
NEVER = np.float32(-1e9)
PITCH_CLASS = (np.arange(2 * KEYS) % KEYS + LOWEST) % 12


class Pen:
    """Writes at the end of a song.

    Args:
        whole: with the chords of all bars, those to be written too.
        past: what is there already.
        heat: 1 as learned.
        free: whether notes of chords may lie beyond the scale as often as they like.
    """

    def __init__(
        self, composer: Composer, whole: Song, past: Song, heat: float, rng: Generator, *, free: bool = False
    ) -> None:
        self.composer, self.whole, self.heat, self.rng, self.free = composer, whole, heat, rng, free
        self.view, self.until = Harmonies(whole.chords, whole.key), BAR * past.bars
        heard = composer.listen(past)[0] if len(past.notes) else None
        self.last = heard.last if heard else Last()
        self.mind = composer.hear(heard.mind if heard else composer.start, self.last, self.view.at(self.last.at))
        self.voices = _voices(past)
        self.notes: list[tuple[int, int, int, int]] = []
        self._scale = np.isin(PITCH_CLASS, sorted(scale(whole.key)))
        self._strange, self._together, self._sung = 0, 0, self.until

    def write(self, until: int, given: list[list[int]] | None = None) -> None:
        """Draw notes up to a step; of the melody, only those that are given, where there are such."""
        waiting = list(given or [])
        while True:
            at = self._ahead(until)
            if waiting and (at is None or at >= waiting[0][0]):
                self.place(*waiting.pop(0))
            elif at is None:
                break
            elif at - self.last.at == BAR:
                self._take(Last(BAR, SILENT, 0, at))
            else:
                self._draw(at, accompany=given is not None)
        self.until = until

    def alike(self, first: int, second: int, steps: int) -> bool:
        """Whether two stretches have the same chords."""
        a, b, n = first // HALF, second // HALF, steps // HALF
        return bool((self.whole.chords[a : a + n] == self.whole.chords[b : b + n]).all())

    def repeat(self, first: int, steps: int) -> None:
        """Write an earlier stretch again."""
        for at, part, pitch, length in [note for note in self.notes if first <= note[0] < first + steps]:
            self.place(at - first + self.until, part, pitch, length)
        self.until += steps

    def place(self, at: int, part: int, pitch: int, length: int) -> None:
        """Write a given note."""
        while at - self.last.at >= BAR:
            self._take(Last(BAR, SILENT, 0, self.last.at + BAR))
        nearest = int(np.abs(np.log(length / LENGTHS)).argmin())
        self._take(Last(at - self.last.at, KEYS * part + pitch - LOWEST, nearest, at), length)

    def _ahead(self, until: int) -> int | None:
        """The step of the next note; None where it lies beyond the end."""
        odds = self.composer.ahead(self.mind) / np.float32(self.heat)
        odds[:BAR][self.last.at + np.arange(BAR) < self.until] = NEVER
        full = self._together >= TOGETHER or self.last.note in (SILENT - 1, SILENT)
        if full and self.last.note != SILENT:
            odds[0] = NEVER
        at = self.last.at + self._one(odds)
        return None if at >= until else at

    def _draw(self, at: int, accompany: bool) -> None:
        ahead = at - self.last.at
        odds = self.composer.note(self.mind, ahead, at, self.view.at(at), self.voices) / np.float32(self.heat)
        odds[SILENT] = NEVER
        odds[:KEYS] += np.float32(URGE * max((at - self._sung) / BAR - REST, 0))
        odds[:SILENT][~self._allowed(at)] = NEVER
        if accompany:
            odds[:KEYS] = NEVER
        if ahead == 0 and self.last.note != SILENT:
            odds[: self.last.note + 1] = NEVER
        if odds.max() <= NEVER / 2:
            self._together = TOGETHER  # nothing is left to this step
            return
        note = self._one(odds)
        length = self._one(self.composer.length(self.mind, note, at) / np.float32(self.heat))
        self._take(Last(ahead, note, length, at))

    def _allowed(self, at: int) -> NDArray[np.bool_]:
        """Notes of the scale; of the chord and all others only where there is room for strange ones."""
        chord = np.isin(PITCH_CLASS, sorted(tones(int(self.whole.chords[at // HALF]))))
        if self.free:
            return self._scale | chord
        room = self._strange + 1 <= STRANGE * (len(self.notes) + 1)
        return self._scale | (chord & room)

    def _one(self, odds: Floats) -> int:
        """Drawn from log-odds, without what is rare."""
        chances = np.exp((odds - odds.max()).astype(np.float64))
        chances[chances < RARE] = 0
        return int(self.rng.choice(len(chances), p=chances / chances.sum()))

    def _take(self, note: Last, length: int | None = None) -> None:
        self._together = self._together + 1 if note.ahead == 0 else 1
        self.mind = self.composer.hear(self.mind, note, self.view.at(note.at))
        self.last = note
        if note.note != SILENT:
            part, key = divmod(note.note, KEYS)
            self.voices[part] = key
            self._sung = note.at if part == MELODY else self._sung
            self.notes.append((note.at, part, key + LOWEST, int(length or LENGTHS[note.length])))
            self._strange += int(not self._scale[note.note])


def _voices(past: Song) -> list[int]:
    """The last keys of melody and accompaniment."""
    found = list(FIRST)
    for part in (MELODY, ACCOMPANIMENT):
        mine = past.notes[past.notes[:, 1] == part, 2]
        found[part] = int(mine[-1]) - LOWEST if len(mine) else found[part]
    return found
