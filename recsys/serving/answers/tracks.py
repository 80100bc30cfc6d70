"""A track in, everything known about it out; the catalogue page by page."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.audio.traits import TRAITS
from recsys.producers.text import search as text_search
from recsys.serving.answers.stand import Stand
from recsys.tables import predicted

OTHERS = 12  # tracks of each relation
HIDDEN = {"path", "paths"}  # where files lie is nobody's business
RELATIONS = {"same recording": "recording", "same work": "work"}


def known(stand: Stand, track: str) -> dict[str, Any]:
    """Everything known about a track; see ``schemas.Known``.

    Raises:
        UnknownId: a track that is not in the catalogue.
    """
    row = stand.row(track)
    frame = stand.shelf.frame(row)
    apart = {name for target in predicted.targets(frame) for name in predicted.columns_of(frame, target)}
    plain = {name: _plain(frame[name].iloc[0]) for name in map(str, frame) if name not in apart | HIDDEN}
    facts = {name: value for name, value in plain.items() if value is not None}
    traits = {name: facts.pop(name) for name in [*facts] if name in TRAITS}
    return {
        "track": stand.shelf.card(row),
        "facts": facts,
        "traits": {name: _trait(name, value) for name, value in traits.items() if isinstance(value, int | float)},
        "labels": predicted.told(frame, 0),
        "relations": _relations(stand, row),
        "listeners": int(stand.engine.listeners[row]) if stand.engine.histories.nnz else 0,
        "spaces": _spaces(stand, row),
        "bundle": stand.version,
    }


def page(stand: Stand, q: str | None, n: int, offset: int) -> dict[str, Any]:
    """A page of the catalogue, in the order of ids, or of what some words mean; see ``schemas.Listed``."""
    if q:
        found = text_search.search(stand.engine.text, q, len(stand.tracks), listeners=stand.engine.listeners).rows
    else:
        found = np.arange(len(stand.tracks), dtype=np.int32)
    end = offset + n
    return {
        "items": stand.shelf.cards(found[offset:end].tolist()),
        "total": len(found),
        "next": end if len(found) > end else None,
        "bundle": stand.version,
    }


def _trait(name: str, value: float) -> dict[str, Any]:
    trait = TRAITS[name]
    return {"value": round(float(value), 4), "unit": trait.unit, "definition": f"{trait.definition} {trait.caution}"}


def _relations(stand: Stand, row: int) -> dict[str, list[dict[str, Any]]]:
    """Other tracks of the same recording, album and artist."""
    shelf, made = stand.shelf, {}
    for words, column in RELATIONS.items():
        if column in shelf.names:
            made[words] = shelf.where_same(column, row)
    mine = shelf.artist_rows(shelf.card(row)["artist"] or "")
    album = shelf.card(row)["album"]
    made["same album"] = [one for one in mine.tolist() if album and shelf.card(one)["album"] == album]
    made["same artist"] = mine.tolist()
    others = {words: [one for one in rows if one != row][:OTHERS] for words, rows in made.items()}
    return {words: shelf.cards(rows) for words, rows in others.items() if rows}


def _spaces(stand: Stand, row: int) -> list[str]:
    if not (stand.engine.folder / "index").is_dir():
        return []
    index = stand.engine.index
    return [block for block in index.blocks if bool(index.vectors(block, [row]).any())]


def _plain(value: Any) -> Any:
    """A value of a catalogue as JSON knows it; None when unknown or empty."""
    if isinstance(value, list | tuple | np.ndarray):
        return [str(item) for item in value] or None
    if value is None or value != value:
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, int | float) and np.isfinite(value) else str(value)
