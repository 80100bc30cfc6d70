"""Labels and sound: learn classification, learn emotion, predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Json, Seed, Set, app, settled
from recsys.errors import DataError
from recsys.terminal import progress_bars

group = typer.Typer(no_args_is_help=True, help="Learn labels or emotions from sound.")
app.add_typer(group, name="learn")
Audio = Annotated[Path | None, typer.Option(help="Folder of sound files.")]
Labels = Annotated[
    Path | None, typer.Option(help="CSV with audio_file, relative to the folder, and a column per target.")
]
Target = Annotated[list[str] | None, typer.Option(help="Columns to learn, with commas between; repeatable.")]
Group = Annotated[str | None, typer.Option(help="Column kept together in splits; default: artist or the like.")]
Arms = Annotated[list[str] | None, typer.Option(help="Arms to compare, with commas between; default: all in time.")]
Minutes = Annotated[float, typer.Option(help="For comparing and fitting, hearing not counted.", min=0)]
Out = Annotated[Path | None, typer.Option(help="Folder of the model.")]
Workers = Annotated[int, typer.Option(help="Processes that hear.", min=1)]
Groups = Annotated[Path | None, typer.Option(help="CSV with audio_file and artist, whose files speak for each other.")]
Cache = Annotated[Path | None, typer.Option(help="Folder that keeps what was heard; default: beside the model.")]

Trunk = Annotated[Path | None, typer.Option(help="Encoder of your own whose vectors are read: .onnx, or weights.")]
Tune = Annotated[bool, typer.Option(help="Tune the weights of --trunk too.")]
Unlabelled = Annotated[Path | None, typer.Option(help="Folder of sound that a network hears first, without labels.")]


def given(value: Path | None, option: str, what: str) -> Path:
    """What must be said."""
    if value is None:
        raise DataError(f"no --{option} given; expected {what}")
    return value


@group.command("classification")
def learn_classification(
    audio: Audio = None,
    labels: Labels = None,
    target: Target = None,
    out: Out = None,
    group: Group = None,
    arms: Arms = None,
    minutes: Minutes = 7.0,
    seed: Seed = None,
    workers: Workers = 2,
    cache: Cache = None,
    trunk: Trunk = None,
    tune: Tune = False,
    unlabelled: Unlabelled = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Classes, tags or numbers from sound; the best arm is chosen by grouped cross-validation."""
    if not target:
        raise DataError("no --target given; expected one or more columns of the labels")
    with progress_bars() as progress:
        made = api.learn_classification(
            given(audio, "audio", "a folder of sound files"),
            labels=given(labels, "labels", "a CSV with audio_file and a column per target"),
            target=target,
            out=given(out, "out", "a folder for the model"),
            group=group,
            arms=arms or (),
            minutes=minutes,
            seed=seed,
            workers=workers,
            cache=cache,
            trunk=trunk,
            tune=tune,
            unlabelled=unlabelled,
            settings=settled(set_),
            progress=progress,
        )
    terminal.finish(made, as_json)


@group.command("emotion")
def learn_emotion(
    audio: Audio = None,
    labels: Labels = None,
    target: Target = None,
    out: Out = None,
    group: Group = None,
    arms: Arms = None,
    minutes: Minutes = 7.0,
    seed: Seed = None,
    workers: Workers = 2,
    cache: Cache = None,
    trunk: Trunk = None,
    tune: Tune = False,
    unlabelled: Unlabelled = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Valence and arousal, or any columns of numbers, each with how sure it is."""
    with progress_bars() as progress:
        made = api.learn_emotion(
            given(audio, "audio", "a folder of sound files"),
            labels=given(labels, "labels", "a CSV with audio_file and columns of numbers"),
            target=target or (),
            out=given(out, "out", "a folder for the model"),
            group=group,
            arms=arms or (),
            minutes=minutes,
            seed=seed,
            workers=workers,
            cache=cache,
            trunk=trunk,
            tune=tune,
            unlabelled=unlabelled,
            settings=settled(set_),
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def predict(
    model: Annotated[Path | None, typer.Option(help="Folder that learn wrote.")] = None,
    audio: Audio = None,
    out: Annotated[Path | None, typer.Option(help="File to write: .parquet or .csv.")] = None,
    groups: Groups = None,
    workers: Workers = 2,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """One row per sound file: labels with probabilities, numbers with sigma."""
    with progress_bars() as progress:
        made = api.predict(
            given(model, "model", "a folder that recsys learn wrote"),
            audio=given(audio, "audio", "a folder of sound files"),
            out=given(out, "out", "a .parquet file to write"),
            groups=groups,
            workers=workers,
            settings=settled(set_),
            progress=progress,
        )
    terminal.finish(made, as_json)
