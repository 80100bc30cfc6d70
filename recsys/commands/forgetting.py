"""A listener who wants to be forgotten: forget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, exits, terminal
from recsys.commands.options import Json, Names, Set, app, settled
from recsys.errors import DataError
from recsys.settings import FILE, Settings
from recsys.terminal import progress_bars


@app.command()
def forget(
    user: Annotated[str, typer.Option(help="Id of the listener.")],
    data: Annotated[list[Path] | None, typer.Option(help="Folder to look through; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of proofs; default: forgotten in the first folder.")] = None,
    pseudonyms: Names = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Take one listener out of everything, and write a proof; exit code 1 where other files still hold the id."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.forget(
            user,
            data=data or _folders(settings),
            out=out,
            pseudonyms=pseudonyms,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)
    if made.facts["left"]:
        raise typer.Exit(exits.FOUND)


def _folders(settings: Settings) -> list[Path]:
    """Where the project keeps what it makes; outside a project it must be said."""
    if not Path(FILE).is_file():
        raise DataError(f"no --data given and no {FILE} here; name the folder that holds tables, bundles and lists")
    paths = settings.paths
    places = [Path("data"), *map(Path, (paths.tables, paths.bundles, paths.features, paths.out))]
    found = [place for place in places if place.is_dir()]
    return [one for one in found if not any(other != one and other in one.parents for other in found)] or places[:1]
