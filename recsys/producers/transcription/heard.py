"""Stretches of sound in, notes out: the note model that comes with this package."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.audio.sound import Sound
from recsys.errors import DataError
from recsys.producers.notation import Notes
from recsys.producers.transcription import keys, network
from recsys.producers.transcription.peaks import Odds, Thresholds, find

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
WEIGHTS = Path(__file__).with_name("notes.safetensors")
BLOCK = 1024  # frames heard at a time
WIDEST = 1024  # channels of a network that is loaded
MARGIN = network.MARGIN + keys.MARGIN  # frames beside them


class ShippedNotes:
    """Hears notes with a small network that is run by torch.

    Args:
        path: its weights; None: those of this package.

    Raises:
        DataError: not the weights of this network.
    """

    speed = 60.0

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        place = Path(path or WEIGHTS)
        stored = _stored(place)
        self.network = network.NoteNetwork(*_widths(stored, place))
        try:
            self.network.load_state_dict(stored)
        except RuntimeError as error:
            raise DataError(f"{place} holds no weights of the note network: {error}") from error
        self.network = self.network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name = f"notes@{hashlib.sha256(place.read_bytes()).hexdigest()[:8]}"
        self.thresholds = Thresholds()

    def notes(self, sounds: Iterable[Sound]) -> Notes:
        """Notes of stretches of sound that follow each other."""
        return find(self.odds(sounds), self.thresholds)

    def odds(self, sounds: Iterable[Sound]) -> Odds:
        """What is heard in every frame of 512 samples, uint8 (frames, 88)."""
        parts = [self._heard(samples, frames) for samples, frames in _blocks(sounds)]
        if not parts:
            return Odds(*np.zeros((3, 0, keys.KEYS), np.uint8))
        return Odds(*(np.concatenate(side) for side in zip(*parts, strict=True)))

    def _heard(self, samples: Floats, frames: int) -> Bytes:
        """A block with its margins of sound: (3, frames, 88)."""
        spectra = torch.from_numpy(keys.levels(samples))[None]
        with torch.inference_mode():
            out = self.network(spectra.to(memory_format=torch.channels_last))[0].sigmoid().numpy()
        return np.rint(255 * out[:, MARGIN : MARGIN + frames]).astype(np.uint8)


def _stored(place: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: array.float() for name, array in load_file(place).items()}
    except SafetensorError as error:
        raise DataError(f"{place}: {error}; expected the weights of the note network") from error


def _widths(stored: dict[str, torch.Tensor], place: Path) -> tuple[int, int]:
    try:
        wide, narrow = (stored[name].shape for name in ("stem.weight", "blocks.0.narrow.weight"))
    except KeyError as error:
        raise DataError(f"{place} has no {error}; expected the weights of the note network") from error
    if not len(wide) == len(narrow) == 4 or max(*wide, *narrow) > WIDEST:
        found = f"{place} has weights of the shapes {tuple(wide)} and {tuple(narrow)}"
        raise DataError(f"{found}; expected those of the note network, four numbers, none above {WIDEST}")
    return wide[0], narrow[0]


def _blocks(sounds: Iterable[Sound]) -> Iterator[tuple[Floats, int]]:
    """Blocks with margins on both sides, silence around the whole; and how many frames of each count."""
    beside, size = MARGIN * keys.HOP, BLOCK * keys.HOP
    waiting, came = np.zeros(beside, np.float32), 0
    for sound in sounds:
        came += len(sound.samples)
        waiting = np.concatenate([waiting, sound.samples])
        while len(waiting) >= 2 * beside + size:
            yield waiting[: 2 * beside + size], BLOCK
            waiting = waiting[size:]
    left = len(waiting) - beside
    if came and left > 0:
        frames = -(-left // keys.HOP)
        yield np.pad(waiting, (0, (frames + MARGIN) * keys.HOP + beside - len(waiting))), frames
