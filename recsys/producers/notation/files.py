"""All that was heard in one track in, its files out: NAME.mid, .chords.lab, .beats.csv, .notes.csv, a picture, ..."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from recsys.producers.notation.midi import write_midi
from recsys.producers.notation.musicxml import write_musicxml
from recsys.producers.notation.roll import draw_roll
from recsys.producers.notation.score import Notes, Piece
from recsys.producers.notation.tables import Segments, write_beats, write_lab, write_notes, write_segments

UNSAFE = re.compile(r"[^\w.()+,\- ]+")
LONGEST = 120  # bytes of a name
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


@dataclass(frozen=True, eq=False)
class Transcription:
    """What was heard.

    Attributes:
        piece: beats, metre, key; notes where they were asked for.
        chords: labelled stretches, None where not asked for.
        keys: local keys, None where not asked for.
        with_notes: whether notes were asked for, so that an empty list of notes is an answer.
        line: the melody, for a lead sheet; None where none was asked for.
    """

    piece: Piece
    chords: Segments | None = None
    keys: Segments | None = None
    with_notes: bool = False
    line: Notes | None = None


def write_transcription(folder: str | os.PathLike[str], name: str, heard: Transcription) -> list[str]:
    """Write the files of one track; their names.

    The picture is left out where matplotlib is not installed.
    """
    place = Path(folder)
    written = [f"{name}.mid", f"{name}.beats.csv"]
    write_midi(place / written[0], heard.piece, heard.chords)
    write_beats(place / written[1], heard.piece.beats, heard.piece.downbeats)
    for kind, segments in (("chords", heard.chords), ("keys", heard.keys)):
        if segments is not None:
            written += [f"{name}.{kind}.lab", f"{name}.{kind}.csv"]
            write_lab(place / written[-2], segments)
            write_segments(place / written[-1], segments)
    if heard.with_notes:
        written.append(f"{name}.notes.csv")
        write_notes(place / written[-1], heard.piece.notes.untangled())
    if heard.line is not None:
        written.append(f"{name}.musicxml")
        write_musicxml(place / written[-1], heard.piece, heard.line, heard.chords)
    if find_spec("matplotlib") is not None:
        written.append(f"{name}.png")
        draw_roll(place / written[-1], heard.piece, heard.chords)
    return written


def safe_names(paths: Sequence[str | os.PathLike[str]], taken: Iterable[str] = ()) -> list[str]:
    """A file name for each path, unlike all others and those ``taken``, that every system accepts.

    >>> safe_names(["a/Song: 1?.mp3", "b/Song: 1?.ogg", "c/nul.wav"])
    ['Song_ 1_', 'Song_ 1_-2', 'nul_']
    """
    used = {name.casefold() for name in taken}
    names = []
    for path in paths:
        plain = unicodedata.normalize("NFC", Path(path).stem)
        short = UNSAFE.sub("_", plain).strip(" .").encode()[:LONGEST].decode(errors="ignore").strip(" .") or "track"
        name = free = f"{short}_" if short.split(".")[0].casefold() in RESERVED else short
        number = 1
        while free.casefold() in used:
            number += 1
            free = f"{name}-{number}"
        used.add(free.casefold())
        names.append(free)
    return names
