"""What came since: update, feedback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Bundle, Json, More, Set, app, default, settled
from recsys.terminal import progress_bars


@app.command()
def update(
    more: More = None,
    bundle: Bundle = None,
    plays: Annotated[list[str] | None, typer.Option(help="Plays and skips since; repeatable.")] = None,
    tracks: Annotated[list[str] | None, typer.Option(help="Table of new tracks.")] = None,
    content: Annotated[list[str] | None, typer.Option(help="track_id + numbers or a vector.")] = None,
    features: Annotated[Path | None, typer.Option(help="Folder that analyze wrote.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of bundles; default: where the bundle is.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """New plays and new tracks into a bundle, without training; says when to train again."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.update(
            bundle or default(settings, "bundles"),
            [*(plays or []), *(more or [])],
            out=out,
            tracks=tracks or (),
            content=content or (),
            features=features,
            settings=settings,
            progress=progress,
        )
    if as_json:
        terminal.finish(made, as_json)
    else:
        terminal.announce(made)
