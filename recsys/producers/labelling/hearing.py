"""A sound file in, what arms learn from out: named descriptors and log-mel windows, kept by the hash of the sound.

Runs in the workers of ``recsys.audio``, so that a broken file fails alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.audio.analyse import Analysis, analyse, analyser
from recsys.audio.decode import windows
from recsys.audio.ids import identify
from recsys.audio.sound import RATE, Sound
from recsys.audio.spectra import magnitude_spectrum, mel_filters
from recsys.errors import DataError

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
VERSION = 2
WINDOWS, SECONDS = 3, 30.0  # stretches of a file that are heard, as in ``analyze``
MEL = {"n_fft": 2048, "hop": 512, "bands": 64, "low": 30.0, "high": 11025.0, "floor": 1e-4}
FRAMES = 160  # of one log-mel window, 3.7 s
MOST = 12  # log-mel windows of a file
QUIET = 1e-4  # of full scale: a file with nothing louder is silent
IDENTITY = ("fingerprint",)  # what names a recording and says nothing about its kind
# modules that describe further: ``VERSION``, ``describe(sounds) -> {name: float32 (d,)}``
DESCRIBERS: tuple[str, ...] = ("recsys.producers.labelling.patterns",)


class Heard(NamedTuple):
    """What is known of one file: mel float16 (w, 160, 64), and named descriptors float32 (d,), NaN where unknown."""

    mel: Halves
    names: tuple[str, ...]
    descriptors: Floats


def front() -> str:
    """Twelve hex digits that change when anything does that the numbers depend on."""
    versions = {name: import_module(name).VERSION for name in DESCRIBERS}
    facts = [VERSION, analyser(WINDOWS, SECONDS), MEL, FRAMES, MOST, versions]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def hear(path: str, *, folder: str) -> str:
    """Hear a file unless ``folder`` knows its sound; the hash of its sound.

    Raises:
        DataError: nothing in it can be decoded, or it is silent.
        OSError: it cannot be read.
    """
    digest = identify(path).digest
    place = kept(folder, digest)
    if not place.exists():
        _save(place, listen(path))
    return digest


def kept(folder: str | os.PathLike[str], digest: str) -> Path:
    """Where a folder keeps what was heard of a sound."""
    return Path(folder) / front() / digest[:2] / f"{digest}.npz"


def listen(path: str) -> Heard:
    """Decode a file and describe it."""
    sounds = windows(path, count=WINDOWS, seconds=SECONDS)
    if not any(np.abs(sound.samples).max(initial=0) > QUIET for sound in sounds):
        raise DataError("there is nothing to hear in it: it is silent")
    named = _named(analyse(path, windows=WINDOWS, seconds=SECONDS))
    for module in DESCRIBERS:
        prefix = module.rpartition(".")[2]
        named |= {f"{prefix}:{name}": vector for name, vector in import_module(module).describe(sounds).items()}
    names = tuple(
        f"{name}:{i}" if len(vector) > 1 else name for name, vector in named.items() for i in range(len(vector))
    )
    return Heard(mel_windows(sounds), names, np.concatenate(list(named.values())).astype(np.float32))


def mel_windows(sounds: Sequence[Sound]) -> Halves:
    """At most 12 windows spread over the sounds, float16 (w, 160, 64): natural log of the power in mel bands.

    Silence fills up what is shorter than one window.

    >>> mel_windows([Sound(np.ones(22050, np.float32))]).shape, mel_windows([Sound(np.ones(440000, np.float32))]).shape
    ((1, 160, 64), (5, 160, 64))
    """
    share = max(1, MOST // len(sounds))
    pieces = [piece for sound in sounds for piece in _pieces(log_mel(sound.samples), share)]
    return np.stack(pieces[:MOST]).astype(np.float16)


def log_mel(samples: Floats) -> Floats:
    """Natural log of the power in mel bands, float32 (frames, 64)."""
    size, bands, low, high = int(MEL["n_fft"]), int(MEL["bands"]), float(MEL["low"]), float(MEL["high"])
    power = np.square(magnitude_spectrum(samples, size, int(MEL["hop"]))) @ mel_filters(RATE, size, bands, low, high)
    return np.log(np.maximum(power, np.float32(MEL["floor"])))


def _pieces(mel: Floats, most: int) -> list[Floats]:
    """Windows of equal length spread over the frames."""
    if len(mel) < FRAMES:
        padding = ((0, FRAMES - len(mel)), (0, 0))
        return [np.pad(mel, padding, constant_values=np.log(np.float32(MEL["floor"])))]
    count = min(most, len(mel) // FRAMES)
    starts = np.linspace(0, len(mel) - FRAMES, count + 2 if count == 1 else count).astype(int)
    starts = starts[1:2] if count == 1 else starts
    return [mel[start : start + FRAMES] for start in starts]


def _named(analysis: Analysis) -> dict[str, Floats]:
    """Traits, vectors of blocks and further vectors, by name."""
    traits = {f"trait:{name}": np.array([value], np.float32) for name, value in analysis.traits.items()}
    extra = {f"extra:{name}": vector for name, vector in analysis.extra.items() if name not in IDENTITY}
    return {**traits, **analysis.blocks, **extra}


def _save(place: Path, heard: Heard) -> None:
    buffer = BytesIO()
    np.savez(buffer, mel=heard.mel, names=np.array(heard.names), descriptors=heard.descriptors)
    manifest.write_bytes(place, buffer.getvalue())
