"""A sound file, or a track of a folder of features, in; everything known about it in words and numbers out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.audio.analyse import analyse
from recsys.audio.checks import FLAGS
from recsys.audio.ids import identify, track_id
from recsys.audio.tonal import camelot, key_name
from recsys.audio.traits import TRAITS

if TYPE_CHECKING:
    from recsys.audio.store import Features

Floats = NDArray[np.float32]
TAGS = ("title", "artist", "album", "year", "genre", "isrc", "mbid")
KEYS_TOLD = 3
LEAST = 0.01  # probability under which a key is not told
LIKELY = 0.05  # chance under which a label is not told, except as JSON
LABELS_TOLD = 5


def describe_file(path: str | Path, **options: Any) -> dict[str, Any]:
    """Everything about a sound file, analysed now; see ``facts`` for what is in it.

    Args:
        path: the file.
        options: windows, seconds, trim and loudness, as in ``recsys.audio.analyse.analyse``.

    Raises:
        DataError: empty, or nothing in it can be decoded.
        OSError: it cannot be read.
    """
    path = os.path.abspath(path)
    identity = identify(path)
    heard = analyse(path, declared=identity.tags.duration, **options)
    tags = {name: getattr(identity.tags, name) for name in TAGS}
    return facts(
        track=track_id(identity.tags.mbid, identity.tags.isrc, identity.digest),
        paths=[path],
        tags=tags,
        seconds=heard.seconds,
        flags=sorted({*identity.flags, *heard.flags}),
        traits=heard.traits,
        posterior=heard.extra.get("key_posterior"),
        events=heard.events,
    )


def describe_track(features: Features, track: str) -> dict[str, Any]:
    """Everything about a track of a folder of features; see ``facts`` for what is in it.

    Raises:
        UnknownId: no such track.
    """
    row = int(features.tracks.rows([track])[0])
    known = features.catalogue.iloc[row]
    keys = features.extra.get("key_posterior")
    return facts(
        track=str(track),
        paths=list(known["paths"]),
        tags={name: known[name] for name in TAGS},
        seconds=float(known["duration"]),
        flags=list(known["flags"]),
        traits=features.traits.iloc[row].to_dict(),
        posterior=keys.vectors[row] if keys is not None and keys.known[row] else None,
        events=features.events(str(track)),
    )


def facts(
    *,
    track: str,
    paths: Sequence[str],
    tags: Mapping[str, Any],
    seconds: float,
    flags: Sequence[str],
    traits: Mapping[str, float],
    posterior: Floats | None,
    events: Mapping[str, Floats],
) -> dict[str, Any]:
    """What people and programs are told, ready for JSON; what is unknown is None.

    Returns:
        ``track``, ``paths``, ``tags``, ``seconds``, ``flags`` (meaning by name), ``key`` (name, camelot, probability,
        alternatives), ``tempo`` (bpm, confidence, alternatives), ``events`` (counts by name), ``traits`` (value, unit,
        definition, caution by name).
    """
    return {
        "track": track,
        "paths": list(paths),
        "tags": {name: _plain(value) for name, value in tags.items()},
        "seconds": _number(seconds),
        "flags": {flag: FLAGS.get(flag, "") for flag in flags},
        "key": _key(traits.get("key"), posterior),
        "tempo": _tempo(traits),
        "events": {name: len(times) for name, times in events.items()},
        "traits": {name: _trait(name, traits[name]) for name in (*_defined(traits), *_others(traits))},
    }


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The facts, and what a bundle adds to them, as lines of text for a person."""
    yield headline(told.get("tags", {})) or headline(told.get("catalogue", {})) or told["track"]
    yield f"  {'track':<10} {told['track']}"
    if "listeners" in told:
        yield f"  {'listeners':<10} {told['listeners']:,}"
    if "traits" in told:
        yield from _of_sound(told)
    else:
        yield "  its sound is not known"
    if "labels" in told:
        yield ""
        yield from (f"  {name:<17} {label_line(label)}" for name, label in told["labels"].items())
    if "catalogue" in told:
        yield ""
        yield from (f"  {name:<17} {_cell(value)}" for name, value in told["catalogue"].items())


def label_line(label: Mapping[str, Any]) -> str:
    """What was given, or predicted and by whom, in words.

    >>> label_line({"predicted": {"jazz": 0.83, "rock": 0.12, "pop": 0.004}, "by": "library@1"})
    'jazz 83 %, rock 12 % (predicted by library@1)'
    """
    if "given" in label:
        return f"{', '.join(map(str, label['given']))} (given)"
    said = label["predicted"]
    if isinstance(said, Mapping):
        likely = [f"{name} {100 * chance:.0f} %" for name, chance in said.items() if chance >= LIKELY]
        text = ", ".join(likely[:LABELS_TOLD]) or "nothing likely"
    else:
        text = f"{said:.3g}" + ("" if label.get("sigma") is None else f" ± {label['sigma']:.2g}")
    return f"{text} (predicted by {label['by']})"


