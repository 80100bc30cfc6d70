"""Tracks like a track: one at a time, and in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request

from recsys.errors import DataError, RecsysError
from recsys.serving import problems
from recsys.serving.answers.similar import Near, similar, spoken
from recsys.serving.answers.stand import Stand
from recsys.serving.questions import SEEDS, AskSimilar, Id, SimilarBatch
from recsys.serving.routes.common import ASKED, Answer, Feeling, Filter, N, Start, TrackId, here, responses, room
from recsys.serving.schemas import Similar, SimilarAnswers

router = APIRouter(tags=["similar"])
Q = TypeVar("Q")
Ids = Annotated[list[Id], Query(max_length=SEEDS)]
Taste = Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False, description="0 what it is … 1 who listens")]
Blend = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="spaces and weights", examples=["taste:.5,sound:.5"]),
]
Cap = Annotated[int | None, Query(ge=1, le=500, description="at most so many by one artist")]


@router.get("/similar/{track_id:path}", response_model=Similar, responses=responses(*ASKED), summary="Similar tracks")
async def similar_to(
    request: Request,
    track_id: TrackId,
    n: N = 10,
    offset: Start = 0,
    where: Filter = None,
    mood: Feeling = None,
    taste: Taste = None,
    blend: Blend = None,
    like: Ids = [],  # noqa: B006
    unlike: Ids = [],  # noqa: B006
    max_per_artist: Cap = None,
) -> Any:
    """Neighbours of a track, nearest first: near it (and ``like``), away from ``unlike``, blended as asked."""
    if taste is not None and blend is not None:
        raise DataError("found taste and blend; expected one of them")
    weights = None if blend is None else spoken(blend)
    asked = Near(track_id, n, offset, where, taste, weights, tuple(like), tuple(unlike), max_per_artist, mood)
    stand = here(request)
    return Answer(similar(stand, asked) if asked.quick else await room(request).run(similar, stand, asked))


@router.post(
    "/batch/similar",
    response_model=SimilarAnswers,
    responses=responses(400, 408, 413, 422, tagged=False),
    summary="Similar tracks of several",
)
async def similar_batch(request: Request, batch: SimilarBatch) -> Any:
    """An answer, or a problem, for each question in order."""
    return Answer(await room(request).run(each, here(request), batch.queries, near))


def near(stand: Stand, asked: AskSimilar) -> dict[str, Any]:
    """One question of a batch."""
    if asked.taste is not None and asked.blend is not None:
        raise DataError("found taste and blend; expected one of them")
    own = asked.model_dump(exclude={"like", "unlike"})
    return similar(stand, Near(like=tuple(asked.like), unlike=tuple(asked.unlike), **own))


def each(stand: Stand, queries: list[Q], answer: Callable[[Stand, Q], dict[str, Any]]) -> dict[str, Any]:
    """Every question of a batch answered, or told why not."""
    made = []
    for query in queries:
        try:
            made.append(answer(stand, query))
        except RecsysError as error:
            made.append(problems.of(error))
    return {"answers": made, "bundle": stand.version}
