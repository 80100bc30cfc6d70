"""How many related tracks are found among unrelated ones, and how many that are found are none.

    python -m tests.measure.relations --real EMOTIFY --scores FOLDER… --work FOLDER

EMOTIFY and each FOLDER hold ``labels.csv`` with ``audio_file``, a FOLDER also ``notes/*.csv`` (onset_s, offset_s,
midi_pitch, velocity, part). Real clips are different songs. Of every second of them a copy is made (mp3, 8 dB
quieter, a second cut off) and one that is shifted by up to three semitones and stretched by up to 12 %. Of every score
a cover is made by another synthesiser: another key, tempo and other instruments; and an arrangement, where besides a
fifth of the accompaniment is missing, the upper voice moves by an octave, and the start by 3 to 8 s.

Clips are dealt alternately into the halves ``choose`` (the constants of ``recsys.audio.relations`` were set on it) and
``report``, each a library of its own in which nothing is known of titles and artists. Precision counts pairs that were
found, with exact 95 % intervals; recall counts pairs that were made, by kind. WORK keeps what was made and heard.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile
from scipy.stats import binomtest

from recsys.audio import augment
from recsys.audio.candidates import likeness, nearest
from recsys.audio.library import analyze
from recsys.audio.relations import NEIGHBOURS, TITLED_LIKE, fingerprints, relations
from recsys.audio.sound import RATE
from recsys.audio.store import Features, open_features
from recsys.sources.sample.compose import Note
from recsys.sources.sample.synth import TIMBRES, render
from recsys.tables import IdMap

PITCHED = tuple(name for name in TIMBRES if name != "bass")
KINDS = ("copy", "shifted", "cover", "arranged")
REAL = "emo"  # how the names of real clips begin
TWINS = {"emo_366": "emo_359", "emo_175": "emo_172"}  # one recording twice: the waveforms correlate by .97 and .96
LEVELS = np.round(np.arange(0.78, 0.97, 0.02), 2)


class Clip(NamedTuple):
    """One clip: which song, and how it was made of it; "" is the song itself."""

    song: str
    kind: str


def main() -> None:
    """Parse, make and analyse what is not there yet, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--part", choices=["choose", "report"], nargs="+", default=["choose", "report"])
    given = parser.parse_args()
    music = given.work / "music"
    music.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(clips(given.real)):
        versions_of_sound(clip, music, altered=number % 4 < 2)
    for folder in given.scores:
        for clip in clips(folder):
            versions_of_score(clip, folder / "notes" / f"{clip.stem}.csv", music)
    features_folder = given.work / "features"
    analyze([given.real / "audio", *(folder / "audio" for folder in given.scores), music], features_folder)
    features = open_features(features_folder)
    for part in given.part:
        report(part, library(features, part))


def clips(folder: Path) -> list[Path]:
    """The sound files of a data set, in order."""
    return sorted(folder / name for name in pd.read_csv(folder / "labels.csv")["audio_file"])


def versions_of_sound(clip: Path, music: Path, *, altered: bool) -> None:
    """A copy and a shifted version of a clip, where they are wanted and not there."""
    rng = dice(clip.stem)
    paths = music / f"{clip.stem}+copy.mp3", music / f"{clip.stem}+shifted.ogg"
    if not altered or all(path.exists() for path in paths):
        return
    samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    soundfile.write(paths[0], augment.gain(mono[rate:], -8.0), rate)
    moved = augment.pitch_shift(mono, int(rng.choice([-3, -2, -1, 1, 2, 3])))
    soundfile.write(paths[1], 0.8 * augment.time_stretch(moved, rng.uniform(0.89, 1.12)), rate)


def versions_of_score(clip: Path, notes: Path, music: Path) -> None:
    """A cover and an arrangement of a clip whose notes are known, where they are not there."""
    rng, table = dice(clip.stem), pd.read_csv(notes)
    for kind in ("cover", "arranged"):
        path = music / f"{clip.stem}+{kind}.ogg"
        if not path.exists():
            soundfile.write(path, performed(table, rng, free=kind == "arranged"), RATE)


def performed(table: pd.DataFrame, rng: np.random.Generator, *, free: bool) -> np.ndarray:
    """Notes played by other instruments, in another key and tempo; ``free``: arranged besides."""
    steps, factor = int(rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6])), rng.uniform(0.87, 1.15)
    voices = {part: str(rng.choice(PITCHED)) for part in table["part"].unique()}
    upper = table.groupby("part")["midi_pitch"].mean().idxmax()
    first, lift = (rng.uniform(3, 8), int(rng.choice([-12, 12]))) if free else (0.0, 0)
    notes = []
    for row in table.itertuples():
        if free and (row.onset_s < first or (row.part != upper and rng.random() < 0.2)):
            continue
        midi = row.midi_pitch + steps + (lift if row.part == upper else 0)
        times = ((row.onset_s - first) / factor, (row.offset_s - first) / factor)
        notes.append(Note(*times, int(midi), voices[row.part], row.velocity / 127))
    seconds = min(45.0, max(note.offset_s for note in notes) + 0.5)
    inside = [
        note._replace(offset_s=min(note.offset_s, seconds - 0.1)) for note in notes if note.onset_s < seconds - 0.3
    ]
    return render(inside, seconds, brightness=float(rng.uniform(0.3, 1)))


