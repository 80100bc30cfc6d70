"""The question that is asked most, in its plainest form, past the machinery that reads and checks parameters.

``GET /similar/{id}`` with nothing but ``n`` and ``taste`` is answered here, by the same function and in the same words
as by the route; everything else, and everything that goes wrong, is left to the route.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

from starlette.types import ASGIApp, Receive, Scope, Send

from recsys.errors import RecsysError
from recsys.serving.answers.similar import QUICK, Near, similar
from recsys.serving.guard import STAND
from recsys.serving.questions import LONGEST
from recsys.serving.routes.common import Answer

START = "/similar/"
PLAIN = re.compile(rb"(?:n=([1-9]\d{0,2}))?(?:(?:^|&)taste=(0|1|0?\.\d{1,6}))?")
ROUTE = SimpleNamespace(path="/similar/{track_id:path}")  # the name under which it is counted


class Express:
    """In front of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is plain, pass on the rest."""
        answer = plain(scope) if scope["type"] == "http" and scope["path"].startswith(START) else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = ROUTE
        await answer(scope, receive, send)


def plain(scope: Scope) -> Answer | None:
    """The answer to a plain question; None where it is none, or where there is something to complain about."""
    found, track, stand = PLAIN.fullmatch(scope["query_string"]), scope["path"][len(START) :], scope.get(STAND)
    if found is None or stand is None or scope["method"] != "GET" or not 0 < len(track) <= LONGEST:
        return None
    n, taste = int(found[1] or 10), None if found[2] is None else float(found[2])
    if n > QUICK:
        return None
    try:
        return Answer(similar(stand, Near(track, n, taste=taste)))
    except RecsysError:
        return None
