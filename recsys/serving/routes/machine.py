"""For those who run the server: whether it lives, whether it can answer, and what it did."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recsys import __version__
from recsys.serving import metrics
from recsys.serving.routes.common import Answer, responses
from recsys.serving.schemas import Health

router = APIRouter(tags=["machine"])


@router.get("/health", response_model=Health, responses={200: {"description": "the process lives"}}, summary="Alive")
async def health(request: Request) -> Any:
    """Always 200 while the process lives."""
    return Answer(_health(request))


@router.get("/ready", response_model=Health, responses=responses(503, tagged=False), summary="Ready")
async def ready(request: Request) -> Any:
    """200 when questions are answered, else 503."""
    found = _health(request)
    return Answer(found, 200 if found["bundle"] else 503)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Counts for Prometheus",
)
async def numbers(request: Request) -> Response:
    """Requests, times, refusals, swaps and memory in Prometheus' text format."""
    state = request.app.state
    stand = state.live.stand
    made = state.metrics.text(stand and stand.version, len(stand.tracks) if stand else 0, state.room.waiting)
    return Response(made, media_type=metrics.TYPE)


def _health(request: Request) -> dict[str, Any]:
    stand = request.app.state.live.stand
    return {
        "status": "ok" if stand else "starting",
        "bundle": stand.version if stand else None,
        "tracks": len(stand.tracks) if stand else None,
        "users": len(stand.engine.users) if stand else None,
        "version": __version__,
    }
