"""What hears notes: the promise of a note model, and which one to use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from recsys.audio.sound import Sound
from recsys.errors import DataError, MissingExtra
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
        path: ``nmp.onnx`` of basic-pitch, or ``.safetensors`` with weights of this package's own network; None: the
            weights that come with this package.

    Raises:
        DataError: not the network that it should be.
        MissingExtra: torch or onnxruntime is not installed.
    """
    if path is not None and not Path(path).is_file():
        raise DataError(f"no {path}; expected the nmp.onnx of basic-pitch, or weights in .safetensors")
    if path is None or Path(path).suffix == ".safetensors":
        return _own(path)
    from recsys.producers.transcription.basic_pitch import BasicPitch

    return BasicPitch(path)


def imported(parts: Sequence[str], path: str | os.PathLike[str] | None) -> tuple[str, ...]:
    """What a worker that is to hear these parts imports at its start: what is loaded then is no memory of a file's.

    >>> imported(("chords",), None)
    ()
    """
    if "notes" not in parts:
        return ()
    onnx = path is not None and Path(path).suffix == ".onnx"
    return (f"recsys.producers.transcription.{'basic_pitch' if onnx else 'heard'}",)


def _own(path: str | os.PathLike[str] | None) -> NoteModel:
    for package in ("torch", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtra(package, "torch")
    from recsys.producers.transcription.heard import ShippedNotes

    return ShippedNotes(path)
