"""Answers over HTTP: serve."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.commands.options import Bundle, Set, app, default, settled


class Way(StrEnum):
    """How a server tells what happens."""

    text = "text"
    json = "json"
    quiet = "quiet"


@app.command()
def serve(
    more: Annotated[Path | None, typer.Argument(metavar="[BUNDLE]", help="The same as --bundle.")] = None,
    bundle: Bundle = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: 8000; 0 = any that is free.", min=0, max=65535)] = None,
    library: Annotated[list[Path] | None, typer.Option(help="Folder of sound files to play; repeatable.")] = None,
    writable: Annotated[Path | None, typer.Option(help="Folder for what listeners did (POST /feedback).")] = None,
    log: Annotated[Way, typer.Option(help="Lines for people, JSON, or errors only.")] = Way.text,
    log_requests: Annotated[bool, typer.Option("--log-requests", help="Tell of every request.")] = False,
    set_: Set = None,
) -> None:
    """An HTTP API and a listening page over a bundle; a newer bundle takes over by itself. Stop with Ctrl-C.

    Where the environment has RECSYS_API_KEY, every question must bring that key (Authorization: Bearer, X-API-Key or
    apiKey=). Told to stop by Ctrl-C or SIGTERM it answers what has begun, says so and ends with exit code 0.
    """
    settings = settled(set_)
    api.serve(
        more or bundle or default(settings, "bundles"),
        host=host,
        port=port,
        library=library or (),
        writable=writable,
        log=log.value,
        log_requests=log_requests,
        settings=settings,
    )
