"""A bundle and options in, the application out: routes, problems, and the guard around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from recsys import __version__
from recsys.errors import RecsysError
from recsys.serving import page, problems
from recsys.serving.answers.heard import Log
from recsys.serving.answers.library import Library
from recsys.serving.express import Express
from recsys.serving.guard import Guard
from recsys.serving.live import Live
from recsys.serving.metrics import Metrics
from recsys.serving.options import Options
from recsys.serving.room import Room
from recsys.serving.routes import catalogue, listeners, lists, machine, near, reference, subsonic

EXPOSED = ["ETag", "X-Bundle", "Retry-After"]
KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "apiKey"},
}
ABOUT = """Recommendations, similar tracks, playlists and search over one bundle of recsys.

Every answer names its bundle (`bundle`, `X-Bundle`). GETs carry an ETag: ask again with If-None-Match and get 304 until
a new bundle is there. Lists come in pages: give `next` as `offset`. Problems are RFC 9457 details.
"""


def create_app(bundle: Path, options: Options | None = None, *, wait: bool = False) -> ASGIApp:
    """The application that answers from a bundle, or from the newest of a folder of bundles.

    Args:
        bundle: where it is.
        options: what it may send and write, and its limits.
        wait: open the bundle now, and not while the first requests come.

    Raises:
        ArtefactError: ``wait``, and there is no bundle.
    """
    options, metrics = options or Options(), Metrics()
    live = Live(bundle, Library(options.library), options.settings, metrics)
    if wait:
        live.open()
    app = _described(live)
    if options.key is not None:
        _with_keys(app)
    for name, value in _state(options, metrics, live).items():
        setattr(app.state, name, value)
    for module in (near, listeners, lists, catalogue, machine, subsonic, reference):
        app.include_router(module.router)
    for error in (RecsysError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, _problem)
    app.router.routes.extend(page.routes())
    guarded: ASGIApp = Guard(Express(app), live, options, metrics)
    origins = options.settings.serve.origins
    if not origins:
        return guarded
    return CORSMiddleware(
        guarded, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"], expose_headers=EXPOSED
    )


def description(bundle: Path = Path()) -> dict[str, Any]:
    """The OpenAPI description; no bundle is opened."""
    app: Any = create_app(bundle)
    while not isinstance(app, FastAPI):
        app = app.app
    return app.openapi()


def _described(live: Live) -> FastAPI:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        live.start()
        yield
        await live.stop()
        app.state.room.close()

    return FastAPI(
        title="recsys",
        version=__version__,
        description=ABOUT,
        lifespan=life,
        docs_url=None,  # their pages would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )


def _with_keys(app: FastAPI) -> None:
    """Describe that a key is needed, and the three ways to bring it."""
    told = app.openapi

    def described() -> dict[str, Any]:
        made = told()
        made["components"]["securitySchemes"] = KEYS
        made["security"] = [{name: []} for name in KEYS]
        for address in ("/health", "/ready", "/metrics"):
            made["paths"][address]["get"]["security"] = []
        return made

    app.openapi = described  # type: ignore[method-assign]


def _state(options: Options, metrics: Metrics, live: Live) -> dict[str, Any]:
    heard = None if options.writable is None else Log(options.writable)
    own = {"options": options, "metrics": metrics, "live": live, "room": Room(options.settings.serve), "heard": heard}
    return own | catalogue.fresh()


async def _problem(request: Request, error: Exception) -> Response:
    return problems.response(error)
