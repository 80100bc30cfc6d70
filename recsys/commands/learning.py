"""Tables in, bundles and reports out: train, evaluate, tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, Seed, Set, Tables, app, default, settled
from recsys.terminal import progress_bars


@app.command()
def train(
    tables: Tables = None,
    out: Annotated[Path | None, typer.Option(help="Folder of bundles.")] = None,
    model: Annotated[str | None, typer.Option(help="Fit just this one; default: the best on validation.")] = None,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Measure each model against popularity on a validation part, then fit the best on everything."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.train(
            tables or default(settings, "tables"),
            out=out or settings.paths.bundles,
            model=model,
            seed=seed,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def evaluate(
    tables: Tables = None,
    protocol: Annotated[
        str | None, typer.Option(help="warm, strong, cold, continuation, temporal, thaw, or all (but thaw).")
    ] = None,
    ablate: Annotated[
        bool | None, typer.Option("--ablate", help="Measure too what each block of content is worth.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html and report.json, or the .html.")] = None,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Measure every model on plays it has not seen; writes an HTML report and a JSON beside it."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.evaluate(
            tables or default(settings, "tables"),
            out=out or Path(settings.paths.out) / "report",
            protocol=protocol,
            ablate=ablate,
            seed=seed,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def tune(
    tables: Tables = None,
    model: Annotated[str, typer.Option(help="Model to search; several with commas, or all.")] = "ials",
    trials: Annotated[int, typer.Option(help="How many settings to try.", min=1)] = 20,
    folds: Annotated[int, typer.Option(help="Cross-validation folds; 1 = one validation part.", min=1)] = 1,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; run again to go on.", min=0)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study; run again to go on.")] = None,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Search hyper-parameters on validation only; can be stopped and resumed."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.tune(
            tables or default(settings, "tables"),
            out=out or Path(settings.paths.out) / f"tune-{model.replace(',', '-')}",
            model=model,
            trials=trials,
            folds=folds,
            minutes=minutes,
            seed=seed,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)
