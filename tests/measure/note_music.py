"""Music in symbols out, to be played and then heard by a network: arranged songs, scores, and what code makes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.measure import arrange, perform, scores
from tests.measure.note_made import (
    BASSES,
    DRUMS,
    PIANOS,
    Music,
    Part,
    Random,
    _pedal,
    _program,
    _touched,
    chance,
    noises,
    pianist,
    singles,
)


class Shelf(NamedTuple):
    """Where pieces come from: folders of POP909, scores in MusicXML, tunes in ABC, chorales."""

    songs: Sequence[Path]
    works: Sequence[Path]
    tunes: Sequence[Path]
    chorales: Sequence[Sequence[Sequence[int]]]


def shelf(songs: Path, corpus: Path | None, chorales: Path | None, without: frozenset[str]) -> Shelf:
    """Everything that may be played; of music21's corpus, what carries no terms of its own."""
    folders = [path for path in sorted(songs.iterdir()) if path.is_dir() and path.name not in without]
    works: list[Path] = []
    tunes: list[Path] = []
    if corpus is not None:
        for room in ("haydn", "beethoven", "joplin", "schumann_robert", "mozart"):
            works += [path for path in sorted((corpus / room).rglob("*.mxl")) if "k545" not in str(path)]
        tunes = [path for room in ("ryansMammoth",) for path in sorted((corpus / room).glob("*.abc"))]
    stored = json.loads(chorales.read_text()) if chorales else {}
    return Shelf(folders, works, tunes, [piece for part in stored.values() for piece in part])


def music(kind: str, held: Shelf, seconds: float, rng: Random) -> Music:
    """A piece of one of ``KINDS``."""
    return KINDS[kind](held, seconds, rng)


# Arranged


def song(held: Shelf, seconds: float, rng: Random) -> Music:
    """A song of POP909 for piano, a band, or its tune with chords."""
    found = arrange.excerpt(arrange.pop909(held.songs[rng.integers(len(held.songs))]), rng, seconds)
    found = arrange.stretched(found, float(np.exp(rng.uniform(-0.25, 0.25))))
    found = arrange.transposed(found, int(rng.integers(-6, 7)))
    kind = str(rng.choice(["piano", "band", "band", "tune"]))
    return _played(arrange.arranged(found, kind, rng), kind == "piano", rng)


def exercise(held: Shelf, seconds: float, rng: Random) -> Music:
    """A made-up progression in the textures of classical piano music."""
    found = arrange.transposed(arrange.exercise(rng), int(rng.integers(-6, 7)))
    return _played(arrange.arranged(found, "exercise", rng), False, rng)


def _played(parts: Sequence[arrange.Part], piano: bool, rng: Random) -> Music:
    """Parts whose programs are often drawn anew."""
    other, made = rng.random() < 0.5 and not piano, []
    for part in parts:
        notes = part.notes
        rows = np.column_stack([notes.onset, notes.offset, notes.pitch, notes.velocity]).astype(float)
        program = DRUMS if part.drums else int(part.program or 0)
        if other and program not in (DRUMS, *BASSES):
            program = _program(rng)
        made.append(Part(program, rows))
    return Music(made, _pedal(60.0, rng) if piano and rng.random() < 0.5 else np.empty((0, 2)))


def work(held: Shelf, seconds: float, rng: Random) -> Music:
    """A movement for strings or piano: played by a piano, or by instruments drawn for each part."""
    return _scored(scores.musicxml(held.works[rng.integers(len(held.works))]), "classical", seconds, rng)


def tune(held: Shelf, seconds: float, rng: Random) -> Music:
    """A tune of one voice, with or without chords."""
    score = scores.abc(held.tunes[rng.integers(len(held.tunes))])
    score = scores.Score([score.parts[0]] * 1, score.bars, score.bpm)
    return _scored(perform._repeated(perform._whole_bars(score), 60), "tune", seconds, rng)


def chorale(held: Shelf, seconds: float, rng: Random) -> Music:
    """Four voices in sixteenths, joined where a pitch stays."""
    piece = np.array(held.chorales[rng.integers(len(held.chorales))])
    piece = np.concatenate([piece] * (1 + 400 // max(len(piece), 1)))
    parts = []
    for voice in piece.T:
        edges = np.flatnonzero(np.concatenate([[True], np.diff(voice) != 0, [True]]))
        again = np.sort(
            np.unique(np.concatenate([edges, np.arange(0, len(voice), 4)[rng.random(-(-len(voice) // 4)) < 0.6]]))
        )
        rows = [(a / 4, (b - a) / 4, voice[a]) for a, b in itertools.pairwise(again) if voice[a] > 0]
        parts.append(np.array(rows, float).reshape(-1, 3))
    bars = np.arange(len(piece) // 4 + 1) % 4 == 0
    return _scored(scores.Score([p for p in parts if len(p)], bars), "classical", seconds, rng)


def _scored(score: scores.Score, kind: str, seconds: float, rng: Random) -> Music:
    bpm = perform._tempo(score, kind, rng)
    score = perform._excerpt(score, round(seconds / 60 * bpm) + 3, rng)
    times = perform._times(len(score.bars), score.bars, bpm, kind, rng)
    parts = []
    for channel, program, rows in perform._parts(score, kind, times, rng):
        parts.append(Part(DRUMS if channel == perform.DRUMS else program, rows))
    melodic = [part for part in parts if part.program != DRUMS]
    piano = all(part.program == 0 for part in melodic)
    if not piano and rng.random() < 0.6:
        parts = [part if part.program == DRUMS else Part(_program(rng), part.rows) for part in parts]
    if piano:
        parts = [Part(int(rng.choice(PIANOS)), np.concatenate([part.rows for part in melodic]))]
        parts = [Part(p.program, _touched(p.rows, rng)) for p in parts]
    return Music(parts, _pedal(seconds, rng) if piano and rng.random() < 0.4 else np.empty((0, 2)))


KINDS: dict[str, Callable[[Shelf, float, Random], Music]] = {
    "song": song,
    "exercise": exercise,
    "work": work,
    "tune": tune,
    "chorale": chorale,
    "chance": chance,
    "singles": singles,
    "pianist": pianist,
    "noises": noises,
}
