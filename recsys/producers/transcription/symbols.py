"""One sound file in, what its chords and notes say of it out, for a library: what a worker does."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from recsys.producers.generation.described import block
from recsys.producers.harmony.chords import harmony
from recsys.producers.harmony.features import describe as describe_harmony
from recsys.producers.harmony.hearing import hear, stretches
from recsys.producers.harmony.keys import main_key
from recsys.producers.melody.line import melody
from recsys.producers.notation import Notes
from recsys.producers.transcription.described import describe
from recsys.producers.transcription.models import NoteModel, open_model

Row = dict[str, Any]
PARTS = ("chords", "notes")


def symbols(path: str, *, parts: tuple[str, ...] = PARTS, note_model: str | None = None) -> Row:
    """Hear a file.

    Returns:
        ``seconds``, ``key``, ``harmony`` and ``chords_confidence`` (of chords), ``trans``, ``gen``, ``known``,
        ``notes_confidence``, ``notes`` (how many), ``onset``, ``offset``, ``pitch`` of the melody (of notes). A vector
        is None where nothing can be said.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    heard = hear(path)
    found = harmony(heard)
    key = main_key(found)
    row: Row = {"seconds": heard.seconds, "key": key}
    if "chords" in parts:
        told = describe_harmony(found)
        row |= {"harmony": _listed(told.vector), "chords_confidence": told.confidence}
    if "notes" in parts:
        row |= of_notes(_model(note_model).notes(stretches(path)), heard.beats, key, heard.seconds)
    return row


def of_notes(notes: Notes, beats: Any, key: int | None, seconds: float) -> Row:
    """What notes say of a track: the vector, and the melody where there are enough notes for one."""
    told = describe(notes, beats, key, seconds)
    line = melody(notes) if told.vector is not None else Notes.none()
    return {
        "trans": _listed(told.vector),
        "gen": None if told.vector is None else _listed(block(notes, beats, key)),
        "known": told.known.tolist(),
        "notes_confidence": told.confidence,
        "notes": len(notes),
        "onset": line.onset.round(3).tolist(),
        "offset": line.offset.round(3).tolist(),
        "pitch": line.pitch.tolist(),
    }


def _listed(vector: Any) -> list[float] | None:
    return None if vector is None else np.round(vector, 6).tolist()


@lru_cache(maxsize=1)
def _model(path: str | None) -> NoteModel:
    return open_model(path)
