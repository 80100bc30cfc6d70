"""A browser's request in, the listening page out: plain HTML, CSS and JavaScript modules, nothing from elsewhere.

The page asks the API under the same address and nobody else; the headers of the guard see to it that this stays so.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {"Cache-Control": "no-cache"}  # the guard sends those that keep other sites out
START = "index.html"


@cache
def assets() -> dict[str, tuple[bytes, str, str]]:
    """Every file of the page by name: content, media type, ETag.

    >>> sorted(name for name in assets() if "/" not in name)
    ['icon.svg', 'index.html', 'style.css']
    """
    root = files(__package__)
    found = {}
    for folder, prefix in ((root, ""), (root / "js", "js/")):
        for entry in folder.iterdir():
            if (kind := TYPES.get("." + entry.name.rpartition(".")[2])) and entry.is_file():
                content = entry.read_bytes()
                found[prefix + entry.name] = content, kind, f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return found


def routes() -> list[Route]:
    """GET / and GET /page/…, to be added to an application."""
    from starlette.routing import Route

    return [Route("/", _answer, name="page"), Route("/page/{name:path}", _answer, name="page files")]


async def _answer(request: Request) -> Response:
    from starlette.responses import PlainTextResponse, Response

    found = assets().get(request.path_params.get("name", START))
    if found is None:
        return PlainTextResponse("no such file on this page\n", 404)
    content, kind, etag = found
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={**HEADERS, "ETag": etag})
    return Response(content, headers={**HEADERS, "ETag": etag, "Content-Type": kind})
