"""Recommendations for listeners and for histories, why a track is among them, and what was heard since."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request

from recsys.serving.answers.heard import Log
from recsys.serving.answers.recommending import explained, folded_in, recommended
from recsys.serving.problems import Refused
from recsys.serving.questions import LONGEST, AskRecommend, Event, History, RecommendBatch
from recsys.serving.routes.common import ASKED, Answer, Feeling, Filter, N, Start, here, responses, room
from recsys.serving.routes.near import Ids, each
from recsys.serving.schemas import Explained, RecommendAnswers, Recommended, Taken

router = APIRouter(tags=["listeners"])
UserId = Annotated[str, Path(min_length=1, max_length=LONGEST, description="id of a listener", examples=["u0007"])]
One = Annotated[str, Query(min_length=1, max_length=LONGEST)]
Events = Annotated[list[Event], Body(min_length=1, max_length=1000)]


@router.get(
    "/recommend/{user_id:path}", response_model=Recommended, responses=responses(*ASKED), summary="For a listener"
)
async def recommend(
    request: Request,
    user_id: UserId,
    n: N = 10,
    offset: Start = 0,
    where: Filter = None,
    mood: Feeling = None,
    context: Ids = [],  # noqa: B006
) -> Any:
    """Tracks that a listener of the log has not heard, best first; ``context`` are tracks heard just now."""
    asked = AskRecommend(user=user_id, n=n, offset=offset, where=where, mood=mood, context=context)
    return Answer(await room(request).run(recommended, here(request), asked))


@router.post(
    "/recommend",
    response_model=Recommended,
    responses=responses(*ASKED, 408, 413, tagged=False),
    summary="For a history",
)
async def recommend_history(request: Request, history: History) -> Any:
    """Tracks for somebody's plays: they are folded in, nothing is kept and nothing retrained."""
    return Answer(await room(request).run(folded_in, here(request), history))


@router.post(
    "/batch/recommend",
    response_model=RecommendAnswers,
    responses=responses(400, 408, 413, 422, tagged=False),
    summary="For several listeners",
)
async def recommend_batch(request: Request, batch: RecommendBatch) -> Any:
    """An answer, or a problem, for each listener in order."""
    return Answer(await room(request).run(each, here(request), batch.queries, recommended))


@router.get("/explain", response_model=Explained, responses=responses(*ASKED), summary="Why a track")
async def explain(request: Request, user: One, track: One) -> Any:
    """Why a listener would get a track: parts that sum to the score, and the own plays that speak for it."""
    return Answer(await room(request).run(explained, here(request), user, track))


@router.post(
    "/feedback",
    response_model=Taken,
    responses=responses(400, 403, 404, 408, 413, 422, tagged=False),
    summary="What was heard",
)
async def feedback(request: Request, events: Event | Events) -> Any:
    """Take down what listeners did; it counts from the next training or update on. Off unless the server may write."""
    log: Log | None = request.app.state.heard
    if log is None:
        raise Refused(403, "read-only", "this server writes nothing; start it with --writable FOLDER")
    some = [events] if isinstance(events, Event) else events
    return Answer({"taken": await room(request).run(log.take, here(request), some, now=time.time())})
