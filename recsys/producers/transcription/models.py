"""What hears notes: the promise of a note model, and which one to use."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from recsys.audio.sound import Sound
from recsys.errors import DataError
from recsys.producers.notation import Notes


class NoteModel(Protocol):
    """Hears the notes of a piece.

    Attributes:
        name: what it is, with a version, kept beside what it made.
        speed: seconds of sound that it hears in a second of one core.
    """

    name: str
    speed: float

    def notes(self, sounds: Iterable[Sound]) -> Notes:
        """Notes of stretches of sound that follow each other, in seconds from the start of the file."""
        ...


def open_model(path: str | os.PathLike[str] | None) -> NoteModel:
    """The note model of a file.

    Args:
        path: ``nmp.onnx`` of basic-pitch; None: the one that comes with this package.

    Raises:
        DataError: not the network that it should be; or None, while none comes with this package.
        MissingExtra: onnxruntime is not installed.
    """
    if path is None:
        raise DataError("no note model comes with this package yet; name basic-pitch's nmp.onnx with --note-model FILE")
    if not Path(path).is_file():
        raise DataError(f"no {path}; expected the nmp.onnx of basic-pitch")
    from recsys.producers.transcription.basic_pitch import BasicPitch

    return BasicPitch(path)
