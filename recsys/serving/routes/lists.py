"""Playlists: of any kind, from one track to another, and as files."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from recsys.serving.answers import lists
from recsys.serving.questions import MOST, Export, Recipe
from recsys.serving.routes.common import ASKED, Answer, here, responses, room
from recsys.serving.schemas import Playlists, Way

router = APIRouter(tags=["playlists"])
End = Annotated[str, Query(alias="to", min_length=1, max_length=512)]
Begin = Annotated[str, Query(alias="from", min_length=1, max_length=512)]
Steps = Annotated[int, Query(ge=2, le=MOST, description="tracks, with both ends")]
FILE = {"content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in lists.TYPES.values()}}


@router.post(
    "/playlist",
    response_model=Playlists,
    responses=responses(*ASKED, 408, 413, tagged=False),
    summary="A playlist of any kind",
)
async def playlist(request: Request, recipe: Recipe) -> Any:
    """Tracks in a listenable order under the rules of a recipe; the answer names each rule that gave way."""
    asked = recipe.model_dump(exclude_unset=True) | {"kind": recipe.kind}
    return Answer(await room(request).run(lists.playlists, here(request), asked, now=time.time()))


@router.get("/path", response_model=Way, responses=responses(*ASKED), summary="From one track to another")
async def path(
    request: Request,
    start: Begin,
    end: End,
    n: Steps = 25,
    by: Literal["hybrid", "collaborative", "content", "sound"] = "hybrid",
) -> Any:
    """Tracks that lead from one to another in small steps, both of them included."""
    return Answer(await room(request).run(lists.path, here(request), start, end, n, by=by, now=time.time()))


@router.post(
    "/export",
    response_class=Response,
    responses={**responses(400, 404, 408, 413, 422, tagged=False), 200: {"description": "the file", **FILE}},
    summary="A playlist file",
)
async def export(request: Request, tracks: Export) -> Response:
    """Tracks as M3U8, XSPF, JSPF or CSV; paths begin at the library's folder, so put the file there."""
    made = await room(request).run(lists.exported, here(request), tracks)
    name = {"Content-Disposition": f'attachment; filename="playlist.{tracks.format}"'}
    return Response(made, headers=name, media_type=lists.TYPES[tracks.format])
