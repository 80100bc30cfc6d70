"""Tracks found by their melody.

    python -m tests.measure.tunes --data POP909 [--others MIDI] [--heard] [--covers FOLDER] [--cache FOLDER]

POP909 holds ``labels.csv``, ``notes`` and ``audio`` of clips. The library is the melody of each clip, taken from all
notes of all parts as they are given, or with ``--heard`` as the note model hears them in the rendered sound; and with
``--others`` the melodies of whole songs of which no clip is (a folder of NUMBER/NUMBER.mid). Queries are eight bars of
the part that is named MELODY: as notes in another key (up to 6 semitones, at times an octave lower) and at another
tempo (.74 to 1.35), and the same sung by a synthetic voice: seven partials, glides, vibrato, a voice .15 semitones
off and notes .2 off, onsets 20 ms off. With ``--covers FOLDER``, made by ``tests.measure.covers --cache``, each
re-rendering is heard and looked for among the clips by its whole melody. One right answer each; 95 % by resampling.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recsys.audio.pitch import contour
from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError
from recsys.producers.harmony.hearing import stretches
from recsys.producers.melody.covers import covers
from recsys.producers.melody.line import melody
from recsys.producers.melody.search import Found, Tunes
from recsys.producers.melody.voice import voiced
from recsys.producers.notation import Notes, read_midi, read_notes, write_notes
from recsys.producers.transcription.models import NoteModel, open_model

BARS, BEATS = 8, 4
DEPTH = 50


def main() -> None:
    """Parse, make the library, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--others", type=Path)
    parser.add_argument("--heard", action="store_true")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--covers", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    labels = pd.read_csv(given.data / "labels.csv").sort_values("clip", ignore_index=True)
    model = open_model(None) if given.heard or given.covers else None
    lines = [
        melody(_notes(given.data, row, model if given.heard else None, given.cache)) for row in labels.itertuples()
    ]
    others = _others(given.others, set(labels["source_song"])) if given.others else []
    tunes = Tunes.of([*lines, *others])
    print(f"{len(lines)} clips, {len(others)} other songs, {len(tunes.pitch):,} notes; heard: {given.heard}")
    rng = np.random.default_rng(given.seed)
    asked = [_query(given.data, row, rng) for row in labels.itertuples()]
    for name, voice in (("played", _played), ("sung", _sung)):
        rng = np.random.default_rng([given.seed, 1])
        show(name, [_place(tunes, place, voice(tune, rng)) for place, tune in enumerate(asked) if len(tune) >= 8])
    if given.covers:
        assert model is not None
        heard = [_cover(given.covers, row.clip, given.seed, model, given.cache) for row in labels.itertuples()]
        show("covers", [_cover_place(lines, place, notes) for place, notes in enumerate(heard)])
        for name, first in (("choose", 0), ("report", 1)):
            show_pairs(name, lines[first::2], [melody(notes) for notes in heard[first::2]])


def _notes(data: Path, row: tuple, model: NoteModel | None, cache: Path | None) -> Notes:
    """The notes of a clip, as given or as heard; those are kept."""
    if model is None:
        return read_notes(data / "notes" / f"{row.clip}.csv")
    return _kept(cache, f"{model.name}_{row.clip}", lambda: model.notes(stretches(data / row.audio_file)))


def _kept(cache: Path | None, name: str, make) -> Notes:
    path = cache / f"{name}.csv" if cache else None
    if path is not None and path.is_file():
        return read_notes(path)
    notes = make().untangled()
    if path is not None:
        write_notes(path, notes)
    return notes


def _others(folder: Path, known: set[int]) -> list[Notes]:
    paths = sorted(path for path in folder.glob("*/*.mid") if path.stem == path.parent.name)
    return [melody(read_midi(path).notes) for path in paths if int(path.stem) not in known]


def _query(data: Path, row: tuple, rng: np.random.Generator) -> Notes:
    """Eight bars of the melody, in another key and at another tempo, from .2 s on."""
    table = pd.read_csv(data / "notes" / f"{row.clip}.csv")
    tune = table[table["part"] == "MELODY"].sort_values("onset_s")
    onset = tune["onset_s"].to_numpy()
    length = BARS * BEATS * 60 / row.tempo_bpm
    starts = onset[onset + length <= row.duration_s]
    start = rng.choice(starts if len(starts) else onset[:1])
    mine = tune[(onset >= start) & (onset < start + length)]
    steps, factor = int(rng.integers(-6, 7)), float(np.exp(rng.uniform(-0.3, 0.3)))
    steps -= 12 * int(mine["midi_pitch"].mean() > 70 and rng.random() < 0.5)
    times = [factor * (np.minimum(mine[n], start + length) - start) + 0.2 for n in ("onset_s", "offset_s")]
    return Notes.of(np.column_stack([*times, mine["midi_pitch"] + steps, mine["velocity"]]))