def _of_sound(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"  {'file':<10} {path}" for path in told["paths"])
    rows = {"length": _length(told["seconds"]), "genre": _genre(told)}
    rows |= {"key": key_line(told["key"]), "tempo": tempo_line(told["tempo"])}
    rows["heard"] = ", ".join(f"{count:,} {name}" for name, count in told["events"].items())
    yield from (f"  {name:<10} {text or 'unknown'}" for name, text in rows.items())
    yield from (f"  {'flag':<10} {flag}: {meaning}" for flag, meaning in told["flags"].items())
    yield ""
    for name, trait in told["traits"].items():
        value = "unknown" if trait["value"] is None else f"{trait['value']:.4g} {trait['unit']}".strip()
        yield f"  {name:<17} {value:<14} {trait['definition']} {trait['caution']}".rstrip()


def _genre(told: Mapping[str, Any]) -> str:
    """As the file's tags say; else as others gave it or a model says."""
    label = told.get("labels", {}).get("genre")
    return ", ".join(told["tags"].get("genre") or []) or (label_line(label) if label else "")


def headline(tags: Mapping[str, Any]) -> str:
    """ "Title – Artist (Album, year)", or what there is of it.

    >>> headline({"title": "Dawn", "artist": "Ann", "album": None, "year": 1990})
    'Dawn – Ann (1990)'
    """
    name = " – ".join(str(tags[key]) for key in ("title", "artist") if tags.get(key))
    rest = ", ".join(str(tags[key]) for key in ("album", "year") if tags.get(key))
    return f"{name} ({rest})" if name and rest else name or rest


def key_line(key: Mapping[str, Any] | None) -> str:
    """A key and the others it may be, in words.

    >>> key_line({"name": "A minor", "camelot": "8A", "probability": 0.84, "alternatives": []})
    'A minor (8A), 84 %'
    """
    if key is None:
        return ""
    told = [
        f"{k['name']} ({k['camelot']}), {k['probability']:.0%}".replace("%", " %") for k in (key, *key["alternatives"])
    ]
    return "; or ".join(told)


def tempo_line(tempo: Mapping[str, Any] | None) -> str:
    """A tempo and its octaves, in words.

    >>> tempo_line({"bpm": 120.0, "confidence": 0.9, "alternatives": [60.0, 240.0]})
    '120.0 BPM, confidence 0.90; or 60.0, 240.0'
    """
    if tempo is None:
        return ""
    sure = "" if tempo["confidence"] is None else f", confidence {tempo['confidence']:.2f}"
    return f"{tempo['bpm']:.1f} BPM{sure}; or {', '.join(f'{other:.1f}' for other in tempo['alternatives'])}"


def _key(key: float | None, posterior: Floats | None) -> dict[str, Any] | None:
    if key is None or np.isnan(key) or posterior is None:
        return None
    order = [int(k) for k in np.argsort(-posterior, kind="stable")[:KEYS_TOLD]]
    told: list[dict[str, Any]] = [
        {"name": key_name(k), "camelot": camelot(k), "probability": round(float(posterior[k]), 4)} for k in order
    ]
    return {**told[0], "alternatives": [other for other in told[1:] if other["probability"] >= LEAST]}


def _tempo(traits: Mapping[str, float]) -> dict[str, Any] | None:
    bpm = _number(traits.get("tempo_bpm", np.nan))
    if bpm is None:
        return None
    octaves = [_number(traits.get(name, np.nan)) for name in ("tempo_half", "tempo_double")]
    confidence = _number(traits.get("tempo_confidence", np.nan))
    return {"bpm": bpm, "confidence": confidence, "alternatives": [other for other in octaves if other is not None]}


def _defined(traits: Mapping[str, float]) -> list[str]:
    return [name for name in TRAITS if name in traits]


def _others(traits: Mapping[str, float]) -> list[str]:
    return [name for name in traits if name not in TRAITS]


def _trait(name: str, value: float) -> dict[str, Any]:
    trait = TRAITS.get(name)
    if trait is None:
        return {"value": _number(value), "unit": "", "definition": "", "caution": ""}
    return {"value": _number(value), "unit": trait.unit, "definition": trait.definition, "caution": trait.caution}


def _plain(value: Any) -> Any:
    """A tag as JSON knows it; None when unknown."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, list | tuple | np.ndarray):
        return [str(item) for item in value]
    return int(value) if isinstance(value, int | float | np.number) else str(value)


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _length(seconds: float | None) -> str:
    return "" if seconds is None else f"{int(seconds) // 60}:{seconds % 60:04.1f}"
