"""What the composer makes, against POP909: python -m tests.measure.compose pop909_midi.tar.xz --out RESULTS [--only …].

Parts: valid (keys, lengths, silence, seconds), alike (divergence from the corpus, against the corpus' other half, and
copies), transitions (true next phrases against others, AUC), bridges. Each is kept in RESULTS and not done again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.producers.generation import composing
from recsys.producers.generation.arranging import arrange
from recsys.producers.generation.composer import stored
from recsys.producers.generation.composing import Wish
from recsys.producers.generation.copies import CEILING, copied
from recsys.producers.generation.songs import ACCOMPANIMENT, BAR, MELODY, NONE, Song, away, chords_of, scale
from recsys.producers.generation.transitions import OPENING, transition
from recsys.producers.notation import read_midi, write_midi
from tests.measure.pop909 import Songs, kept_songs

BARS = 16


def valid(_: Songs, count: int) -> dict[str, Any]:
    """Compositions of chance keys, lengths and tempi: are they what was asked?"""
    rng, rows, seconds = np.random.default_rng(0), [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mid"
        for seed in range(count):
            key, bars = int(rng.integers(24)), int(rng.choice([8, 16, 24]))
            wish = Wish(bars, key, float(rng.integers(60, 160)))
            began = time.process_time()
            song = composing.compose(stored(), wish, np.random.default_rng(seed))
            write_midi(path, arrange(song)[0])
            if bars == BARS:
                seconds.append(time.process_time() - began)
            piece = read_midi(path)
            notes = piece.notes
            inside = float(np.isin(notes.pitch % 12, sorted(scale(key))).mean()) if len(notes) else 0.0
            lasts = float(notes.offset.max(initial=0.0)) * wish.tempo / 240 if wish.tempo else 0.0
            rows.append((len(notes) > 0, abs(lasts - bars) <= 1, inside >= 0.95, inside))
    table = np.array(rows, float).mean(axis=0)
    names = ("sounding", "length_within_a_bar", "key_of_95_percent", "notes_in_key")
    return {**dict(zip(names, table.round(4).tolist(), strict=True)), "count": count,
            "seconds_of_16_bars": round(float(np.max(seconds, initial=0)), 3)}  # fmt: skip


def alike(songs: Songs, count: int) -> dict[str, Any]:
    """Divergences (Jensen-Shannon, nats) of samples from half of the corpus, and of its other half from it; copies."""
    rng = np.random.default_rng(1)
    made = [composing.compose(stored(), Wish(BARS), np.random.default_rng([7, seed])) for seed in range(count)]
    every = [part for held in songs for part in held]
    order = rng.permutation(len(every))
    halves = [[_cut(every[row], rng) for row in rng.choice(half, count)] for half in np.array_split(order, 2)]
    found = {}
    for name, ask in STATISTICS.items():
        first, second, mine = (_pooled(ask, group) for group in (*halves, made))
        here, floor = divergence(first, mine), divergence(first, second)
        found[name] = {"samples": round(here, 5), "corpus": round(floor, 5), "times": round(here / floor, 2)}
    runs = [copied(song, stored().learned) for song in made]
    held = [copied(_cut(song, rng), stored().learned) for song in (*songs.valid, *songs.test)]
    copies = {"share_of_8_beats": float(np.mean(np.array(runs) >= CEILING)), "longest_beats": max(runs)}
    return {**found, "copies": copies, "held_out_songs_with_8_beats": float(np.mean(np.array(held) >= CEILING))}


def transitions(songs: Songs, count: int) -> dict[str, Any]:
    """T of phrases that follow each other, and of phrases of other songs in the same key."""
    rng, true, other = np.random.default_rng(2), [], []
    held = [song for song in (*songs.valid, *songs.test) if song.bars >= 24]
    for place in range(count):
        song, stranger = held[place % len(held)], held[int(rng.integers(len(held)))]
        if stranger is song:
            stranger = held[(place + 1) % len(held)]
        at = 4 * int(rng.integers(2, (song.bars - OPENING) // 4))
        from_there = 4 * int(rng.integers(1, (stranger.bars - OPENING) // 4))
        first, follows = song.part(at - 8, at), song.part(at, at + OPENING)
        moved = stranger.part(from_there, from_there + OPENING).home().moved(away(song.key))
        true.append(transition(stored(), first, follows))
        other.append(transition(stored(), first, moved))
    above = np.subtract.outer(np.array(true), np.array(other))
    return {"count": count, "auc": round(float((above > 0).mean() + 0.5 * (above == 0).mean()), 4),
            "true": round(float(np.mean(true)), 4), "other": round(float(np.mean(other)), 4)}  # fmt: skip


def bridges(songs: Songs, count: int) -> dict[str, Any]:
    """T into and out of a bridge of four bars, against T of no bridge."""
    rng, better, gains = np.random.default_rng(3), [], []
    held = [song for song in (*songs.valid, *songs.test) if song.bars >= 24]
    for seed in range(count):
        one, two = (held[int(row)] for row in rng.choice(len(held), 2, replace=False))
        first, second = one.part(8, 16), two.part(8, 16)
        made = composing.bridge(stored(), first, second, Wish(4), np.random.default_rng(seed))
        through = transition(stored(), first, made) + transition(stored(), first.then(made), second)
        straight = transition(stored(), first, second)
        better.append(through > straight)
        gains.append(through - straight)
    return {"count": count, "better": float(np.mean(better)), "gain": round(float(np.mean(gains)), 4)}


def _cut(song: Song, rng: np.random.Generator) -> Song:
    """Sixteen bars of a song."""
    first = int(rng.integers(0, max(song.bars - BARS, 0) + 1))
    return song.part(first, min(first + BARS, song.bars))


def _pitch_classes(song: Song) -> NDArray[np.float64]:
    return np.bincount(song.home().notes[:, 2] % 12, minlength=12).astype(float)


def _intervals(song: Song) -> NDArray[np.float64]:
    melody = song.notes[song.notes[:, 1] == MELODY, 2]
    return np.bincount(np.clip(np.diff(melody), -12, 12) + 12, minlength=25).astype(float)


def _waits(song: Song) -> NDArray[np.float64]:
    counts = np.zeros(32)
    for part in (MELODY, ACCOMPANIMENT):
        steps = np.unique(song.notes[song.notes[:, 1] == part, 0])
        counts[16 * part : 16 * part + 16] += np.bincount(np.clip(np.diff(steps), 1, 16) - 1, minlength=16)
    return counts


def _polyphony(song: Song) -> NDArray[np.float64]:
    sounding = np.zeros(BAR * song.bars + 17, int)
    for step, _, _, length in song.notes.tolist():
        sounding[step : step + length] += 1
    return np.bincount(np.minimum(sounding[: BAR * song.bars], 11), minlength=12).astype(float)


def _chords(song: Song) -> NDArray[np.float64]:
    """Roots and thirds of chords that are heard, from half bar to half bar."""
    home = song.home()
    heard = chords_of(home.notes, home.bars)
    simple = np.where(heard == NONE, 24, 2 * (heard // 9) + np.isin(heard % 9, (1, 4, 5, 6)))
    counts = np.zeros((25, 25))
    np.add.at(counts, (simple[:-1], simple[1:]), 1)
    return counts.ravel()


STATISTICS: dict[str, Callable[[Song], NDArray[np.float64]]] = {
    "pitch classes": _pitch_classes, "intervals": _intervals, "inter-onset": _waits, "polyphony": _polyphony,
    "chord transitions": _chords,
}  # fmt: skip


def _pooled(ask: Callable[[Song], NDArray[np.float64]], group: Sequence[Song]) -> NDArray[np.float64]:
    total = np.sum([ask(song) for song in group], axis=0) + 1e-9
    return total / total.sum()


def divergence(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Jensen-Shannon, nats.

    >>> divergence(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    0.0
    """
    middle = (first + second) / 2
    return float(0.5 * (first * np.log(first / middle) + second * np.log(second / middle)).sum())


PARTS = {"valid": (valid, 1000), "alike": (alike, 200), "transitions": (transitions, 200), "bridges": (bridges, 100)}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("archive", type=Path)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--only", nargs="+", default=list(PARTS), choices=list(PARTS))
    asked.add_argument("--most", type=int, help="songs of the archive; default: all")
    asked.add_argument("--share", type=float, default=1.0, help="of the usual counts")
    given = asked.parse_args()
    songs = kept_songs(given.archive, given.out / f"songs-{given.most or 0}.npz", given.most)
    for name in given.only:
        measure, usual = PARTS[name]
        count = max(int(given.share * usual), 2)
        place = given.out / f"{name}-{stored().digest}-{count}.json"
        if not place.is_file():
            place.write_text(json.dumps(measure(songs, count), indent=1))
        print(name, place.read_text(), flush=True)


if __name__ == "__main__":
    main()
