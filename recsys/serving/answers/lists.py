"""A recipe in, playlists with their reasons and what gave way out; tracks in, a playlist file out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from recsys.errors import DataError
from recsys.listing.make import Listing, make
from recsys.playlists.formats import write_playlist
from recsys.playlists.kinds import Recipe
from recsys.playlists.recipes import parse_recipe
from recsys.serving import questions
from recsys.serving.answers.similar import listed
from recsys.serving.answers.stand import Stand
from recsys.serving.questions import Export

ONE = ("start", "end")  # keys of a recipe that name a track
MANY = ("seeds", "unlike", "tracks", "include")  # and those that name several
NO_FILES = ("file", "format", "household", "every")  # keys that make no sense here
WHOLE = ("library-map",)  # kinds that would list everything
TYPES = {
    "m3u8": "audio/x-mpegurl; charset=utf-8",
    "xspf": "application/xspf+xml",
    "jspf": "application/json",
    "csv": "text/csv; charset=utf-8",
}


def playlists(stand: Stand, asked: Mapping[str, Any], *, now: float) -> dict[str, Any]:
    """The lists of a recipe, as of ``now`` in Unix seconds; see ``schemas.Playlists``.

    Raises:
        UnknownId: a track, artist or listener that is not known.
        DataError: a recipe that can't be read, or data that this kind needs is not there.
    """
    recipe = recipe_of(stand, asked)
    desk = stand.desk.at(now)
    for user in recipe.listeners:
        stand.user(str(user))
    who = desk.listener(*recipe.listeners) if recipe.listeners else None
    made = make(desk, "list", recipe, who, seed=recipe.seed)
    return {"kind": asked["kind"], "lists": [told(stand, one) for one in made], "bundle": stand.version}


def recipe_of(stand: Stand, asked: Mapping[str, Any]) -> Recipe:
    """A recipe whose tracks are all known, so that no word of it is ever taken for a file."""
    words = {name: value for name, value in asked.items() if value not in (None, [])}
    for name in NO_FILES:
        if name in words:
            raise DataError(f"recipe: {name} can't be said here")
    for name in ("only", "without"):
        if isinstance(words.get(name), Mapping) and "playlists" in words[name]:
            raise DataError(f"recipe: {name}.playlists can't be said here; name the tracks")
    for name in (*ONE, *MANY):
        value = words.get(name)
        for track in value if isinstance(value, list) else [] if value is None else [value]:
            stand.row(str(track))
    if isinstance(words.get("title"), str):
        words["title"] = words["title"].replace("{", "{{").replace("}", "}}")
    if words["kind"] in WHOLE:
        words.setdefault("n", 50)
    recipe = parse_recipe(words)
    if (recipe.n or 0) > questions.MOST or (recipe.minutes or 0) > questions.MINUTES:
        raise DataError(f"a list of {recipe.n or recipe.minutes}; expected at most {questions.MOST} tracks or one day")
    return recipe


def told(stand: Stand, made: Listing) -> dict[str, Any]:
    """A list with its reasons and report."""
    report = made.report.json()
    relaxed, notes = report.pop("relaxed", []), report.pop("notes", [])
    report.pop("title", None)
    why = [reason.split("; ") for reason in made.reasons]
    scores = [float(score) for score in made.made.scores]
    items = listed(stand.shelf, made.made.rows.tolist(), scores, why)
    return {"title": made.title, "items": items, "relaxed": relaxed, "notes": notes, "report": report}


def path(stand: Stand, start: str, end: str, n: int, *, by: str = "hybrid", now: float) -> dict[str, Any]:
    """Tracks from one to another; the score is how far along each is; see ``schemas.Way``."""
    said = {"kind": "path", "start": start, "end": end, "n": n, "by": by}
    made = make(stand.desk.at(now), "path", recipe_of(stand, said))[0]
    along = [float(reason.partition("%")[0]) / 100 for reason in made.reasons]
    items = listed(stand.shelf, made.made.rows.tolist(), along, [[reason] for reason in made.reasons])
    notes = [*made.report.relaxed, *made.report.notes]
    return {"items": items, "notes": notes, "bundle": stand.version}


def exported(stand: Stand, asked: Export) -> bytes:
    """A playlist file whose paths begin at the library's folder; tracks without a file have their id."""
    rows = stand.rows(asked.tracks)
    with TemporaryDirectory(prefix="recsys-") as folder:
        file = Path(folder) / f"list.{asked.format}"
        entries = [replace(stand.engine.entry(int(row)), path=_within(stand, int(row))) for row in rows]
        write_playlist(file, entries, title=asked.title, root=Path(folder))
        return file.read_bytes()


def _within(stand: Stand, row: int) -> str | None:
    found = stand.shelf.file(row)
    homes = [home for home in stand.shelf.library.folders if found and str(found).startswith(home + os.sep)]
    return os.path.relpath(found, homes[0]) if found and homes else None
