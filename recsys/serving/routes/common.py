"""What routes share: parameters, answers that are JSON already, the problems that any of them may have."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from recsys.serving.answers.stand import Stand
from recsys.serving.guard import stand_of
from recsys.serving.problems import TYPE
from recsys.serving.questions import DEEPEST, LONGEST, MOOD, MOODS, MOST
from recsys.serving.room import Room
from recsys.serving.schemas import Problem

MEANINGS = {
    400: "a filter, a blend or a recipe that can't be read, or data that this bundle does not have",
    401: "no key, or another",
    403: "this server is read-only",
    404: "an id that is not known, with those spelt alike",
    408: "the body came too slowly",
    413: "the body is too large",
    414: "the address is too long",
    415: "the body is compressed, or of a type that is not taken",
    422: "a parameter that is not what it should be",
    429: "too many questions; Retry-After says when to ask again",
    503: "still opening, or too many questions are waiting; Retry-After says when to ask again",
}
HEADERS = {"X-Bundle": {"description": "the bundle that answered", "schema": {"type": "string"}}}
TAGGED = {**HEADERS, "ETag": {"description": "changes with the bundle", "schema": {"type": "string"}}}
ASKED = (400, 404, 422)

TrackId = Annotated[str, Path(min_length=1, max_length=LONGEST, description="id of a track", examples=["t0042"])]
N = Annotated[int, Query(ge=1, le=MOST, description="how many")]
Start = Annotated[int, Query(ge=0, le=DEEPEST, description="where the page begins; see `next` of the page before")]
Filter = Annotated[
    str | None,
    Query(min_length=1, max_length=2000, description="filter over catalogue columns", examples=["year >= 1990"]),
]
Feeling = Annotated[str | None, Query(min_length=1, max_length=LONGEST, description=MOOD, examples=MOODS)]


class Answer(Response):
    """Plain values as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode; NaN is a fault of ours and never sent."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )


def responses(*statuses: int, tagged: bool = True) -> dict[int | str, dict[str, Any]]:
    """What an operation may answer besides its list, for the description."""
    problem = {"content": {TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}}
    known = sorted({*statuses, 401, 414, 429, 503})
    made: dict[int | str, dict[str, Any]] = {status: {"description": MEANINGS[status], **problem} for status in known}
    made[200] = {"headers": TAGGED if tagged else HEADERS}
    if tagged:
        made[304] = {"description": "nothing has changed since the answer with this ETag"}
    return made


def here(request: Request) -> Stand:
    """The bundle that answers this request."""
    return stand_of(request.scope)


def room(request: Request) -> Room:
    """Where answers are made that take long."""
    found: Room = request.app.state.room
    return found
