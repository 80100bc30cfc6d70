"""Two ways to read a sound file: libsndfile, and FFmpeg for what the first cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from recsys.errors import DataError, MissingExtra

Floats = NDArray[np.float32]
BLOCK = 1 << 19  # samples of all channels read at once
UNKNOWN = "not a sound file of a known format, or too broken to read"
FORMATS = "mov,mp3,flac,ogg,wav,aiff,aac"  # all that FFmpeg may take a file for: nothing that names other files
BITS = {"PCM_U8": 8, "PCM_S8": 8, "ULAW": 8, "ALAW": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32}


class Decoder(Protocol):
    """One way to read a file."""

    seconds: float
    rate: int
    channels: int
    bits: int | None
    errors: int

    def blocks(self, start: float, length: float) -> Iterator[Floats]:
        """Sound from ``start`` for ``length`` seconds in pieces (n, channels)."""
        ...


def open_decoder(name: str) -> Decoder:
    with open(name, "rb") as file:  # a file that cannot be read is told apart from one that cannot be decoded
        head = file.read(64)
    if not head:
        raise DataError("the file is empty; expected sound")
    if b"OpusHead" in head:  # FFmpeg decodes Opus three times as fast
        return AvDecoder(name)
    try:
        return SoundFileDecoder(name)
    except soundfile.LibsndfileError:
        return AvDecoder(name)


class SoundFileDecoder:
    """By libsndfile: wav, aiff, flac, ogg, mp3; what it refuses is a ``LibsndfileError``."""

    def __init__(self, name: str) -> None:
        with soundfile.SoundFile(name) as file:
            self.rate, self.channels = int(file.samplerate), int(file.channels)
            self.seconds = file.frames / max(self.rate, 1)
            self.bits = BITS.get(file.subtype)
        self.name = name
        self.errors = 0

    def blocks(self, start: float, length: float) -> Iterator[Floats]:
        """Seek, then read."""
        with soundfile.SoundFile(self.name) as file:
            left = round(length * self.rate)
            file.seek(min(round(start * self.rate), file.frames))
            while left > 0:
                block = file.read(min(left, max(BLOCK // self.channels, 1)), dtype="float32", always_2d=True)
                if not len(block):
                    return
                left -= len(block)
                yield block


class AvDecoder:
    """By FFmpeg: m4a, opus, and what libsndfile refuses."""

    def __init__(self, name: str) -> None:
        self.name, self.errors = name, 0
        with self._container() as container:
            if not container.streams.audio:
                raise DataError("it holds no sound stream that can be decoded")
            stream = container.streams.audio[0]
            self.rate, self.channels = int(stream.rate or 0), int(stream.channels or 0)
            self.bits: int | None = None
            self.seconds = _seconds(container, stream)
        if not self.rate:
            raise DataError(UNKNOWN)

    def _container(self) -> Any:
        try:
            import av
        except ImportError as error:
            raise MissingExtra("av", "audio") from error
        av.logging.set_level(None)
        try:
            return av.open(self.name, options={"format_whitelist": FORMATS, "protocol_whitelist": "file"})
        except (av.error.FFmpegError, ValueError, ArithmeticError) as error:
            raise DataError(UNKNOWN) from error

    def blocks(self, start: float, length: float) -> Iterator[Floats]:
        """Seek to just before, decode, and cut by time stamps; some frames at a time, for speed."""
        held: list[Floats] = []
        for part in self._parts(start, start + length):
            held.append(part)
            if sum(map(len, held)) * self.channels >= BLOCK // 8:
                yield np.concatenate(held)
                held = []
        if held:
            yield np.concatenate(held)

    def _parts(self, start: float, end: float) -> Iterator[Floats]:
        """What of each frame lies between two times in seconds."""
        with self._container() as container:
            stream = container.streams.audio[0]
            if start > 0:
                self._seek(container, start)
            now = 0.0
            for frame in self._frames(container, stream):
                now = float(frame.time) if frame.time is not None else now
                if now >= end:
                    return
                block = _samples(frame)
                first, last = (round((edge - now) * self.rate) for edge in (start, end))
                now += len(block) / self.rate
                if last > 0 and first < len(block) and block.shape[1] == self.channels:
                    yield block[max(first, 0) : last]

    def _seek(self, container: Any, start: float) -> None:
        import av

        try:
            container.seek(int(max(start - 0.2, 0) * 1_000_000))
        except av.error.FFmpegError:
            self.errors += 1

    def _frames(self, container: Any, stream: Any) -> Iterator[Any]:
        """Frames that fit the stream; packets that cannot be decoded are counted and skipped."""
        import av

        try:
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self.errors += 1
                    continue
                yield from (frame for frame in frames if frame.sample_rate == self.rate)
        except av.error.FFmpegError:
            self.errors += 1


def _seconds(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / 1_000_000


def _samples(frame: Any) -> Floats:
    """Samples of a frame, float32 (n, channels), full scale ±1."""
    values = frame.to_ndarray()
    table = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    if values.dtype.kind == "f":
        return np.asarray(table, np.float32)
    half = float(2 ** (8 * values.dtype.itemsize - 1))
    centre = half if values.dtype.kind == "u" else 0.0
    return ((table.astype(np.float64) - centre) / half).astype(np.float32)
