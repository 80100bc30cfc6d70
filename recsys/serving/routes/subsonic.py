"""The OpenSubsonic addresses for likeness, so that a Subsonic client or the plugin of a server can ask.

Each is there with and without ``.view``, as XML or (``f=json``) JSON. Failures have status 200, as the protocol wants
it. Where the server has a key it is taken as ``apiKey``, or as the password of any user.
"""

from __future__ import annotations

import binascii
import hashlib
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from recsys.errors import RecsysError, UnknownId
from recsys.serving.answers import subsonic
from recsys.serving.answers.stand import Stand, scrubbed
from recsys.serving.answers.subsonic import GENERIC, MISSING, NOT_FOUND, WRONG_KEY, failed, ok
from recsys.serving.guard import same_key
from recsys.serving.questions import LONGEST, MOST
from recsys.serving.routes.common import Answer, here, responses, room

router = APIRouter(tags=["OpenSubsonic"])
Text = Annotated[str | None, Query(max_length=LONGEST)]
Most = Annotated[int, Query(ge=1, le=10_000, description=f"at most; more than {MOST} counts as that")]
Format = Annotated[str, Query(max_length=20, description="xml or json")]
EXAMPLE = {"subsonic-response": {**ok(), "similarSongs2": {"song": [{"id": "t0042", "title": "Wesri River"}]}}}
SHAPE = {"type": "object", "required": ["subsonic-response"], "examples": [EXAMPLE]}
SHAPES = {"application/json": {"schema": SHAPE}, "application/xml": {"schema": {"type": "string"}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    **responses(422),
    200: {"description": "subsonic-response", "content": SHAPES},
}
EXTENSIONS = [{"name": "sonicSimilarity", "versions": [1]}, {"name": "apiKeyAuthentication", "versions": [1]}]
Find = Callable[[Stand], dict[str, Any]]


def both(name: str, summary: str) -> Callable[[Any], Any]:
    """An address with and without .view; the description has the first."""

    def add(function: Any) -> Any:
        options: dict[str, Any] = {"responses": RESPONSES, "response_class": Response}
        router.get(f"/rest/{name}.view", include_in_schema=False, **options)(function)
        return router.get(f"/rest/{name}", summary=summary, **options)(function)

    return add


@both("ping", "Alive")
async def ping(request: Request, f: Format = "xml") -> Response:
    """Whether the server answers, and the key is right."""
    return await _answer(request, f, lambda stand: {})


@both("getOpenSubsonicExtensions", "Extensions")
async def extensions(request: Request, f: Format = "xml") -> Response:
    """What this server can besides; needs no key."""
    return _told(ok(openSubsonicExtensions=EXTENSIONS), f)


@both("getSimilarSongs2", "Similar songs")
async def similar_songs2(request: Request, id: Text = None, count: Most = 50, f: Format = "xml") -> Response:
    """Songs like those of an artist (``artist:NAME``), or like a song."""
    if not id:
        return _missing("id", f)
    return await _answer(
        request, f, lambda stand: {"similarSongs2": {"song": subsonic.similar_songs(stand, id, min(count, MOST))}}
    )


@both("getSimilarSongs", "Similar songs")
async def similar_songs(request: Request, id: Text = None, count: Most = 50, f: Format = "xml") -> Response:
    """The same in the older shape."""
    if not id:
        return _missing("id", f)
    return await _answer(
        request, f, lambda stand: {"similarSongs": {"song": subsonic.similar_songs(stand, id, min(count, MOST))}}
    )


@both("getSonicSimilarTracks", "Songs that sound alike")
async def sonic_similar(request: Request, id: Text = None, count: Most = 10, f: Format = "xml") -> Response:
    """Songs that sound like a song, each with its likeness."""
    if not id:
        return _missing("id", f)
    return await _answer(request, f, lambda stand: {"sonicMatch": subsonic.sonic_matches(stand, id, min(count, MOST))})


@both("findSonicPath", "A path of songs")
async def sonic_path(
    request: Request, startSongId: Text = None, endSongId: Text = None, count: Most = 25, f: Format = "xml"
) -> Response:
    """Songs that lead from one to another, both included."""
    if not startSongId or not endSongId:
        return _missing("endSongId" if startSongId else "startSongId", f)

    def find(stand: Stand) -> dict[str, Any]:
        now = time.time()
        return {"sonicMatch": subsonic.sonic_path(stand, startSongId, endSongId, min(count, MOST), now=now)}

    return await _answer(request, f, find)


async def _answer(request: Request, f: str, find: Find) -> Response:
    if not _may(request):
        return _told(failed(WRONG_KEY, "no key, or another"), f)
    try:
        return _told(ok(**await room(request).run(find, here(request))), f)
    except RecsysError as error:
        code = NOT_FOUND if isinstance(error, UnknownId) else GENERIC
        return _told(failed(code, scrubbed(str(error))), f)


def _missing(name: str, f: str) -> Response:
    return _told(failed(MISSING, f"required parameter {name} is missing"), f)


def _told(answer: dict[str, Any], f: str) -> Response:
    if f == "json":
        return Answer({"subsonic-response": answer})
    return Response(subsonic.as_xml(answer), media_type="application/xml")


def _may(request: Request) -> bool:
    """Whether the key came along: as apiKey, as the password, or as the md5 of password and salt."""
    key, given = request.app.state.options.key, request.query_params
    if key is None:
        return True
    if "t" in given:
        token = hashlib.md5((key + given.get("s", "")).encode(), usedforsecurity=False).hexdigest()
        return same_key(token, given["t"].lower())
    word = given.get("apiKey") or given.get("p", "")
    if word.startswith("enc:"):
        try:
            word = binascii.unhexlify(word[4:]).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return False
    return same_key(key, word)
