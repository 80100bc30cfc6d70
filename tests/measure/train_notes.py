"""Make the weights of ``recsys.producers.transcription``.

    python -m tests.measure.train_notes --songs POP909 --without DEV/labels.csv --corpus MUSIC21 --chorales JSB.json \
        --fonts FluidR3_GM.sf2 MuseScore_General_Full.sf2 --held-font TimGM6mb.sf2 --cache DIR --out notes.safetensors

POP909 holds a folder per song (MIT licence); songs to be measured on are left out with ``--without``, whose column
``source_song`` has their numbers. MUSIC21 is the folder ``corpus`` of the package music21, of which quartets and a
rag in MusicXML and the tunes of Ryan's Mammoth Collection (1883) in ABC are played; JSB.json has chorales in
sixteenths. ``tests.measure.note_music`` makes or arranges pieces, ``tests.measure.note_sounds`` plays them, mostly by
FluidSynth, and wears the sound out. One piece in twenty is for validation, played with the held-out font.

``--minutes 10`` renders 40 minutes of music and learns for the rest of the time; without it, 7.5 hours are rendered
(about 15 minutes of one core) and learned from for 55 minutes (of one core that multiplies bfloat16). ``--own FOLDER…``
adds recordings with their notes: see ``tests.measure.note_own``. Needs torch, mir_eval, and FluidSynth on the path.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.producers.transcription.keys import levels
from tests.measure import note_own, note_sounds
from tests.measure.note_lessons import SCALE, clips_of, learn
from tests.measure.note_made import Music
from tests.measure.note_music import Shelf, music, shelf

SECONDS = 60.0
SHARES = {
    "song": 26, "exercise": 6, "work": 11, "tune": 12, "chorale": 5, "chance": 17, "singles": 6, "pianist": 14,
    "noises": 3,
}  # fmt: skip
ADDED = {"tune": 0.175, "chorale": 0.175, "chance": 0.175, "singles": 0.175}  # how many are added up from partials
HELD = 20  # one piece, and one clip for validation, in so many
CLIPS, MINUTES = 450, 55.0
A_MINUTE = 9  # clips rendered for each minute, where there are few
STEPS = 150  # at most for each minute


def split(held: Shelf) -> tuple[Shelf, Shelf]:
    """Pieces to learn from and pieces to validate on."""
    taught = Shelf(*([one for i, one in enumerate(side) if i % HELD] for side in held))
    return taught, Shelf(*(side[::HELD] for side in held))


def render(number: int, pieces: Shelf, fonts: Sequence[Path], place: Path, seed: int, seconds: float = SECONDS) -> None:
    """One performance into a file, unless it is there."""
    if place.exists():
        return
    rng = np.random.default_rng([seed, number])
    kind = str(rng.choice(list(SHARES), p=np.array(list(SHARES.values())) / sum(SHARES.values())))
    try:
        made, samples = sounding(kind, pieces, fonts[number % len(fonts)], rng, seconds)
    except ValueError:  # a score that is too short
        made, samples = sounding("chance", pieces, fonts[number % len(fonts)], rng, seconds)
    keep(place, made, *note_sounds.worn(samples[: round((seconds + 1) * note_sounds.RATE)], rng))


def sounding(
    kind: str, pieces: Shelf, font: Path, rng: np.random.Generator, seconds: float
) -> tuple[Music, NDArray[np.float32]]:
    """A piece and its sound; what has no parts is noise."""
    made = music(kind, pieces, seconds, rng)
    if not made.parts:
        return made, note_sounds.unmusical(seconds, rng)
    if rng.random() < ADDED.get(kind, 0):
        return note_sounds.added(Music(made.parts[:2]), seconds, rng)
    return made, note_sounds.played(made, font, rng)


def keep(place: Path, made: Music, samples: NDArray[np.float32], grown: float = 1.0) -> None:
    """A clip as it is learned from: uint8 (frames, 2 · 312 levels + 2 · 88 targets)."""
    heard = levels(samples)
    told = note_sounds.targets(made, heard.shape[1], grown)
    both = np.concatenate([*np.rint(heard * SCALE).clip(0, 255).astype(np.uint8), *told], axis=1)
    part = place.with_suffix(".part")
    with open(part, "wb") as file:
        np.save(file, both)
    part.rename(place)


def render_all(args: argparse.Namespace, clips: int) -> None:
    """Performances and the user's recordings into the cache, those that are missing."""
    without = left_out(args.without) if args.without else frozenset()
    taught, held = split(shelf(args.songs, args.corpus, args.chorales, without))
    args.cache.mkdir(parents=True, exist_ok=True)
    for number in range(clips):
        render(number, taught, args.fonts, args.cache / f"t{number:05d}.npy", 1)
        if number % HELD == 0:
            render(number, held, [args.held_font], args.cache / f"v{number:05d}.npy", 2)
    for folder in args.own:
        for place, (sound, told) in enumerate(note_own.recordings(folder)):
            for piece, (made, samples) in enumerate(note_own.clips(sound, told, SECONDS)):
                kind = "t" if place % HELD else "v"
                keep(args.cache / f"{kind}_{folder.name}_{place:04d}_{piece:03d}.npy", made, samples)


def left_out(labels: Path) -> frozenset[str]:
    """Numbers of the songs to be measured on."""
    with open(labels, newline="") as file:
        return frozenset(row["source_song"].zfill(3) for row in csv.DictReader(file))


def main() -> None:
    """Render, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--without", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--chorales", type=Path)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--held-font", type=Path, required=True)
    parser.add_argument("--own", type=Path, nargs="*", default=[])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--minutes", type=float, help="in all, rendering included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    clips = CLIPS if args.minutes is None else max(HELD, round(args.minutes * A_MINUTE * 0.45))
    render_all(args, clips)
    minutes = MINUTES if args.minutes is None else 0.8 * args.minutes
    taught, held = clips_of(args.cache, "t"), clips_of(args.cache, "v")
    learn(taught, held, round(minutes * STEPS), args.out, seed=args.seed, limit=60 * minutes)


if __name__ == "__main__":
    main()
