"""A song so far and the chords to come in, chances of the next note out: the composer's network, with numpy alone.

The next note is told in three questions: how many steps ahead, which note, how long. An LSTM (Hochreiter &
Schmidhuber, Long Short-Term Memory, Neural Computation 9, 1997) hears the notes so far with the chords under them; the
second question knows the place in the bar and the chord where the note falls. The weights are made as in
``python -m tests.measure.train_composer``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.generation.copies import Learned
from recsys.producers.generation.songs import BAR, HALF, KEYS, NONE, SILENT, Ints, Song, Steps, steps_of, tones, voices
from recsys.producers.notation.harte import QUALITIES

Floats = NDArray[np.float32]
WEIGHTS = Path(__file__).with_name("composer.npz")
AHEAD, NOTE, LENGTH, PLACE = 16, 48, 8, 16  # values that stand for each
HARMONY = 2 * 24 + 1  # of the chord now, the chord to come, and whether the key is minor
NOTES = 2 * KEYS + 1


class Mind(NamedTuple):
    """What the LSTM holds: (width,) both."""

    hidden: Floats
    cell: Floats


class Last(NamedTuple):
    """The note before: steps ahead, note, length and where it was."""

    ahead: int = 0
    note: int = SILENT
    length: int = 0
    at: int = 0


class Heard(NamedTuple):
    """What was heard but for the last note, and that note."""

    mind: Mind
    last: Last


class Attended(NamedTuple):
    """Thoughts of a song: the state after it, nats and entropy of each note (n,), the LSTM's values (n, width)."""

    state: Heard
    nats: Floats
    entropy: Floats
    hidden: Floats


