"""Tracks by words: search."""

from __future__ import annotations

from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Bundle, Json, Mood, Set, Where, app, default, settled


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words of a title, an artist, a genre, a tag, a mood.")],
    bundle: Bundle = None,
    n: Annotated[int, typer.Option("-n", "--n", help="Tracks at most.", min=1)] = 20,
    where: Where = None,
    mood: Mood = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tracks by words in titles, artists, tags and predicted labels; typing errors are forgiven."""
    settings = settled(set_)
    bundle = bundle or default(settings, "bundles")
    found = api.search(query, bundle=bundle, n=n, where=where, mood=mood, settings=settings)
    if found.attrs["unknown"]:
        terminal.say(f"nothing here is like {', '.join(map(repr, found.attrs['unknown']))}: left out")
    if as_json:
        print(found.to_json(orient="records", force_ascii=False, indent=1))
    else:
        terminal.print_table(found)