def _played(tune: Notes, rng: np.random.Generator) -> Notes:
    return tune


def _sung(tune: Notes, rng: np.random.Generator) -> Notes:
    return voiced(contour(sing(tune, rng)))


def sing(tune: Notes, rng: np.random.Generator) -> Sound:
    """A voice that is a little off in pitch and time."""
    times = np.arange(round((tune.offset.max() + 0.3) * RATE)) / RATE
    pitch, loud, last, off = np.zeros(len(times)), np.zeros(len(times)), None, rng.normal(0, 0.15)
    for onset, offset, height in zip(tune.onset + rng.normal(0, 0.02, len(tune)), tune.offset, tune.pitch, strict=True):
        a = max(round(onset * RATE), 0)
        b = min(max(round(offset * RATE), a + RATE // 25), len(times))
        if b <= a:
            continue
        here = times[: b - a]
        target = height + off + rng.normal(0, 0.2)
        from_below = last - target if last is not None and abs(last - target) < 13 else -1.0
        vibrato = 0.25 * np.sin(2 * np.pi * 5.5 * here) * np.minimum(here / 0.3, 1)
        pitch[a:b] = target + 0.7 * from_below * np.exp(-here / 0.04) + vibrato
        loud[a:b] = np.minimum(1, 50 * np.minimum(here, here[::-1]))
        last = target
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / RATE
    partials = (gain * np.sin(k * phase) for k, gain in enumerate((1, 0.7, 0.5, 0.3, 0.25, 0.15, 0.1), 1))
    sound = 0.2 * loud * sum(partials) + rng.normal(0, 0.003, len(times))
    return Sound(sound.astype(np.float32))


def _place(tunes: Tunes, row: int, query: Notes) -> tuple[float, float]:
    """One over the rank of the right answer, 0 beyond ``DEPTH``; and CPU seconds."""
    before = time.process_time()
    try:
        found = tunes.search(query, DEPTH)
    except DataError:
        found = []
    return _reciprocal(found, row), time.process_time() - before


def _cover(folder: Path, clip: str, seed: int, model: NoteModel, cache: Path | None) -> Notes:
    samples = np.load(folder / f"cover_{seed}_{clip}.npy")
    return _kept(cache, f"{model.name}_cover_{seed}_{clip}", lambda: model.notes([Sound(samples)]))


def _cover_place(lines: Sequence[Notes], row: int, cover: Notes) -> tuple[float, float]:
    tunes = Tunes.of([*lines, melody(cover)])
    before = time.process_time()
    return _reciprocal(tunes.alike(len(lines), len(lines)), row), time.process_time() - before


def _reciprocal(found: Sequence[Found], row: int) -> float:
    return next((1 / place for place, one in enumerate(found, 1) if one.row == row), 0.0)


def show_pairs(name: str, clips: Sequence[Notes], again: Sequence[Notes]) -> None:
    """How many of the pairs that are told are clip and cover, and how many of these are told; at some thresholds."""
    tunes = Tunes.of([*clips, *again])
    for least in (0.2, 0.25, 0.3, 0.35, 0.4):
        for apart in (0.05, 0.08, 0.12):
            told = covers(tunes, least=least, apart=apart)
            right = sum(pair.b - pair.a == len(clips) for pair in told)
            print(f"pairs, {name}, {least} and {apart}: {right} right of {len(told)} told, of {len(clips)}", flush=True)


def show(name: str, found: Sequence[tuple[float, float]]) -> None:
    """Means with intervals."""
    scores = np.array([score for score, _ in found])
    draws = np.random.default_rng(0).integers(len(scores), size=(1000, len(scores)))
    told = []
    for title, values in (("MRR", scores), ("first", scores == 1), ("of ten", scores >= 0.1)):
        low, high = np.quantile(values[draws].mean(1), [0.025, 0.975])
        told.append(f"{title} {values.mean():.3f} [{low:.3f}, {high:.3f}]")
    spent = 1e3 * np.median([seconds for _, seconds in found])
    print(f"{name}: {', '.join(told)}, n {len(scores)}, {spent:.0f} ms of CPU each", flush=True)


if __name__ == "__main__":
    main()