class Composer:
    """Answers the three questions.

    Args:
        weights: by the names of ``composer_learning.Network``.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self.weights = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        w = self.weights
        self.width = w["lstm.weight_hh_l0"].shape[1]
        self.start = Mind(np.zeros(self.width, np.float32), np.zeros(self.width, np.float32))
        self._both = np.concatenate([w["lstm.weight_ih_l0"], w["lstm.weight_hh_l0"]], axis=1)
        self._bias = w["lstm.bias_ih_l0"] + w["lstm.bias_hh_l0"]

    def hear(self, mind: Mind, last: Last, harmony: Floats) -> Mind:
        """Take up a note."""
        w = self.weights
        told = (w["ahead.weight"][last.ahead], w["note.weight"][last.note], w["length.weight"][last.length])
        place = w["place.weight"][last.at % BAR]
        gates = self._both @ np.concatenate([*told, place, harmony, mind.hidden]) + self._bias
        return _turned(gates, mind.cell)

    def ahead(self, mind: Mind) -> Floats:
        """Log-odds of steps to the next note, (17,)."""
        return self.weights["to_ahead.weight"] @ mind.hidden + self.weights["to_ahead.bias"]

    def note(self, mind: Mind, ahead: int, at: int, harmony: Floats, voices: Sequence[int]) -> Floats:
        """Log-odds of notes at a step, (177,), after the last keys of melody and accompaniment."""
        w = self.weights
        sung = w["note.weight"][voices[0]]
        asked = (mind.hidden, w["ahead.weight"][ahead], w["place.weight"][at % BAR], harmony, sung)
        hidden = w["ask_note.weight"] @ np.concatenate(asked) + w["ask_note.bias"]
        odds = w["to_note.weight"] @ np.maximum(hidden, 0) + w["to_note.bias"]
        return odds + leaps(w["leap"], np.array([voices]))[0]

    def length(self, mind: Mind, note: int, at: int) -> Floats:
        """Log-odds of lengths of a note, (8,)."""
        w = self.weights
        asked = (mind.hidden, w["note.weight"][note], w["place.weight"][at % BAR])
        hidden = w["ask_length.weight"] @ np.concatenate(asked) + w["ask_length.bias"]
        return w["to_length.weight"] @ np.maximum(hidden, 0) + w["to_length.bias"]

    def listen(self, song: Song) -> tuple[Heard, Floats]:
        """Hear a song through; the state after it, and the nats of each note as told, (n,)."""
        found = self.attend(song)
        return found.state, found.nats

    def attend(self, song: Song) -> Attended:
        """Hear a song through, and tell all that was thought while it went on."""
        steps, view, w = steps_of(song), Harmonies(song.chords, song.key), self.weights
        if not len(steps.at):
            empty = np.zeros(0, np.float32)
            return Attended(Heard(self.start, Last()), empty, empty, np.zeros((0, self.width), np.float32))
        hidden, mind = self._through(steps, view)
        before, place = voices(steps.note), w["place.weight"][steps.at % BAR]
        when = _layer(w, "to_ahead", hidden)
        told = (w["ahead.weight"][steps.ahead], place, view.all(steps.at), w["note.weight"][before[:, 0]])
        asked = np.maximum(_layer(w, "ask_note", np.concatenate([hidden, *told], axis=1)), 0)
        what = _layer(w, "to_note", asked) + leaps(w["leap"], before)
        asked = np.concatenate([hidden, w["note.weight"][steps.note], place], axis=1)
        long = _layer(w, "to_length", np.maximum(_layer(w, "ask_length", asked), 0))
        nats = _nats(when, steps.ahead) + _nats(what, steps.note) + _nats(long, steps.length) * (steps.note != SILENT)
        last = Last(*(int(side[-1]) for side in steps))
        return Attended(Heard(mind, last), nats, _entropy(when) + _entropy(what), hidden)

    def _through(self, steps: Steps, view: Harmonies) -> tuple[Floats, Mind]:
        """What the LSTM holds when each note is asked for, (n, width), and all of it at the last."""
        w = self.weights
        ahead, note, length, at = (np.append(first, side[:-1]) for first, side in zip(Last(), steps, strict=True))
        told = [w["ahead.weight"][ahead], w["note.weight"][note], w["length.weight"][length]]
        entered = np.concatenate([*told, w["place.weight"][at % BAR], view.all(at)], axis=1)
        gates = entered @ w["lstm.weight_ih_l0"].T + self._bias
        kernel, mind = w["lstm.weight_hh_l0"], self.start
        made = np.empty((len(gates), self.width), np.float32)
        for place, gate in enumerate(gates):
            mind = _turned(gate + kernel @ mind.hidden, mind.cell)
            made[place] = mind.hidden
        return made, mind


class Harmonies:
    """What is told of the chords at a step: this one and the next, root and tones, and whether the key is minor."""

    def __init__(self, chords: Ints, key: int) -> None:
        now = table()[chords]
        rest = np.concatenate([now[1:], now[-1:]])
        self._rows = np.concatenate([now, rest, np.full((len(now), 1), key >= 12, np.float32)], axis=1)

    def at(self, step: int) -> Floats:
        """Of a step; of one beyond the end, as at the end."""
        return self._rows[min(step // HALF, len(self._rows) - 1)]

    def all(self, steps: Ints) -> Floats:
        """Of several, (n, 49)."""
        return self._rows[np.minimum(steps // HALF, len(self._rows) - 1)]


@lru_cache(maxsize=1)
def table() -> Floats:
    """Root and tones of each chord as zeros and ones, (109, 24)."""
    made = np.zeros((NONE + 1, 24), np.float32)
    for chord in range(NONE):
        made[chord, chord // len(QUALITIES)] = 1
        made[chord, [12 + tone for tone in tones(chord)]] = 1
    return made


def leaps(table: Floats, voices: Ints) -> Floats:
    """What speaks for each note by how far it is from the last of its part, (2, 175) and (n, 2) to (n, 177)."""
    made = np.zeros((len(voices), NOTES), np.float32)
    for part in range(2):
        away = np.arange(KEYS)[None, :] - voices[:, part, None] + KEYS - 1
        made[:, KEYS * part : KEYS * (part + 1)] = table[part][away]
    return made


def _layer(weights: Mapping[str, Floats], name: str, values: Floats) -> Floats:
    return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _nats(odds: Floats, right: Ints) -> Floats:
    """What the right answers cost, (n, answers) and (n,) to (n,)."""
    shifted = odds - odds.max(axis=1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=1))
    return np.asarray(total - shifted[np.arange(len(right)), right], np.float32)


def _entropy(odds: Floats) -> Floats:
    """Of chances by their log-odds, (n, answers) to (n,)."""
    shifted = odds - odds.max(axis=1, keepdims=True)
    chances = np.exp(shifted)
    total = chances.sum(axis=1)
    return np.asarray(np.log(total) - (chances * shifted).sum(axis=1) / total, np.float32)


def _turned(gates: Floats, cell: Floats) -> Mind:
    """One step of the LSTM."""
    into, forget, new, out = np.split(gates, 4)
    cell = _sigmoid(forget) * cell + _sigmoid(into) * np.tanh(new)
    return Mind(_sigmoid(out) * np.tanh(cell), cell)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


class Stored(NamedTuple):
    """What the package ships: the composer, chances of chords by mode, and hashes of what was learned."""

    composer: Composer
    follows: dict[str, Floats]
    learned: Learned
    digest: str


@lru_cache(maxsize=1)
def stored(path: Path = WEIGHTS) -> Stored:
    """Read weights as ``tests.measure.train_composer`` writes them."""
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    named: dict[str, dict[str, Any]] = {kind: {} for kind in ("", "follows", "learned")}
    for name, values in arrays.items():
        kind, _, rest = name.rpartition("|")
        named[kind][rest] = values
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Stored(Composer(named[""]), named["follows"], Learned(**named["learned"]), digest)
