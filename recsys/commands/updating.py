"""What came since: update, feedback."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys import api, terminal
from recsys.commands.options import Bundle, Json, More, Names, Proofs, Set, app, default, settled
from recsys.terminal import progress_bars

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def update(
    more: More = None,
    bundle: Bundle = None,
    plays: Annotated[list[str] | None, typer.Option(help="Plays and skips since; repeatable.")] = None,
    tracks: Annotated[list[str] | None, typer.Option(help="Table of new tracks.")] = None,
    content: Annotated[list[str] | None, typer.Option(help="track_id + numbers or a vector.")] = None,
    features: Annotated[Path | None, typer.Option(help="Folder that analyze wrote.")] = None,
    forgotten: Proofs = None,
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
            forgotten=forgotten,
            settings=settings,
            progress=progress,
        )
    if as_json:
        terminal.finish(made, as_json)
    else:
        terminal.announce(made)


@app.command()
def feedback(
    more: More = None,
    bundle: Bundle = None,
    recs: Annotated[Path | None, typer.Option(help="Folder that recommend wrote.")] = None,
    plays: Annotated[list[str] | None, typer.Option(help="Plays and skips since; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write, or to build upon.")] = None,
    depth: Annotated[int, typer.Option(help="The first so many of each list count as shown.", min=1)] = 20,
    pseudonyms: Names = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """What became of recommendations: which source was played; recommend --feedback learns from it."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.feedback(
            bundle or default(settings, "bundles"),
            recs or Path(settings.paths.out) / "recs",
            [*(plays or []), *(more or [])],
            out=out or Path(settings.paths.out) / "feedback",
            depth=depth,
            pseudonyms=pseudonyms,
            settings=settings,
            progress=progress,
        )
    if not as_json:
        terminal.print_table(_rates(made.facts))
    terminal.finish(made, as_json)


def _rates(facts: Mapping[str, Any]) -> pd.DataFrame:
    """One row per source: trials, hits, skips, hit rate, what it would be worth alone, and its chance from now on."""
    import pandas as pd

    def within(value: Mapping[str, float] | None) -> str:
        return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]" if value else ""

    rows = [
        {
            **{name: str(row[name]) for name in ("source", "trials", "hits", "skips")},
            "hit rate": within(row["rate"]),
            "alone": within(facts["worth"].get(row["source"])),
            "chance": f"{facts['chances'][row['source']]:.2f}" if row["source"] in facts["chances"] else "",
        }
        for row in facts["rates"]
    ]
    return pd.DataFrame(rows)
