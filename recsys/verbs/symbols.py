"""Chords and notes of a library: heard beside its features, read when these become tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.settings import Analyze
from recsys.verbs.made import Pathlike, Paths, Progress

if TYPE_CHECKING:
    import pandas as pd

    from recsys.audio.store import Features
    from recsys.producers.melody.search import Tunes
    from recsys.producers.notation import Notes
    from recsys.producers.transcription.library import Symbols
    from recsys.tables import Dataset

COMPARED = 3000  # melodies that are compared with each other to find covers
OPTIONS = {"symbols", "note_model"}  # of the settings of analyze, that are no one else's


def symbols_of(features: Pathlike) -> Path:
    """Where what chords and notes say of the tracks is: beside the features."""
    return Path(f"{features}-symbols")


def hear_symbols(features: Path, wanted: Analyze, progress: Progress | None) -> dict[str, Any]:
    """Hear what the settings ask for of every sound of a library that was not heard before; nothing by default."""
    if not wanted.symbols:
        return {}
    from recsys.audio.store import open_features
    from recsys.producers.transcription.library import hear_library

    table = open_features(features).catalogue
    files = dict(zip(table["digest"], table["path"], strict=True))
    options: dict[str, Any] = {"note_model": wanted.note_model, "workers": wanted.workers, "progress": progress}
    made = hear_library(files, symbols_of(features), parts=wanted.symbols, **options)
    return {"heard": made["heard"], "symbols": made["symbols"], "not_heard": made["failures"]}


def open_beside(features: Pathlike, library: Features) -> Symbols | None:
    """What was heard of the tracks of a library, None where nothing was."""
    if manifest.find(symbols_of(features)) is None:
        return None
    from recsys.producers.transcription.library import open_symbols

    return open_symbols(symbols_of(features), library.catalogue["digest"].tolist())


def save_melodies(work: Path, features: Pathlike, digests: pd.Series) -> Tunes:
    """Keep the melodies of tracks beside their tables, ready to be searched; no file where none were heard."""
    from recsys.bundle import save_arrays
    from recsys.opened import MELODY
    from recsys.producers.melody.search import Tunes

    tunes = Tunes.of(melodies_of(features, digests))
    if len(tunes):
        save_arrays(work / MELODY, tunes.arrays())
    return tunes


def with_covers(related: pd.DataFrame, tunes: Tunes, dataset: Dataset) -> pd.DataFrame:
    """Relations of tracks, and those that share a melody and have no known artist in common as cover-like.

    Beyond ``COMPARED`` melodies nothing is added: comparing them would take longer than the rest of ingest.
    """
    import pandas as pd

    from recsys.audio.relations import COLUMNS, COVER
    from recsys.producers.melody.covers import covers

    if not 2 <= len(tunes) <= COMPARED:
        return related
    ids, artists = dataset.tracks.ids, dataset.catalogue.artists
    known = {frozenset(pair) for pair in zip(related["track_a"], related["track_b"], strict=True)}
    rows = [
        (ids[pair.a], ids[pair.b], COVER, round(pair.score, 4))
        for pair in covers(tunes)
        if frozenset((ids[pair.a], ids[pair.b])) not in known
        and not (artists[pair.a] == artists[pair.b] and artists[pair.a] >= 0)
    ]
    return pd.concat([related, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True) if rows else related


def melodies_of(features: Pathlike, digests: pd.Series) -> list[Notes | None]:
    """The melody of each track by the hash of its sound, None where none was heard."""
    if manifest.find(symbols_of(features)) is None:
        return [None] * len(digests)
    from recsys.producers.transcription.library import open_symbols

    known = [digest if isinstance(digest, str) else None for digest in digests]
    return open_symbols(symbols_of(features), known).melodies()


def parts_of(with_: str | Sequence[str]) -> tuple[str, ...]:
    """Words, also with commas between.

    >>> parts_of("notes, chords"), parts_of(["notes,chords"])
    (('notes', 'chords'), ('notes', 'chords'))
    """
    given = [with_] if isinstance(with_, str) else list(with_)
    return tuple(word.strip() for text in given for word in text.split(",") if word.strip())


def expected(audio: Paths, parts: Sequence[str], workers: int = 2, note_model: Pathlike | None = None) -> str:
    """What hearing chords or notes will cost, in words.

    Raises:
        DataError: a folder does not exist, or there is no model for the notes.
    """
    from recsys.producers.transcription.folder import estimate

    model = None if note_model is None else str(note_model)
    files, seconds = estimate(audio, parts, workers, model)
    each = f", {seconds * workers / files:.2g} s of one core each" if files else ""
    return f"{' and '.join(parts)} of {files:,} files: about {spoken(seconds)} if all are new{each}"


def spoken(seconds: float) -> str:
    """A time in words.

    >>> spoken(0.2), spoken(90), spoken(7300)
    ('1 s', '2 min', '2 h 2 min')
    """
    hours, minutes = divmod(round(seconds / 60), 60)
    short = f"{minutes} min" if seconds >= 60 else f"{max(round(seconds), 1)} s"
    return f"{hours} h {minutes} min" if hours else short
