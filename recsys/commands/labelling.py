"""Labels for a library's own tracks: label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, Set, app, settled
from recsys.terminal import progress_bars


@app.command()
def label(
    features: Annotated[Path, typer.Argument(help="Folder that analyze wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; default: beside the features.")] = None,
    tracks: Annotated[list[str] | None, typer.Option(help="Tables of tracks with genres or moods.")] = None,
    minutes: Annotated[float | None, typer.Option(help="For choosing how to learn.", min=0.1)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that hear.", min=1)] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Genres, moods and instruments of tracks that have none, learned from those that have."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.label(
            features,
            out=out,
            tracks=tracks or (),
            minutes=minutes,
            workers=workers,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)
