"""Playlists from a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Bundle, Json, More, Set, app, default, settled
from recsys.errors import DataError


@app.command()
def playlist(
    more: More = None,
    seed: Annotated[list[str] | None, typer.Option("--seed", help="Track to start from; repeatable.")] = None,
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Playlist file: .m3u8, .xspf, .jspf or .csv.")] = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Length in tracks.", min=1)] = None,
    minutes: Annotated[float | None, typer.Option(help="Length in minutes.", min=1)] = None,
    title: Annotated[str, typer.Option(help="Name of the playlist.")] = "",
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """A playlist from seed tracks: neighbours of all, artists spread, nothing twice."""
    settings = settled(set_)
    seeds = [*(seed or []), *(more or [])]
    if not seeds or out is None:
        raise DataError("a playlist needs --seed TRACK_ID and --out FILE.m3u8")
    made = api.playlist(
        seeds,
        bundle=bundle or default(settings, "bundles"),
        out=out,
        n=n,
        minutes=minutes,
        title=title,
        settings=settings,
    )
    terminal.finish(made, as_json)
