"""Questions to a bundle: recommend, similar, describe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.commands.options import Bundle, Json, Mood, Names, Set, Where, app, default, settled
from recsys.settings import FILE
from recsys.terminal import progress_bars


@app.command()
def recommend(
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write.")] = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Tracks per listener.", min=1)] = None,
    users: Annotated[Path | None, typer.Option(help="File of listener ids; default: all.")] = None,
    histories: Annotated[list[str] | None, typer.Option(help="Plays of people the model has never seen.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="For a newcomer who likes this track; repeatable.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="And this genre or tag; repeatable.")] = None,
    candidates: Annotated[Path | None, typer.Option(help="File of the only track ids to choose from.")] = None,
    where: Where = None,
    mood: Mood = None,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Known tracks too.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the finished parts of a killed run.")] = False,
    format: Annotated[str | None, typer.Option(help="parquet, csv or jsonl.")] = None,
    novelty: Annotated[float | None, typer.Option(help="0 by score alone … 1 by rarity alone.", min=0, max=1)] = None,
    calibrate: Annotated[float | None, typer.Option(help="0 … 1: towards one's own mix.", min=0, max=1)] = None,
    even: Annotated[float | None, typer.Option(help="Exposure: 0 as it is … 1 shared out.", min=0, max=1)] = None,
    even_by: Annotated[str | None, typer.Option(help="Over popularity, decade, or a column such as country.")] = None,
    not_heard_days: Annotated[float | None, typer.Option(help="Nothing heard within so many days.", min=0)] = None,
    max_per_artist: Annotated[int | None, typer.Option(help="At most so many by one artist.", min=1)] = None,
    explore: Annotated[float | None, typer.Option(help="Share of places by lot from others.", min=0, max=1)] = None,
    feedback: Annotated[Path | None, typer.Option(help="Folder that feedback wrote.")] = None,
    now: Annotated[float | None, typer.Option(help="When lists are for, Unix seconds; default: latest play.")] = None,
    pseudonyms: Names = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Lists for many listeners, as a folder of partitions."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.recommend(
            bundle or default(settings, "bundles"),
            out=out or Path(settings.paths.out) / "recs",
            n=n,
            users=users,
            histories=histories,
            like=like or (),
            tag=tag or (),
            candidates=candidates,
            where=where,
            mood=mood,
            include_seen=include_seen,
            resume=resume,
            format=format,
            novelty=novelty,
            calibrate=calibrate,
            even=even,
            even_by=even_by,
            not_heard_days=not_heard_days,
            max_per_artist=max_per_artist,
            explore=explore,
            feedback=feedback,
            now=now,
            pseudonyms=pseudonyms,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def similar(
    track_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[TRACK_ID|FILE]...", help="Tracks or sound files to start from.")
    ] = None,
    bundle: Bundle = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Neighbours per track.", min=1)] = None,
    like: Annotated[list[str] | None, typer.Option(help="One search from several: near this; repeatable.")] = None,
    unlike: Annotated[list[str] | None, typer.Option(help="And away from this; repeatable.")] = None,
    hum: Annotated[Path | None, typer.Option(help="Tracks with this tune: sound of one voice.")] = None,
    midi: Annotated[Path | None, typer.Option(help="Tracks with the melody of this MIDI file.")] = None,
    by: Annotated[str | None, typer.Option(help="hybrid, collaborative, content, sound, harmony, melody.")] = None,
    where: Where = None,
    mood: Mood = None,
    max_per_artist: Annotated[int | None, typer.Option(help="At most so many by one artist.", min=1)] = None,
    not_same_album: Annotated[bool, typer.Option("--not-same-album", help="Leave out the track's album.")] = False,
    collapse: Annotated[bool, typer.Option("--collapse", help="Each recording once, however many copies.")] = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tracks most like these, by who listens, by what they are, or both; of a file that is no track, by sound."""
    settings = settled(set_)
    seeds = track_ids or []
    found = api.similar(
        seeds,
        bundle=bundle or default(settings, "bundles"),
        like=like or (),
        unlike=unlike or (),
        hum=hum,
        midi=midi,
        n=n,
        by=by,
        where=where,
        mood=mood,
        max_per_artist=max_per_artist,
        not_same_album=not_same_album,
        collapse=collapse,
        settings=settings,
    )
    searches = 1 if like or unlike or hum or midi else len(seeds)
    terminal.warn_short(found, searches * (n or settings.similar.n))
    if as_json:
        print(found.to_json(orient="records", force_ascii=False, indent=1))
    else:
        terminal.print_table(found.drop(columns="query") if searches == 1 else found)


@app.command()
def describe(
    what: Annotated[str, typer.Argument(metavar="FILE|TRACK", help="A sound file, or the id of a track.")],
    bundle: Bundle = None,
    features: Annotated[Path | None, typer.Option(help="Folder that analyze wrote.")] = None,
    model: Annotated[Path | None, typer.Option(help="Model that learn wrote: its labels for the file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to draw: .png, .svg or .pdf.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Everything known about one sound: tags, labels with chances, key, tempo, traits and what they mean, flags."""
    from recsys.audio.describe import lines

    settings = settled(set_)
    if Path(FILE).is_file():
        features, bundle = features or _there(settings.paths.features), bundle or _there(settings.paths.bundles)
    told = api.describe(what, bundle=bundle, features=features, model=model, plot=plot, settings=settings)
    if plot is not None:
        terminal.say(f"drawn: {plot}")
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines(told)))


def _there(folder: str) -> Path | None:
    return Path(folder) if Path(folder).is_dir() else None
