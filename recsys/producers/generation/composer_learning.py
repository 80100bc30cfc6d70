"""Songs in, the composer's weights out; learned in torch, used in numpy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional

from recsys.producers.generation.composer import AHEAD, HARMONY, LENGTH, NOTE, NOTES, PLACE, Harmonies
from recsys.producers.generation.songs import BAR, KEYS, LENGTHS, SILENT, Ints, Song, steps_of, voices
from recsys.producers.generation.teaching import Lesson, Progress, seeded, teach

BARS = 12  # of a stretch
USUAL = Lesson(epochs=40, patience=40, batch=16, rate=3e-3, calm=3.0)


class Network(nn.Module):
    """The three questions over an LSTM."""

    def __init__(self, width: int = 256, wide: int = 192, dropout: float = 0.1) -> None:
        super().__init__()
        self.ahead, self.note = nn.Embedding(BAR + 1, AHEAD), nn.Embedding(NOTES, NOTE)
        self.length, self.place = nn.Embedding(len(LENGTHS), LENGTH), nn.Embedding(BAR, PLACE)
        self.lstm = nn.LSTM(AHEAD + NOTE + LENGTH + PLACE + HARMONY, width, batch_first=True)
        self.to_ahead = nn.Linear(width, BAR + 1)
        self.ask_note, self.to_note = nn.Linear(width + AHEAD + PLACE + HARMONY + NOTE, wide), nn.Linear(wide, NOTES)
        self.ask_length, self.to_length = nn.Linear(width + NOTE + PLACE, 64), nn.Linear(64, len(LENGTHS))
        self.leap = nn.Parameter(torch.zeros(2, 2 * KEYS - 1))
        self.drop = nn.Dropout(dropout)

    def forward(self, told: Told) -> Tensor:
        """Nats of each note, (b, t)."""
        before = [
            functional.pad(side[:, :-1], (1, 0), value=first) for side, first in zip(told[:3], FIRST, strict=True)
        ]
        place_before = functional.pad(told.place[:, :-1], (1, 0))
        heard = [self.ahead(before[0]), self.note(before[1]), self.length(before[2]), self.place(place_before)]
        hidden = self.drop(self.lstm(torch.cat([*heard, told.harmony[:, :-1]], dim=-1))[0])
        nats = _nats(self.to_ahead(hidden), told.ahead)
        place = self.place(told.place)
        sung = self.note(told.voices[..., 0])
        asked = torch.cat([hidden, self.ahead(told.ahead), place, told.harmony[:, 1:], sung], dim=-1)
        odds = self.to_note(self.drop(functional.relu(self.ask_note(asked)))) + self._leaps(told.voices)
        nats = nats + _nats(odds, told.note)
        asked = torch.cat([hidden, self.note(told.note), place], dim=-1)
        lengths = _nats(self.to_length(functional.relu(self.ask_length(asked))), told.length)
        return (nats + lengths * (told.note != SILENT)) * told.real

    def _leaps(self, voices: Tensor) -> Tensor:
        """As ``composer.leaps``."""
        away = torch.arange(KEYS) - voices[..., None] + KEYS - 1  # (b, t, 2, keys)
        each = torch.cat([self.leap[part][away[..., part, :]] for part in range(2)], dim=-1)
        return functional.pad(each, (0, 1))


class Told(NamedTuple):
    """Stretches side by side, all (b, t) but harmony (b, t + 1, 49), from the first step on, and voices (b, t, 2)."""

    ahead: Tensor
    note: Tensor
    length: Tensor
    place: Tensor
    harmony: Tensor
    voices: Tensor
    real: Tensor


FIRST = (0, SILENT, 0)


def _nats(odds: Tensor, right: Tensor) -> Tensor:
    return functional.cross_entropy(odds.transpose(1, 2), right, reduction="none")


class Stretch(NamedTuple):
    """A stretch as arrays: steps ahead, note, length, place in the bar, each (t,), harmony (t + 1, 49),
    and the last keys of both parts (t, 2)."""

    ahead: Ints
    note: Ints
    length: Ints
    place: Ints
    harmony: np.ndarray[Any, np.dtype[np.float32]]
    voices: Ints


def stretches(song: Song, first: int = 0, bars: int = BARS) -> list[Stretch]:
    """A song at home, cut before some bars; each stretch is told as if the song began there."""
    song, made = song.home(), []
    edges = sorted({0, *range(first, song.bars, bars), song.bars})
    steps, view = steps_of(song), Harmonies(song.chords, song.key)
    for a, b in pairwise(edges):
        rows = np.flatnonzero((steps.at >= BAR * a) & (steps.at < BAR * b))
        if len(rows) < 4:
            continue
        ahead = steps.ahead[rows].copy()
        ahead[0] = min(int(steps.at[rows[0]]) - BAR * a, BAR)
        harmony = view.all(np.append(BAR * a, steps.at[rows]))
        made.append(
            Stretch(
                ahead, steps.note[rows], steps.length[rows], steps.at[rows] % BAR, harmony, voices(steps.note[rows])
            )
        )
    return made


def side_by_side(chosen: Sequence[Stretch]) -> Told:
    """Filled up to the longest."""
    longest = max(len(one.note) for one in chosen)
    sides = np.zeros((4, len(chosen), longest), np.int64)
    harmony = np.zeros((len(chosen), longest + 1, HARMONY), np.float32)
    last = np.zeros((len(chosen), longest, 2), np.int64)
    real = np.zeros((len(chosen), longest), np.float32)
    for row, one in enumerate(chosen):
        n = len(one.note)
        for side, values in enumerate(one[:4]):
            sides[side, row, :n] = values
        harmony[row, : n + 1], last[row, :n], real[row, :n] = one.harmony, one.voices, 1
    ahead, note, length, place = map(torch.from_numpy, sides)
    return Told(ahead, note, length, place, *map(torch.from_numpy, (harmony, last, real)))


@dataclass(frozen=True, eq=False)
class _Task:
    """To tell each note."""

    train: Sequence[Song]
    valid: Sequence[Song]
    lesson: Lesson
    seed: int
    songs: int

    @property
    def identity(self) -> str:
        found = hashlib.sha256(json.dumps([asdict(self.lesson), self.seed, self.songs]).encode())
        for song in (*self.train, *self.valid):
            found.update(song.notes.tobytes() + song.chords.tobytes() + bytes([song.key]))
        return found.hexdigest()

    def batches(self, rng: Generator) -> list[Told]:
        chosen = rng.choice(len(self.train), min(self.songs, len(self.train)), replace=False)
        cut = [one for row in chosen for one in stretches(self.train[row], int(rng.integers(1, BARS + 1)))]
        order = np.argsort([len(one.note) + 30 * rng.random() for one in cut])
        size = self.lesson.batch
        groups = [order[place : place + size] for place in range(0, len(order), size)]
        return [side_by_side([cut[row] for row in groups[i]]) for i in rng.permutation(len(groups))]

    def cost(self, network: Network, batch: Told) -> Tensor:
        return network(batch).sum() / batch.real.sum()

    @torch.no_grad()
    def judge(self, network: Network) -> float:
        cut = sorted((one for song in self.valid for one in stretches(song)), key=lambda one: len(one.note))
        total = notes = 0.0
        for place in range(0, len(cut), 32):
            batch = side_by_side(cut[place : place + 32])
            total, notes = total + float(network(batch).sum()), notes + float(batch.real.sum())
        return total / max(notes, 1)


def learn_composer(
    train: Sequence[Song],
    valid: Sequence[Song],
    seed: int,
    *,
    lesson: Lesson = USUAL,
    width: int = 256,
    songs: int = 120,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, np.ndarray[Any, np.dtype[np.float32]]], list[float]]:
    """Learn the composer's weights; nats per note of the valid part after each epoch.

    Args:
        songs: of an epoch, drawn anew each time.
        kept: a file where the state is kept; the same learning goes on from it.
    """
    with seeded(seed):
        network = Network(width)
    best, judged = teach(network, _Task(train, valid, lesson, seed, songs), lesson, seed, kept=kept, progress=progress)
    return {name: tensor.numpy() for name, tensor in best.state_dict().items()}, judged
