"""One sound file in, its files in a folder out: what a worker does."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from recsys.audio.ids import identify, track_id
from recsys.producers.harmony.chords import Vocabulary, decoded, harmony
from recsys.producers.harmony.features import describe
from recsys.producers.harmony.hearing import hear, stretches
from recsys.producers.harmony.keys import decoded_keys, main_key
from recsys.producers.melody.line import melody
from recsys.producers.notation import Metre, Notes, Part, Piece, Transcription, write_transcription
from recsys.producers.transcription.models import NoteModel, open_model

VERSION = 3  # goes up when what is written changes
PARTS = ("beats", "chords", "notes")


def transcribe(
    path: str,
    *,
    folder: str,
    name: str,
    parts: tuple[str, ...] = ("chords",),
    vocabulary: Vocabulary = "majmin",
    note_model: str | None = None,
    musicxml: bool = False,
    title: str = "",
) -> dict[str, Any]:
    """Hear a file and write what was heard as ``NAME.*`` into a folder.

    Returns:
        Facts: ``files``, ``seconds``, ``beats``, ``key``, ``chords``, ``notes`` (counts, None where not asked for),
        ``confidence`` of the chords, ``digest``, ``track_id`` and ``harmony`` (the vector of ``features``).

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    heard = hear(path)
    found = harmony(heard)
    keys = decoded_keys(found)
    key = main_key(found)
    chords = decoded(found, vocabulary, key=key) if "chords" in parts else None
    notes = _model(note_model).notes(stretches(path)) if "notes" in parts else Notes.none()
    metre = Metre(heard.metre) if heard.metre else None
    instruments = [Part(notes, None, "notes")] if len(notes) else []
    piece = Piece(instruments, heard.beats, heard.downbeats, metre, key, title or Path(path).stem)
    line = melody(notes) if musicxml else None
    told = Transcription(piece, chords, keys if "chords" in parts else None, "notes" in parts, line)
    described = describe(found)
    identity = identify(path)
    return {
        "files": write_transcription(folder, name, told),
        "seconds": heard.seconds,
        "beats": len(heard.beats),
        "key": key,
        "chords": None if chords is None else len(chords.labels),
        "notes": len(notes) if "notes" in parts else None,
        "confidence": described.confidence,
        "digest": identity.digest,
        "track_id": track_id(identity.tags.mbid, identity.tags.isrc, identity.digest),
        "harmony": None if described.vector is None else np.round(described.vector, 6).tolist(),
    }


@lru_cache(maxsize=1)
def _model(path: str | os.PathLike[str] | None) -> NoteModel:
    return open_model(path)
