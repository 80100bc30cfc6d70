"""The catalogue: search by words and by sound, tracks and their sound files, the map."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

from recsys.errors import DataError
from recsys.serving.answers import map, tracks, words
from recsys.serving.answers.library import TYPES
from recsys.serving.answers.stand import Stand
from recsys.serving.guard import HEAD
from recsys.serving.problems import Refused
from recsys.serving.routes.common import ASKED, Answer, Feeling, Filter, N, Start, TrackId, here, responses, room
from recsys.serving.schemas import Found, Known, Listed, Map

router = APIRouter(tags=["catalogue"])
Words = Annotated[str, Query(min_length=1, max_length=512, description="title, artist, album, genre, tag, mood")]
SomeWords = Annotated[str | None, Query(min_length=1, max_length=512)]
Points = Annotated[int, Query(ge=1, le=5000, description="tracks at most")]
MAPS = 4  # that are remembered
SUFFIXES = {kind: suffix for suffix, kind in reversed(TYPES.items())}
SOUND = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in dict.fromkeys(TYPES.values())}
BODY = {"requestBody": {"required": True, "content": {**SOUND, "application/octet-stream": next(iter(SOUND.values()))}}}
PARTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "the sound file", "content": SOUND},
    206: {"description": "the part that Range asked for", "content": SOUND},
    416: {"description": "there is no such part"},
}


@router.get("/search", response_model=Found, responses=responses(*ASKED), summary="Search by words")
async def search(
    request: Request, q: Words, n: N = 20, offset: Start = 0, where: Filter = None, mood: Feeling = None
) -> Any:
    """Tracks by titles, artists, albums, genres, tags, moods; typing errors are forgiven."""
    return Answer(await room(request).run(words.found, here(request), q, n, offset, where, mood))


@router.post(
    "/search/audio",
    response_model=Found,
    responses=responses(400, 408, 413, 415, 422, tagged=False),
    openapi_extra=BODY,
    summary="Search by sound",
)
async def search_audio(request: Request, n: N = 10, offset: Start = 0) -> Any:
    """The track that a sound file is, or those that sound like it; the file is the body, and is not kept."""
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if kind not in SUFFIXES and kind != "application/octet-stream":
        raise Refused(415, "type", f"a body of type {kind[:60]!r}; expected a sound file, e.g. audio/ogg")
    seconds = request.app.state.options.settings.serve.hear_seconds
    async with request.app.state.hearing:
        with TemporaryDirectory(prefix="recsys-") as folder:
            file = Path(folder) / f"sound{SUFFIXES.get(kind, '')}"
            await _kept(request, file)
            return Answer(await room(request).run(words.heard, here(request), file, n, offset, seconds=seconds))


@router.get("/tracks", response_model=Listed, responses=responses(*ASKED), summary="The catalogue")
async def catalogue(request: Request, q: SomeWords = None, n: N = 50, offset: Start = 0) -> Any:
    """A page of the catalogue, in the order of ids; with ``q`` of what these words find, best first."""
    return Answer(await room(request).run(tracks.page, here(request), q, n, offset))


@router.get(
    "/tracks/{track_id:path}/audio",
    response_class=FileResponse,
    responses={**responses(404, 422), **PARTS},
    summary="The sound of a track",
)
async def audio(request: Request, track_id: TrackId) -> Response:
    """The sound file of a track, whole or in parts (Range); only files of the catalogue inside the library are sent."""
    stand = here(request)
    file = stand.shelf.file(stand.row(track_id))
    if file is None:
        raise Refused(404, "no-sound", f"there is no sound of {track_id!r} here")
    if request.scope.get(HEAD):
        request.scope["method"] = "HEAD"  # the file is not read
    return FileResponse(file, media_type=TYPES[file.suffix.lower()], headers={"Cache-Control": "private, max-age=3600"})


@router.get("/tracks/{track_id:path}", response_model=Known, responses=responses(*ASKED), summary="One track")
async def track(request: Request, track_id: TrackId) -> Any:
    """Everything known about a track: catalogue, traits, labels given and predicted, relations."""
    return Answer(await room(request).run(tracks.known, here(request), track_id))


@router.get("/map", response_model=Map, responses=responses(*ASKED), summary="The map")
async def chart(request: Request, n: Points = 2000) -> Any:
    """Tracks in two dimensions, like beside like; of a large catalogue a sample, the most heard among it."""
    stand, maps = here(request), request.app.state.maps
    async with request.app.state.drawing:
        made = maps.get((stand.version, n))
        if made is None:
            made = maps[stand.version, n] = await room(request).run(_charted, stand, n)
            while len(maps) > MAPS:
                maps.popitem(last=False)
    return Response(made, media_type="application/json")


def _charted(stand: Stand, n: int) -> bytes:
    return bytes(Answer(map.chart(stand, n)).body)


async def _kept(request: Request, file: Path) -> None:
    """The body as a file, as it comes."""
    written = 0
    with open(file, "wb") as target:
        async for part in request.stream():
            written += target.write(part)
    if not written:
        raise DataError("the body is empty; expected a sound file")


def fresh() -> dict[str, Any]:
    """What these routes keep while the server runs."""
    return {
        "maps": OrderedDict(),
        "drawing": asyncio.Lock(),
        "hearing": asyncio.Semaphore(max(1, (os.cpu_count() or 2) // 2)),
    }
