"""A sound file in, all that is known about its sound out: windows described one by one and merged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.audio import checks
from recsys.audio.decode import Reading, read
from recsys.audio.described import Described, mean_of
from recsys.audio.prepare import levelled, trimmed
from recsys.audio.sound import Sound
from recsys.audio.spectra import Spectra, front_end_hash
from recsys.audio.traits import derive

Floats = NDArray[np.float32]
DESCRIPTORS = ("rhythm", "tonal", "timbre", "dynamics", "fingerprint")
AS_IS = ("dynamics",)  # what describes the sound before it is trimmed or levelled
VERSION = 1  # of decoding and merging; each descriptor module has its own


@dataclass(frozen=True)
class Analysis:
    """One file in numbers.

    Attributes:
        traits: named numbers; NaN is unknown. Definitions are in ``recsys.audio.traits``.
        blocks: one vector (d,) per descriptor for the content space; none for a silent file.
        extra: further named vectors, such as the mean chroma.
        events: names to rising times in seconds from the start of the file, inside its windows.
        flags: names from ``recsys.audio.checks.FLAGS``.
        seconds: length of the file as its decoder tells it.
    """

    traits: dict[str, float]
    blocks: dict[str, Floats]
    extra: dict[str, Floats]
    events: dict[str, Floats]
    flags: list[str]
    seconds: float


def analyse(
    path: str,
    *,
    windows: int = 3,
    seconds: float = 30.0,
    trim: bool = False,
    loudness: float | None = None,
    declared: float | None = None,
) -> Analysis:
    """Decode windows of a file, describe each, and merge.

    Args:
        windows: how many, spread over the file.
        seconds: longest length of one.
        trim: cut silence off the head and the tail before anything but dynamics is described.
        loudness: LUFS to which the sound is brought before anything but dynamics is described.
        declared: length of the file by its header, to be checked against what is there.

    Raises:
        DataError: nothing in it can be decoded.
        OSError: it cannot be read.
    """
    reading = read(path, count=windows, seconds=seconds)
    prepared = trimmed(reading.sounds) if trim else reading.sounds
    prepared = prepared if loudness is None else levelled(prepared, loudness)
    described = _describe(reading.sounds, prepared)
    merged = {name: _merge(name, parts) for name, parts in described.items()}
    traits = _honest({name: value for part in merged.values() for name, value in part.values.items()}, reading)
    return Analysis(
        traits={name: float(value) for name, value in {**traits, **derive(traits)}.items()},
        blocks={name: part.vector for name, part in merged.items() if part.vector is not None},
        extra={name: vector for part in merged.values() for name, vector in part.extra.items()},
        events=_events(described, prepared),
        flags=checks.of_sound(reading, declared),
        seconds=reading.seconds or sum(sound.seconds for sound in reading.sounds),
    )


def analyser(windows: int = 3, seconds: float = 30.0, *, trim: bool = False, loudness: float | None = None) -> str:
    """Twelve hex digits that change when anything does that values depend on, such as the options of ``analyse``."""
    versions = {name: getattr(module, "VERSION", 1) for name, module in modules().items()}
    facts = [VERSION, front_end_hash(), versions, int(windows), float(seconds), bool(trim), loudness]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def modules() -> Mapping[str, ModuleType]:
    """The descriptor modules by name: each has ``describe(spectra)``, and ``merge(windows)`` if a mean will not do."""
    return {name: import_module(f"recsys.audio.{name}") for name in DESCRIPTORS}


def _describe(sounds: Sequence[Sound], prepared: Sequence[Sound]) -> dict[str, list[Described]]:
    """What each descriptor says of each window; only one window's spectra are in memory at a time."""
    found: dict[str, list[Described]] = {name: [] for name in DESCRIPTORS}
    for sound, ready in zip(sounds, prepared, strict=True):
        whole = Spectra(sound)
        spectra = whole if ready is sound else Spectra(ready)
        for name, module in modules().items():
            found[name].append(module.describe(whole if name in AS_IS else spectra))
    return found


def _merge(name: str, parts: Sequence[Described]) -> Described:
    merge: Any = getattr(modules()[name], "merge", by_confidence)
    return merge(parts)


def by_confidence(windows: Sequence[Described]) -> Described:
    """Windows as one: of each value the weighted median, which is the value of one window; the mean of the vectors.

    Weights are the windows' ``…_confidence``; so tempo, half and double of it come from the same window. The
    confidence itself is a mean.

    >>> parts = [Described({"tempo": t, "tempo_confidence": c}) for t, c in [(60.0, 0.3), (120.0, 0.9), (121.0, 0.8)]]
    >>> by_confidence(parts).values["tempo"]
    120.0
    """
    whole = mean_of(windows)
    sure = [next((v for n, v in w.values.items() if n.endswith("_confidence")), 1.0) for w in windows]
    weights = np.nan_to_num(np.array(sure))
    columns = {name: np.array([w.values.get(name, np.nan) for w in windows]) for name in whole.values}
    values = {n: whole.values[n] if n.endswith("_confidence") else _middle(v, weights) for n, v in columns.items()}
    return Described(values, whole.vector, extra=whole.extra)


def _middle(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Lower weighted median of what is known; NaN when nothing is."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return float("nan")
    order = known[np.argsort(values[known], kind="stable")]
    reach = np.cumsum(np.maximum(weights[order], 1e-9))
    return float(values[order[np.searchsorted(reach, reach[-1] / 2)]])


def _events(described: Mapping[str, Sequence[Described]], sounds: Sequence[Sound]) -> dict[str, Floats]:
    """Times of all windows, counted from the start of the file."""
    times: dict[str, list[Floats]] = {}
    for parts in described.values():
        for sound, part in zip(sounds, parts, strict=True):
            for name, found in part.events.items():
                times.setdefault(name, []).append(found + np.float32(sound.start))
    return {name: np.concatenate(found).astype(np.float32) for name, found in times.items()}


def _honest(traits: dict[str, float], reading: Reading) -> dict[str, float]:
    """Silence at head and tail is unknown when the windows do not reach the ends."""
    first, last = reading.sounds[0], reading.sounds[-1]
    if first.start > 0:
        traits["silence_head"] = np.nan
    if last.start + last.seconds < reading.seconds - 0.1:
        traits["silence_tail"] = np.nan
    return traits
