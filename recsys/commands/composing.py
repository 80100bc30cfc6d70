"""Music in symbols: learn generation, compose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, Seed, Set, settled
from recsys.commands.producing import Out, given, group
from recsys.terminal import progress_bars


@group.command("generation")
def learn_generation(
    midi: Annotated[Path | None, typer.Option(help="Folder of MIDI files.")] = None,
    rolls: Annotated[Path | None, typer.Option(help="Or an .npz of train, valid and test, steps × 88.")] = None,
    out: Out = None,
    arm: Annotated[str | None, typer.Option(help="recurrent, tied or attention; default: by size of the data.")] = None,
    epochs: Annotated[int | None, typer.Option(help="At most.", min=1)] = None,
    shift: Annotated[int | None, typer.Option(help="Semitones to move pieces by at most.", min=0, max=12)] = None,
    threads: Annotated[int, typer.Option(help="Of the processor.", min=1)] = 2,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """What comes next in polyphonic pieces; nats per step of valid and test go to metrics.json."""
    with progress_bars() as progress:
        made = api.learn_generation(
            midi=midi,
            rolls=rolls,
            out=given(out, "out", "a folder for the model"),
            arm=arm,
            epochs=epochs,
            shift=shift,
            threads=threads,
            seed=seed,
            settings=settled(set_),
            progress=progress,
        )
    terminal.finish(made, as_json)
