"""One list without a recipe: made, written, remembered and told about at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recsys.listing import written
from recsys.listing.desk import Desk
from recsys.listing.make import Listing, make
from recsys.listing.push import Server
from recsys.playlists.kinds import Recipe


def single(
    desk: Desk,
    path: Path,
    recipe: Recipe,
    listeners: Sequence[Any],
    *,
    dry: bool = False,
    report: Path | None = None,
    push: str | None = None,
) -> dict[str, Any]:
    """Make the lists of a recipe as files named after ``path``; what is to be told of them.

    Args:
        listeners: whom for; several are one household, none is nobody in particular.
        dry: write nothing but the report.
        report: a file about each list: .json, .txt or .svg.
        push: address of a server that gets the lists, too.
    """
    who = desk.listener(*listeners) if listeners else None
    lists = make(desk, path.stem, recipe, who, seed=recipe.seed)
    facts = []
    for one in lists:
        facts.append({**written.described(desk, one), "path": str(path.with_stem(one.name)), "text": one.report.text()})
        if not dry:
            facts[-1] |= _kept(desk, one, path.with_stem(one.name), recipe.seed, push)
        if report is not None:
            written.tell(one, report.with_stem(report.stem + one.name.removeprefix(path.stem)), desk)
    relaxed = [rule for one in lists for rule in one.report.relaxed]
    return {"tracks": sum(len(one.made) for one in lists), "relaxed": relaxed, "lists": facts}


def _kept(desk: Desk, one: Listing, file: Path, seed: int, push: str | None) -> dict[str, Any]:
    """Write a list, remember it, hand it to a server; what came of that."""
    written.write(desk, one, file)
    if desk.ledger is not None:
        desk.ledger.append(written.remembered(desk, one, seed, desk.now, desk.now))
    return {"pushed": written.push(desk, one, Server(push))} if push is not None else {}
