"""Windows of sound in, one vector out: what encoders of all kinds have in common.

Sound goes to an encoder in pieces of the length that its sidecar declares, each through the front end declared there;
the vectors of all pieces are averaged. Nothing is downloaded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray

from recsys import manifest
from recsys.audio.decode import windows as read_windows
from recsys.audio.prepare import prepared
from recsys.audio.spectra import mel_filters, power_spectrum
from recsys.errors import DataError
from recsys.producers.encoders.sidecar import LogMel, Sidecar

if TYPE_CHECKING:
    from recsys.audio.sound import Sound

Floats = NDArray[np.float32]

BATCH = 16
UNITS = {"ln": 1.0, "log10": 1 / np.log(10), "db": 10 / np.log(10)}


class Encoder(ABC):
    """A file ready to turn sound into vectors.

    Attributes:
        path: the file.
        sidecar: what it declares.
        sha256: of the file.
        rank: axes that its input has, the batch among them; missing ones are put in after the batch. None = any.
    """

    rank: int | None = None

    def __init__(self, path: Path, sidecar: Sidecar) -> None:
        self.path, self.sidecar, self.sha256 = path, sidecar, manifest.sha256(path)

    @abstractmethod
    def run(self, batch: Floats) -> Floats:
        """What the encoder gives for a batch; the first axis is the batch again.

        Raises:
            DataError: it fails on it.
        """

    def encode_file(
        self,
        path: str | Path,
        *,
        windows: int = 3,
        seconds: float = 30.0,
        trim: bool = False,
        loudness: float | None = None,
    ) -> Floats:
        """The vector (d,) of a sound file; what is heard of it and how is said as in ``recsys.audio.analyse``.

        Raises:
            DataError: nothing in it can be decoded, or the encoder fails on it.
            OSError: it cannot be read.
        """
        sounds = read_windows(path, count=windows, seconds=seconds)
        return self.encode(prepared(sounds, trim=trim, loudness=loudness))

    def encode(self, sounds: Sequence[Sound]) -> Floats:
        """The mean vector (d,) of windows of sound.

        Raises:
            DataError: the encoder fails on them, or gives what is not finite.
        """
        inputs = self.inputs(sounds)
        outputs = [self._checked(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)]
        vector = np.concatenate(outputs).mean(axis=0, dtype=np.float64).astype(np.float32)
        if not np.isfinite(vector).all():
            raise DataError(f"{self.sidecar.name} gave a vector that is not finite")
        return vector

    def inputs(self, sounds: Sequence[Sound]) -> Floats:
        """What the encoder is given for windows of sound, piece by piece, (pieces, …)."""
        pieces = np.concatenate([self._pieces(sound) for sound in sounds])
        return np.stack([self._front_end(piece) for piece in pieces])

    def _pieces(self, sound: Sound) -> Floats:
        """Pieces of equal length at the wanted rate, (pieces, samples); a sound too short for one is padded."""
        rate, size = self.sidecar.sample_rate, round(self.sidecar.seconds * self.sidecar.sample_rate)
        samples = sound.samples if sound.rate == rate else soxr.resample(sound.samples, sound.rate, rate)
        whole = len(samples) // size
        if whole == 0:
            return np.pad(samples, (0, size - len(samples)))[None].astype(np.float32)
        return np.asarray(samples[: whole * size].reshape(whole, size), np.float32)

    def _front_end(self, samples: Floats) -> Floats:
        front_end = self.sidecar.front_end
        return log_mel(samples, self.sidecar.sample_rate, front_end) if isinstance(front_end, LogMel) else samples

    def _checked(self, batch: Floats) -> Floats:
        """Outputs (batch, d); what the encoder gives for several frames is averaged."""
        while self.rank is not None and batch.ndim < self.rank:
            batch = batch[:, None]
        output = np.asarray(self.run(batch), np.float32)
        if output.ndim < 2 or len(output) != len(batch):
            raise DataError(f"{self.sidecar.name} gave {output.shape} for {batch.shape}; expected (batch, …, d)")
        return output.reshape(len(output), -1, output.shape[-1]).mean(axis=1)


def log_mel(samples: Floats, rate: int, front_end: LogMel) -> Floats:
    """Log power in mel bands, float32 (frames, bands) or (bands, frames) by the layout.

    >>> log_mel(np.zeros(4096, np.float32), 16000, LogMel(kind="log-mel", log="db")).shape
    (9, 80)
    """
    high = front_end.high or rate / 2
    if not front_end.low < high <= rate / 2:
        raise DataError(f"mel bands from {front_end.low} to {high} Hz; expected low < high <= {rate / 2:g}")
    filters = mel_filters(rate, front_end.n_fft, front_end.bands, front_end.low, high)
    power = power_spectrum(samples, front_end.n_fft, front_end.hop) @ filters
    logs = np.log(np.maximum(power, np.float32(front_end.floor))) * UNITS[front_end.log]
    scaled = ((logs - front_end.mean) / front_end.std).astype(np.float32)
    return scaled if front_end.layout == "frames-bands" else np.ascontiguousarray(scaled.T)
