"""POP909 (Wang et al., ISMIR 2020, MIT) in, songs on a grid out; of ten numbers one is for valid and one for test."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recsys.errors import DataError
from recsys.producers.generation.songs import Song, of_piece
from recsys.producers.notation import Piece, read_midi

SONG = re.compile(r"^pop909/(\d+)/\1\.mid$")


class Songs(NamedTuple):
    """Songs by part."""

    train: list[Song]
    valid: list[Song]
    test: list[Song]


def kept_songs(archive: Path, cache: Path, most: int | None = None) -> Songs:
    """The same, read once and kept in a file."""
    if not cache.is_file():
        found = read_songs(archive, most)
        held = {f"{part}|{i}|{name}": np.asarray(getattr(song, name)) for part, songs in found._asdict().items()
                for i, song in enumerate(songs) for name in ("notes", "chords", "key", "tempo")}  # fmt: skip
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(cache, **held)
    made = Songs([], [], [])
    with np.load(cache, allow_pickle=False) as stored:
        for name in (name for name in stored.files if name.endswith("|notes")):
            part, start = name.split("|")[0], name.removesuffix("notes")
            arrays = stored[name], stored[f"{start}chords"]
            getattr(made, part).append(Song(*arrays, int(stored[f"{start}key"]), float(stored[f"{start}tempo"])))
    return made


def read_songs(archive: Path, most: int | None = None) -> Songs:
    """All songs whose beats are in bars of four."""
    made = Songs([], [], [])
    held: dict[str, bytes] = {}
    with tarfile.open(archive) as stored:
        for member in stored:  # in the order of the archive: going back would unpack it anew
            if member.isfile():
                held[member.name] = stored.extractfile(member).read()  # type: ignore[union-attr]
    names = sorted(name for name in held if SONG.match(name))[:most]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            number = int(Path(name).stem)
            path = Path(folder) / "song.mid"
            path.write_bytes(held[name])
            part = {8: made.valid, 9: made.test}.get(number % 10, made.train)
            try:
                part.append(of_piece(with_beats(read_midi(path), held[f"{Path(name).parent}/beat_midi.txt"])))
            except DataError:
                continue
    return made


def with_beats(piece: Piece, text: bytes) -> Piece:
    """A piece with the beats of the annotation: time, downbeat of twos, downbeat of fours."""
    table = np.loadtxt(io.BytesIO(text))
    return replace(piece, beats=table[:, 0], downbeats=table[:, 2] > 0.5, key=None)
