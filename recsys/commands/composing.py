"""Music in symbols: learn generation, compose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, Seed, Set, app, settled
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


@app.command()
def compose(
    out: Annotated[Path | None, typer.Option(help="MIDI file to write.")] = None,
    like: Annotated[str | None, typer.Option(help="MIDI file, or track that was transcribed, to go on from.")] = None,
    to: Annotated[str | None, typer.Option(help="Another one that the new bars lead to.")] = None,
    manner: Annotated[str | None, typer.Option(help="Another one whose manner --like is given.")] = None,
    bars: Annotated[int, typer.Option(help="Of four beats.")] = 16,
    key: Annotated[str | None, typer.Option(help="Such as C, Am or 'F# minor'.")] = None,
    tempo: Annotated[float | None, typer.Option(help="Beats a minute.")] = None,
    chords: Annotated[str | None, typer.Option(help="One a bar, again and again, such as 'C G Am F'.")] = None,
    temperature: Annotated[float, typer.Option(help="1 as learned; lower is plainer, higher wilder.")] = 1.0,
    audio: Annotated[Path | None, typer.Option(help="Sound file to write too: .wav, .flac, .ogg or .mp3.")] = None,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """New music: from nothing, after a piece, between two, or one in the manner of another; marked as AI-generated."""
    made = api.compose(
        out=given(out, "out", "a .mid file to write"),
        like=like,
        to=to,
        manner=manner,
        bars=bars,
        key=key,
        tempo=tempo,
        chords=chords,
        temperature=temperature,
        audio=audio,
        seed=seed,
        settings=settled(set_),
    )
    terminal.finish(made, as_json)
