"""Which instruments play: log-mel windows in, probabilities of instruments and families and an embedding out.

A small convolutional network of 64 mel bands, run with numpy. Its weights were made as in
``python -m tests.measure.train_instruments``, only from sound that code played from soundfonts with an MIT licence;
``instruments.md`` says how good they are on recordings, and what they cannot tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.instruments.names import CLASSES, SILENCE

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("instruments.safetensors")
VERSION = "instruments@a4a30b7e"  # the weights, by the start of their sha256
BANDS, SHRUNK = 64, 8  # bands of a window; frames that become one
DEPTH = 14.0  # natural logs of power under the loudest cell: what is softer is not heard, 61 dB
ACTIVE = 10.0  # the same for frames that count at all, 43 dB
SILENT = -7.0  # natural log of power in the loudest cell of a silent window, about −68 dB of full scale
POOLS = (2, 2, 1, 1)  # frames that become one after each convolution; bands are halved after each


class Tagger:
    """The network and its classes.

    Attributes:
        classes: (c,) names: instruments, families, events and silence; see ``names``.
        dimensions: of the embedding.
    """

    def __init__(self, arrays: Mapping[str, Floats], classes: tuple[str, ...] = CLASSES) -> None:
        self._arrays, self.classes = arrays, (*classes, SILENCE)
        self.dimensions = int(arrays["embed_w"].shape[1])

    @classmethod
    def open(cls, path: str | Path = WEIGHTS) -> Self:
        """Load weights: the shipped ones, or others made by the same program.

        Raises:
            DataError: the file is missing, or holds no weights of this network.

        >>> tagger = Tagger.open()
        >>> probabilities = tagger.probabilities(np.zeros((2, 160, 64), np.float32))
        >>> probabilities.shape == (2, len(tagger.classes)), tagger.dimensions
        (True, 128)
        """
        arrays, told = read(Path(path))
        classes = tuple(json.loads(told.get("classes", "[]")))
        wanted = {"embed_w", "out_w", "out_b", "slope", "shift"} | {f"conv{i}_w" for i in range(len(POOLS))}
        if missing := sorted(wanted - arrays.keys()) or len(classes) != len(arrays["out_b"]):
            raise DataError(f"{path} holds no weights of the instrument tagger ({missing}); make them again")
        return cls(arrays, classes)

    @property
    def calibration(self) -> tuple[Floats, Floats]:
        """Slope and shift of the log-odds of each class but silence, (c - 1,) each."""
        return self._arrays["slope"], self._arrays["shift"]

    def probabilities(self, mel: NDArray[Any]) -> Floats:
        """How probable each class is in each window, float32 (w, classes); in silence 0, and 1 for silence.

        Args:
            mel: (w, frames, 64), natural log of the power in mel bands as in ``recsys.producers.labelling.hearing``; at
                least 8 frames. Level does not matter.

        Raises:
            DataError: the windows have another shape.
        """
        return self.hear(mel)[0]

    def embedding(self, mel: NDArray[Any]) -> Floats:
        """What the network makes of each window before it names anything, float32 (w, 128); 0 in silence."""
        return self.hear(mel)[1]

    def hear(self, mel: NDArray[Any]) -> tuple[Floats, Floats]:
        """``probabilities`` and ``embedding`` in one go."""
        odds, embedded = self.odds(mel)
        slope, shift = self.calibration
        calibrated = odds * slope + shift
        heard, quiet = 1 / (1 + np.exp(-calibrated.clip(-30, 30))), silent(mel)
        heard[quiet] = 0
        return np.column_stack([heard, quiet]).astype(np.float32), embedded

    def odds(self, mel: NDArray[Any]) -> tuple[Floats, Floats]:
        """Log-odds (w, classes but silence) as the network gives them, uncalibrated, and the embedding (w, 128)."""
        if mel.ndim != 3 or mel.shape[2] != BANDS or mel.shape[1] < SHRUNK:
            raise DataError(f"log-mel windows {mel.shape}; expected (windows, at least {SHRUNK} frames, {BANDS} bands)")
        embedded = np.stack([self._embed(window) for window in mel]) if len(mel) else np.zeros((0, self.dimensions))
        embedded = embedded.astype(np.float32)
        odds = embedded @ self._arrays["out_w"] + self._arrays["out_b"]
        embedded[silent(mel)] = 0
        return odds, embedded

    def _embed(self, window: NDArray[Any]) -> Floats:
        inputs, active = normalised(window)
        hidden = inputs[:, :, None]
        for place, frames in enumerate(POOLS):
            hidden = _convolved(hidden, self._arrays[f"conv{place}_w"], self._arrays[f"conv{place}_b"])
            hidden = _pooled(hidden, frames)
        flat = _relu(hidden.reshape(len(hidden), -1) @ self._arrays["flat_w"] + self._arrays["flat_b"])
        share = active / max(float(active.sum()), 1.0)
        both = np.concatenate([share @ flat, (flat * active[:, None]).max(axis=0)])
        return _relu(both @ self._arrays["embed_w"] + self._arrays["embed_b"])


def silent(mel: NDArray[Any]) -> NDArray[np.bool_]:
    """Windows (w, frames, bands) in which nothing can be heard, bool (w,).

    >>> silent(np.full((1, 160, 64), np.log(1e-4)))
    array([ True])
    """
    return np.asarray(mel.max(axis=(1, 2), initial=-np.inf) < SILENT)


def normalised(window: NDArray[Any]) -> tuple[Floats, Floats]:
    """A window (frames, 64) as pairs of frames, −1 to 1 under the loudest cell; which of frames // 8 count, 1 or 0."""
    frames = len(window) // SHRUNK
    under = window[: frames * SHRUNK].astype(np.float32) - np.float32(window.max())
    loud = under.max(axis=1).reshape(frames, SHRUNK).max(axis=1) > -ACTIVE
    scaled = np.maximum(under, -DEPTH) * np.float32(2 / DEPTH) + 1
    return (scaled[::2] + scaled[1::2]) / 2, loud.astype(np.float32)


def _convolved(hidden: Floats, kernel: Floats, bias: Floats) -> Floats:
    """(frames, bands, in) by a kernel (9 · in, out) of three by three → (frames, bands, out), at least 0."""
    frames, bands, _ = hidden.shape
    padded = np.pad(hidden, ((1, 1), (1, 1), (0, 0)))
    patches = [padded[t : t + frames, b : b + bands] for t in range(3) for b in range(3)]
    return _relu(np.concatenate(patches, axis=2).reshape(frames * bands, -1) @ kernel + bias).reshape(frames, bands, -1)


def _pooled(hidden: Floats, frames: int) -> Floats:
    """The largest of so many frames and two bands."""
    kept = len(hidden) // frames * frames
    return hidden[:kept].reshape(-1, frames, hidden.shape[1] // 2, 2, hidden.shape[2]).max(axis=(1, 3))


def _relu(values: Floats) -> Floats:
    return np.maximum(values, np.float32(0))


def read(path: Path) -> tuple[dict[str, Floats], dict[str, str]]:
    """Arrays of half or single precision in a safetensors file, and its metadata.

    Raises:
        DataError: it is missing or broken.
    """
    kinds: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
    try:
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        told = header.pop("__metadata__", {})
        arrays = {
            name: np.frombuffer(
                data[start + one["data_offsets"][0] : start + one["data_offsets"][1]], kinds[one["dtype"]]
            )
            .reshape(one["shape"])
            .astype(np.float32)
            for name, one in header.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read as safetensors: {str(error)[:200]}") from error
    return arrays, told
