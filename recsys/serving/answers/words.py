"""Words, or a sound file, in; the tracks that they mean out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recsys.audio.space import NAME as SOUND
from recsys.errors import DataError
from recsys.nearby import Seeds
from recsys.producers.text import search as text_search
from recsys.producers.text.reasons import reasons
from recsys.serving.answers.similar import Near, items, listed, neighbours
from recsys.serving.answers.stand import Stand

SAME = "this is the sound that was sent"


def found(stand: Stand, q: str, n: int, offset: int, where: str | None, mood: str | None = None) -> dict[str, Any]:
    """A page of what words mean; see ``schemas.Found``.

    Raises:
        DataError: a filter that can't be read, or a bundle of an older version.
    """
    engine, end = stand.engine, offset + n
    made = text_search.search(engine.text, q, end + 1, listeners=engine.listeners, allow=stand.allow(where, mood))
    more = len(made.rows) > end
    why = [[part for part in reason.split("; ") if part] for reason in reasons(engine.text, engine.catalogue, made)]
    page = slice(offset, end)
    return {
        "query": q,
        "unknown": list(made.asked.unknown),
        "items": listed(stand.shelf, made.rows[page].tolist(), made.scores[page].tolist(), why[page]),
        "next": end if more else None,
        "bundle": stand.version,
    }


def heard(stand: Stand, file: Path, n: int, offset: int, *, seconds: float) -> dict[str, Any]:
    """A page of what a sound file is, or is like; it is heard in a process of its own, for so long at most.

    Raises:
        DataError: the bundle knows no sound, or the file can't be heard.
    """
    engine = stand.engine
    if not (engine.folder / SOUND).is_dir() or SOUND not in engine.index.blocks:
        raise DataError("this bundle knows no sound; expected one made with: recsys ingest --features FEATURES")
    from recsys.audio.outside import hear

    try:
        sound = hear(file, engine.folder / SOUND, engine.catalogue, seconds=seconds)
    except DataError as error:
        raise DataError(str(error).replace(str(file), "the sound")) from error
    likes = np.array([sound.row] if sound.row >= 0 else [], np.int32)
    vectors = [] if sound.vector is None else [sound.vector]
    seeds = Seeds("sound", likes, heard=vectors, artists=[sound.artist], same=sound.same)
    known = sound.row >= 0
    ask = Near("", n - (known and not offset), max(0, offset - known))  # a sound that is a track stands first itself
    near, more = neighbours(stand, seeds, {SOUND: 1.0}, ask)
    made = items(stand, seeds, near, {SOUND: 1.0})
    if known and not offset:
        made = [*listed(stand.shelf, [sound.row], [1.0], [[SAME]]), *made]
    following = None if more is None else offset + n
    return {"query": "sound", "unknown": [], "items": made, "next": following, "bundle": stand.version}