def dice(name: str) -> np.random.Generator:
    """Chance that is the same for each clip in every run."""
    return np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))


def library(features: Features, part: str) -> Features:
    """The tracks of every second song, without what their tags say."""
    own = [clip_of(path) for path in features.catalogue["path"]]
    songs = sorted({clip.song for clip in own})
    mine = set(songs[0 if part == "choose" else 1 :: 2])
    rows = np.flatnonzero([clip.song in mine for clip in own])
    catalogue = features.catalogue.iloc[rows].assign(title=None, artist=None)
    spaces = [
        {name: replace(one, vectors=one.vectors[rows], known=one.known[rows]) for name, one in held.items()}
        for held in (features.blocks, features.extra)
    ]
    return replace(
        features,
        tracks=IdMap(catalogue.index, "track"),
        catalogue=catalogue,
        traits=features.traits.iloc[rows],
        blocks=spaces[0],
        extra=spaces[1],
    )


def clip_of(path: str) -> Clip:
    """What a file is, by its name."""
    song, _, kind = Path(path).stem.partition("+")
    return Clip(TWINS.get(song, song), kind)


def report(part: str, features: Features) -> None:
    """All tables of one half."""
    own = [clip_of(path) for path in features.catalogue["path"]]
    row = dict(zip(features.catalogue.index, own, strict=True))
    made = {kind: {clip.song for clip in own if clip.kind == kind} for kind in KINDS}
    real = sum(clip.song.startswith(REAL) for clip in own if not clip.kind)
    print(f"\n{part}: {len(own)} tracks of {len({c.song for c in own})} songs, {real} of them real recordings")
    found = relations(features)
    pairs = [(row[a], row[b], kind) for a, b, kind in found[["track_a", "track_b", "relation"]].itertuples(index=False)]
    print(pd.DataFrame(_relation_rows(pairs, made)).to_string(index=False))
    print(_titled(features, own))
    print("by likeness of fingerprints alone, both among the nearest of the other:")
    print(pd.DataFrame(_level_rows(features, own, made)).to_string(index=False))


def _titled(features: Features, own: Sequence[Clip]) -> str:
    """How much a title that agrees adds: what passes then of the same songs, and of any two songs."""
    vectors = fingerprints(features)
    alike = vectors @ vectors.T >= TITLED_LIKE
    song, kind = (np.array([getattr(clip, name) for clip in own]) for name in Clip._fields)
    original, made = np.flatnonzero(kind == ""), np.flatnonzero(np.isin(kind, ["cover", "arranged"]))
    same = song[original][:, None] == song[made]
    first, second = np.triu_indices(len(original), 1)
    other = song[original][first] != song[original][second]
    passed = alike[original[first[other]], original[second[other]]]
    right = alike[np.ix_(original, made)][same]
    told = f"{share(int(right.sum()), right.size)} of covers and arrangements, {share(int(passed.sum()), passed.size)}"
    return f"likeness that a cover of the same title needs, ≥ {TITLED_LIKE}: passed by {told} of any two songs"


def _relation_rows(pairs: Sequence[tuple[Clip, Clip, str]], made: dict[str, set[str]]) -> Iterator[dict[str, object]]:
    for relation in sorted({kind for _, _, kind in pairs}):
        mine = [(a, b) for a, b, kind in pairs if kind == relation]
        yield {"relation": relation, **_scores(mine, made)}


def _level_rows(features: Features, own: Sequence[Clip], made: dict[str, set[str]]) -> Iterator[dict[str, object]]:
    vectors = fingerprints(features)
    near = nearest(vectors, NEIGHBOURS, float(LEVELS[0]))
    alike = likeness(vectors, near)
    for level in LEVELS:
        rows = np.flatnonzero(near.mutual & (alike >= level))
        yield {"likeness": f"≥ {level:.2f}", **_scores([(own[near.a[i]], own[near.b[i]]) for i in rows], made)}


def _scores(pairs: Sequence[tuple[Clip, Clip]], made: dict[str, set[str]]) -> dict[str, object]:
    """Precision over pairs, and the share of the versions of each kind that were found with their song itself."""
    right = [a.song == b.song for a, b in pairs]
    with_song = {
        kind: {a.song for a, b in pairs if a.song == b.song and {a.kind, b.kind} == {"", kind}} for kind in KINDS
    }
    wrong_real = sum(a.song != b.song and a.song.startswith(REAL) and b.song.startswith(REAL) for a, b in pairs)
    recall = {kind: share(len(with_song[kind]), len(made[kind])) for kind in KINDS}
    return {"found": len(pairs), "precision": share(sum(right), len(right)), "wrong, both real": wrong_real, **recall}


def share(some: int, of: int) -> str:
    """A share with its exact interval."""
    if not of:
        return "–"
    low, high = binomtest(some, of).proportion_ci(method="exact")
    return f"{some / of:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
