"""Sound files made by code: whole ones in every format, and broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]
CODECS = {".mp3": "libmp3lame", ".m4a": "aac", ".opus": "libopus", ".ogg": "soundfile", ".flac": "soundfile"}


def sweep(seconds: float, rate: int = 22050, channels: int = 1) -> Samples:
    """A tone that rises from 300 Hz by 20 Hz a second, so that its pitch tells the time; (n, channels)."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (300 * time + 10 * time**2))
    return np.repeat(tone[:, None], channels, axis=1).astype(np.float32)


def noise(seconds: float, rate: int = 22050, channels: int = 1, seed: int = 0) -> Samples:
    """Pulses of noise, two a second; (n, channels)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.5 * rng.uniform(-1, 1, (len(time), channels)) * np.exp(-8 * (time % 0.5))[:, None]
    return sound.astype(np.float32)


def save(path: Path, samples: Samples, rate: int = 22050, **options: Any) -> Path:
    """Write samples in the format of the suffix."""
    if path.suffix in (".mp3", ".m4a", ".opus"):
        _encode(path, samples, 48000 if path.suffix == ".opus" else rate, **options)
    else:
        soundfile.write(path, samples, rate, **options)
    return path


def _encode(path: Path, samples: Samples, rate: int, **metadata: str) -> None:
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        stream = container.add_stream(CODECS[path.suffix], rate=rate)
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        stream.layout = layout
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout=layout, rate=rate)
        for start in range(0, len(samples), rate):
            block = np.ascontiguousarray(samples[start : start + rate].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))


def retag_m4a(source: Path, target: Path, title: str) -> Path:
    """The same packets under another title."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        new.metadata["title"] = title
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(old.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """An ID3v2.4 tag of (name, content) frames."""
    body = b"".join(name + _syncsafe(len(content)) + b"\0\0" + content for name, content in frames)
    return b"ID3\x04\0\0" + _syncsafe(len(body)) + body


def text(value: str) -> bytes:
    """The content of a text frame."""
    return b"\x03" + value.encode()


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def cut(path: Path, share: float) -> Path:
    """Keep only the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def corrupt(path: Path, count: int = 6000, seed: int = 0) -> Path:
    """Overwrite bytes in the middle of a file with random ones."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + count] = np.random.default_rng(seed).bytes(count)
    path.write_bytes(data)
    return path
