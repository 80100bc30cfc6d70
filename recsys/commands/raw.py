"""Raw files in: init, run, demo, analyze, ingest, inspect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, More, Proofs, Set, app, settled
from recsys.errors import DataError
from recsys.settings import FILE
from recsys.terminal import progress_bars
from recsys.verbs.raw import need_audio
from recsys.verbs.symbols import expected, parts_of


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Project folder.")] = Path()) -> None:
    """Write a commented recsys.toml to start from."""
    terminal.say(f"wrote {api.init(folder)}; name your listening log there, then: recsys run")


@app.command()
def run(
    pipeline: Annotated[Path | None, typer.Argument(help="Pipeline file; default: the steps of recsys.toml.")] = None,
    set_: Set = None,
) -> None:
    """Do every step that is out of date."""
    if pipeline is None and Path(FILE).is_file():
        settings = settled(set_)
        heard = settings.analyze
        _say_cost(settings.paths.audio, heard.symbols, heard.workers, heard.note_model)
    with progress_bars() as progress:
        made = api.run(pipeline or Path(FILE), overrides=set_ or (), progress=progress)
    for step in made:
        terminal.announce(step)


@app.command()
def demo(folder: Annotated[Path, typer.Argument(help="Where data/ is made.")] = Path()) -> None:
    """The whole main job on the built-in sample world."""
    from recsys import demo as show

    with progress_bars() as progress:
        text = show.play(folder, progress=progress)
    print(text)


@app.command()
def analyze(
    more: More = None,
    audio: Annotated[list[str] | None, typer.Option(help="Folder of sound files; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write, or to bring up to date.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.", min=1)] = None,
    windows: Annotated[int | None, typer.Option(help="Windows of 30 s heard of each file.", min=1)] = None,
    with_: Annotated[list[str] | None, typer.Option("--with", help="chords, notes, or both: notes,chords.")] = None,
    note_model: Annotated[Path | None, typer.Option(help="Other weights for notes, or basic-pitch's nmp.onnx.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Sound files to features; only what is new or changed is heard, and a killed run goes on."""
    settings = settled(set_)
    folders = [*(audio or []), *(more or [])] or settings.paths.audio
    if not folders:
        raise DataError("nothing to hear; expected --audio FOLDER (or paths.audio in recsys.toml)")
    parts = parts_of(with_) if with_ else settings.analyze.symbols
    _say_cost(folders, parts, workers or settings.analyze.workers, note_model or settings.analyze.note_model)
    with progress_bars() as progress:
        made = api.analyze(
            folders,
            out=out or settings.paths.features,
            workers=workers,
            windows=windows,
            with_=with_,
            note_model=note_model,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


def _say_cost(audio: Sequence[str], parts: Sequence[str], workers: int, note_model: Path | str | None) -> None:
    """What hearing chords or notes will cost, where they are asked for."""
    if parts and audio:
        need_audio()
        terminal.say(expected(audio, parts, workers, note_model))


@app.command()
def ingest(
    more: More = None,
    plays: Annotated[list[str] | None, typer.Option(help="Listening log: file, folder or glob; repeatable.")] = None,
    tracks: Annotated[list[str] | None, typer.Option(help="Table of tracks.")] = None,
    playlists: Annotated[list[str] | None, typer.Option(help="Playlists: M3U, XSPF, JSPF or a table.")] = None,
    content: Annotated[list[str] | None, typer.Option(help="track_id + numbers or a vector.")] = None,
    listeners: Annotated[list[str] | None, typer.Option(help="user_id + age, country, …")] = None,
    features: Annotated[Path | None, typer.Option(help="Folder that analyze wrote.")] = None,
    forgotten: Proofs = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Raw files to tables; bad rows go to rejects.parquet with a reason."""
    settings = settled(set_)
    given = {"plays": [*(plays or []), *(more or [])], "tracks": tracks, "playlists": playlists, "content": content}
    given["listeners"] = listeners
    if not any(given.values()) and features is None:
        given = settings.paths.model_dump(include=set(given))
        features = Path(settings.paths.features) if settings.paths.audio else None
    if not any(given.values()) and features is None:
        raise DataError("nothing to read; expected --plays FILE (or paths.plays in recsys.toml)")
    sources = {noun: paths or [] for noun, paths in given.items()}
    with progress_bars() as progress:
        made = api.ingest(
            sources["plays"],
            out=out or settings.paths.tables,
            tracks=sources["tracks"],
            playlists=sources["playlists"],
            content=sources["content"],
            listeners=sources["listeners"],
            features=features,
            forgotten=forgotten,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="Features, tables, a bundle, recommendations or a report.")],
    as_json: Json = False,
) -> None:
    """Verify an artefact against its manifest and say what it is; exit code 1 when something is wrong."""
    facts = api.inspect(path)
    if as_json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        print(terminal.described(facts))
    if facts["problems"]:
        raise typer.Exit(1)
