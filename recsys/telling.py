"""A sound file or a track id in, everything known about it out: from the file, the features and the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.audio.alone import IDENTIFY, alone
from recsys.audio.describe import describe_track, headline
from recsys.audio.outside import known_as
from recsys.audio.space import NAME as SOUND
from recsys.errors import DataError, MissingExtra
from recsys.tables import predicted
from recsys.tables.predicted import is_predicted

if TYPE_CHECKING:
    from recsys.audio.store import Features
    from recsys.engine import Engine

Facts = dict[str, Any]
DESCRIBE = "recsys.audio.describe:describe_file"
DRAW = "recsys.audio.picture:draw_file"


def tell(
    what: str, *, features: Features | None, engine: Engine | None, options: Mapping[str, Any] | None = None
) -> Facts:
    """The facts of ``recsys.audio.describe``; of a track of a bundle, or its file, also ``listeners``, ``catalogue``
    and, where producers predicted any, ``labels``.

    Args:
        what: a file, an id of the features, or an id of the bundle; the first that fits.
        features: where the sound of tracks is described.
        engine: what is known of tracks besides their sound.
        options: how a file is heard, as in ``recsys.audio.analyse``; a file is heard in a process of its own.

    Raises:
        UnknownId: neither a file nor a known track.
        DataError: not a file, and there is nothing else to look in; or nothing in the file can be decoded.
    """
    if Path(what).is_file():
        heard, listed = _heard(what, options), _recognised(what, engine)
        return {**heard, **_without(listed, heard["traits"])}
    known = [there.tracks for there in (features, engine) if there is not None]
    if not known:
        raise DataError(f"{what} is no file, and there are no features or bundle to look for such a track in")
    if not any(what in tracks for tracks in known):
        known[-1].rows([what])  # raises, and tells which ids are spelt alike
    listed = _listed(engine, what) if engine is not None and what in engine.tracks else {}
    own = features is not None and what in features.tracks
    heard = describe_track(features, what) if features is not None and own else _by_path(listed, features, options)
    return {**heard, **_without(listed, heard.get("traits", {}))}


def draw(told: Mapping[str, Any], out: str | Path) -> None:
    """Draw the sound of what was told.

    Raises:
        DataError: no file of it is there any more.
        MissingExtra: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtra("matplotlib", "notebooks")
    path = next((path for path in told.get("paths", []) if Path(path).is_file()), None)
    if path is None:
        raise DataError(f"no sound file of {told['track']} is there; expected one to draw a picture of")
    name = headline(told.get("tags", {})) or headline(told.get("catalogue", {})) or Path(path).name
    alone(DRAW, path, {"out": str(out), "title": name})


def _recognised(path: str, engine: Engine | None) -> Facts:
    """What a bundle knows of the track that a file is; nothing when it is none."""
    if engine is None or not (engine.folder / SOUND).is_dir():
        return {}
    row = known_as(alone(IDENTIFY, path), engine.folder / SOUND, engine.catalogue)
    return _listed(engine, str(engine.tracks.at(row)), row) if row >= 0 else {}


def _listed(engine: Engine, what: str, row: int | None = None) -> Facts:
    """What a bundle knows of a track."""
    row = int(engine.tracks.rows([what])[0]) if row is None else row
    frame = engine.catalogue.frame
    known = {n: _plain(value) for n, value in frame.iloc[row].items() if not is_predicted(str(n), frame)}
    catalogue = {name: value for name, value in known.items() if value is not None}
    labels = predicted.told(frame, row)
    facts = {"track": str(what), "catalogue": catalogue, "listeners": int(engine.listeners[row])}
    return {**facts, "labels": labels} if labels else facts


def _without(listed: Facts, traits: Mapping[str, Any]) -> Facts:
    """A catalogue without what is told of the sound anyway."""
    told = {*traits, *(("tempo", "camelot") if traits else ())}
    kept = {name: value for name, value in listed.get("catalogue", {}).items() if name not in told}
    return {**listed, "catalogue": kept} if listed else {}


def _by_path(listed: Facts, features: Features | None, options: Mapping[str, Any] | None) -> Facts:
    """The sound of a track of the bundle whose catalogue names its file."""
    path = listed.get("catalogue", {}).get("path")
    if features is not None and path is not None:
        fits = features.catalogue.index[features.catalogue["paths"].map(lambda paths: path in paths)]
        if len(fits):
            return describe_track(features, str(fits[0]))
    return _heard(path, options) if path is not None and Path(path).is_file() else {}


def _heard(path: str, options: Mapping[str, Any] | None) -> Facts:
    told: Facts = alone(DESCRIBE, path, options)
    return told


def _plain(value: Any) -> Any:
    """A value of a catalogue as JSON knows it; None when unknown or empty."""
    if isinstance(value, list | tuple | np.ndarray):
        return [str(item) for item in value] or None
    if value is None or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value if isinstance(value, int | float) else str(value)
