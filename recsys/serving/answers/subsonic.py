"""Songs like a song, by the words and shapes of OpenSubsonic (https://opensubsonic.netlify.app)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import numpy as np

from recsys import __version__
from recsys.audio.space import NAME as SOUND
from recsys.errors import DataError, UnknownId
from recsys.nearby import Seeds
from recsys.serving.answers import lists
from recsys.serving.answers.similar import OF_ARTIST, Near, neighbours, weights
from recsys.serving.answers.stand import Stand

VERSION, NAMESPACE = "1.16.1", "http://subsonic.org/restapi"
ARTIST = "artist:"  # begins the id of an artist
GENERIC, MISSING, WRONG_KEY, NOT_FOUND = 0, 10, 44, 70
UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
Plain = dict[str, Any]


def ok(**content: Any) -> Plain:
    """An answer."""
    own = {"status": "ok", "version": VERSION, "type": "recsys", "serverVersion": __version__, "openSubsonic": True}
    return {**own, **content}


def failed(code: int, message: str) -> Plain:
    """An answer that says what went wrong."""
    return {**ok(), "status": "failed", "error": {"code": code, "message": message}}


def as_xml(answer: Plain) -> bytes:
    """An answer as XML: plain values are attributes, the rest elements.

    >>> as_xml({"status": "ok", "song": [{"id": "a<b"}]}).split(b"?>")[1]
    b'<subsonic-response xmlns="http://subsonic.org/restapi" status="ok"><song id="a&lt;b" /></subsonic-response>'
    """
    root = ElementTree.Element("subsonic-response", {"xmlns": NAMESPACE})
    _fill(root, answer)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root, "utf-8").replace(b"\n", b"&#10;")


def _fill(element: ElementTree.Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        if isinstance(value, Mapping | list):
            for one in value if isinstance(value, list) else [value]:
                child = ElementTree.SubElement(element, name)
                _fill(child, one) if isinstance(one, Mapping) else setattr(child, "text", UNSAFE.sub(" ", str(one)))
        elif value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            element.set(name, UNSAFE.sub(" ", text))


def similar_songs(stand: Stand, track: str, count: int) -> list[Plain]:
    """Songs like a song, or like those of an artist and not by that artist; the blend is that of the settings."""
    blend = weights(stand, None, None)
    if track.startswith(ARTIST):
        mine = stand.shelf.artist_rows(track.removeprefix(ARTIST))
        if not len(mine):
            raise UnknownId("artist", track)
        best = mine[np.argsort(-stand.engine.listeners[mine], kind="stable")[:OF_ARTIST]]
        seeds = Seeds(track, best, same=mine)
    else:
        seeds = Seeds.track(stand.row(track))
    near, _ = neighbours(stand, seeds, blend, Near(track, count))
    return [child(stand, row) for row in near.rows.tolist()]


def sonic_matches(stand: Stand, track: str, count: int) -> list[Plain]:
    """Songs that sound like a song, each with its likeness from 0 to 1; by the blend where the bundle has no sound."""
    near, _ = neighbours(stand, Seeds.track(stand.row(track)), _sonic(stand), Near(track, count))
    return _matches(stand, near.rows.tolist(), near.scores.tolist())


def sonic_path(stand: Stand, start: str, end: str, count: int, *, now: float) -> list[Plain]:
    """Songs that lead from one to another, both included; the likeness is that to the first."""
    first, blend = stand.row(start), _sonic(stand)
    by = "sound" if SOUND in blend else "hybrid"
    if stand.row(end) == first:
        return _matches(stand, [first], [1.0])
    way = lists.path(stand, start, end, max(2, count), by=by, now=now)
    rows = stand.rows([item["track"]["id"] for item in way["items"]])
    index = stand.engine.index
    near = sum(w * (index.vectors(b, rows) @ index.vectors(b, [first])[0]) for b, w in blend.items())
    return _matches(stand, rows.tolist(), np.asarray(near).tolist())


def _sonic(stand: Stand) -> dict[str, float]:
    if not (stand.engine.folder / "index").is_dir():
        raise DataError("this bundle has no track vectors")
    return {SOUND: 1.0} if SOUND in stand.engine.index.blocks else weights(stand, None, None)


def _matches(stand: Stand, rows: list[int], cosines: list[float]) -> list[Plain]:
    """Songs with a likeness: 1 the same, 0 as different as can be."""
    likenesses = [round(min(1.0, max(0.0, (1 + cosine) / 2)), 6) for cosine in cosines]
    return [
        {"entry": child(stand, row), "similarity": likeness} for row, likeness in zip(rows, likenesses, strict=True)
    ]


def child(stand: Stand, row: int) -> Plain:
    """A song as Subsonic tells of it; what is unknown is left out."""
    card = stand.shelf.card(row)
    told = {name: card[name] for name in ("title", "album", "artist")}
    told["title"] = told["title"] or card["id"]
    made = {"id": card["id"], "isDir": False, "isVideo": False, "type": "music", "mediaType": "song", **told}
    made["artistId"] = f"{ARTIST}{card['artist']}" if card["artist"] else None
    made["duration"] = None if card["duration"] is None else round(card["duration"])
    made["genre"] = card["genre"][0] if card["genre"] else None
    made["genres"] = [{"name": name} for name in card["genre"]]
    made["explicitStatus"] = {True: "explicit", False: "clean", None: None}[card["explicit"]]
    return {name: value for name, value in made.items() if value is not None}
