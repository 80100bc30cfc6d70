"""Sound to symbols: transcribe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, More, Set, app, settled
from recsys.errors import DataError
from recsys.terminal import progress_bars
from recsys.verbs.raw import need_audio
from recsys.verbs.symbols import expected, parts_of
from recsys.verbs.transcribing import USUAL


@app.command()
def transcribe(
    more: More = None,
    audio: Annotated[list[str] | None, typer.Option(help="File or folder of sound; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write, or to bring up to date.")] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="notes, chords, or both (the default); chords alone take a fifth of the time."),
    ] = None,
    vocabulary: Annotated[str, typer.Option(help="Of chords: majmin, sevenths or all.")] = "majmin",
    note_model: Annotated[Path | None, typer.Option(help="Other weights for notes, or basic-pitch's nmp.onnx.")] = None,
    musicxml: Annotated[bool, typer.Option("--musicxml", help="A lead sheet of each too.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes.", min=1)] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Notes, chords, keys and beats of each sound file; only what is new or changed is heard."""
    settings = settled(set_)
    folders = [*(audio or []), *(more or [])] or settings.paths.audio
    if not folders:
        raise DataError("nothing to hear; expected a file or folder (or paths.audio in recsys.toml)")
    wanted = with_ or [USUAL]
    need_audio()
    terminal.say(expected(folders, parts_of(wanted), workers or settings.analyze.workers, note_model))
    with progress_bars() as progress:
        made = api.transcribe(
            folders,
            out=out or Path(settings.paths.out) / "transcribed",
            with_=wanted,
            vocabulary=vocabulary,
            note_model=note_model,
            musicxml=musicxml,
            workers=workers,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)
