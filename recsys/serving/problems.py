"""What went wrong in, problem details (RFC 9457) out: one clear line, no path, no stack."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from recsys.errors import ArtefactError, DataError, MissingExtra, RecsysError, UnknownId
from recsys.serving.answers.stand import scrubbed

TYPE = "application/problem+json"
FAULT = "a fault of ours; the log of the server says more"
SEEN = 60  # characters of what was found that are told


class Refused(HTTPException):
    """A request that is not answered; the detail is one line for a person, the code one word for a program."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code


def problem(
    status: int, code: str, detail: str, *, nearest: Sequence[Any] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that failed."""
    return Response(body(status, code, detail, nearest), status, dict(headers or {}), TYPE)


def body(status: int, code: str, detail: str, nearest: Sequence[Any] = ()) -> bytes:
    """A problem as JSON."""
    return json.dumps(told(status, code, detail, nearest)).encode()


def told(status: int, code: str, detail: str, nearest: Sequence[Any] = ()) -> dict[str, Any]:
    """A problem as plain values; see ``schemas.Problem``."""
    known = {"nearest": [str(one) for one in nearest]} if nearest else {}
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": scrubbed(detail), "code": code, **known}


def of(error: Exception) -> dict[str, Any]:
    """Any error as a problem.

    >>> of(DataError("n = 0; expected 1 or more"))["status"], of(UnknownId("track", "t9", ["t09"]))["nearest"]
    (400, ['t09'])
    """
    if isinstance(error, UnknownId):
        return told(404, "unknown-id", str(error), error.nearest)
    if isinstance(error, MissingExtra):
        return told(501, "not-installed", str(error))
    if isinstance(error, DataError):
        return told(400, "bad-request", str(error))
    if isinstance(error, ArtefactError):
        return told(503, "bundle", str(error))
    if isinstance(error, RequestValidationError):
        return told(422, "invalid", invalid(error))
    if isinstance(error, HTTPException):
        code = getattr(error, "code", HTTPStatus(error.status_code).phrase.lower().replace(" ", "-"))
        return told(error.status_code, code, str(error.detail))
    return told(500, "fault", str(error) if isinstance(error, RecsysError) else FAULT)


def response(error: Exception) -> Response:
    """Any error as an answer."""
    made = of(error)
    headers = dict(getattr(error, "headers", None) or {})
    return Response(json.dumps(made).encode(), made["status"], headers, TYPE)


def invalid(error: RequestValidationError) -> str:
    """The first thing that is wrong with a request, and how many more there are."""
    details = error.errors()
    first = details[0]
    place = ".".join(str(part) for part in first["loc"]) or "request"
    if first["type"] == "json_invalid":
        return f"the body is not valid JSON ({first.get('ctx', {}).get('error', 'broken')}); expected an object"
    if isinstance(first.get("input"), bytes):
        return "the body is not taken as JSON; expected JSON and Content-Type: application/json"
    seen = "" if first["type"] == "missing" else _seen(first.get("input"))
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f"{place}{seen}: {first['msg'][:1].lower()}{first['msg'][1:]}{more}"


def _seen(value: object) -> str:
    if isinstance(value, dict | list) or value is None:
        return ""
    text = repr(value)
    return f" = {text if len(text) <= SEEN else text[:SEEN] + '…'}"
