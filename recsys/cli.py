"""One command per verb. Results go to stdout, progress and messages to stderr; an error is one line and exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from recsys import api, terminal
from recsys.errors import DataError, RecsysError
from recsys.settings import FILE, Settings, load, override
from recsys.terminal import one_line, progress_bars

app = typer.Typer(
    name="recsys",
    help="Music recommendation: batch lists, playlists and similar tracks, measured on your own data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
GLOBAL = ("--quiet", "-q", "--debug")  # may stand anywhere on the line

Set = Annotated[list[str] | None, typer.Option("--set", help="Override a setting, e.g. ials.factors=128; repeatable.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.", min=0)]
Tables = Annotated[Path | None, typer.Option(help="Folder of tables that ingest wrote.")]
Bundle = Annotated[Path | None, typer.Option(help="Bundle, or folder of bundles, that train wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
More = Annotated[list[str] | None, typer.Argument(hidden=True)]


def _settings(assignments: list[str] | None) -> Settings:
    """recsys.toml of this folder where there is one, and the --set options on top."""
    found = load(Path(FILE)) if Path(FILE).is_file() else Settings()
    return override(found, assignments or ())


def _default(settings: Settings, what: str) -> Path:
    """Where the project keeps its tables or bundles; outside a project it must be said."""
    if not Path(FILE).is_file():
        option = "tables" if what == "tables" else "bundle"
        raise DataError(f"no --{option} given and no {FILE} here; name one, or make a project with: recsys init")
    return Path(getattr(settings.paths, what))


@app.callback()
def settle(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options that every command has."""
    terminal.be_quiet(quiet)


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
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Sound files to features; only what is new or changed is heard, and a killed run goes on."""
    settings = _settings(set_)
    folders = [*(audio or []), *(more or [])] or settings.paths.audio
    if not folders:
        raise DataError("nothing to hear; expected --audio FOLDER (or paths.audio in recsys.toml)")
    with progress_bars() as progress:
        made = api.analyze(
            folders,
            out=out or settings.paths.features,
            workers=workers,
            windows=windows,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def ingest(
    more: More = None,
    plays: Annotated[list[str] | None, typer.Option(help="Listening log: file, folder or glob; repeatable.")] = None,
    tracks: Annotated[list[str] | None, typer.Option(help="Table of tracks.")] = None,
    playlists: Annotated[list[str] | None, typer.Option(help="Playlists: M3U, XSPF, JSPF or a table.")] = None,
    content: Annotated[list[str] | None, typer.Option(help="track_id + numbers or a vector.")] = None,
    features: Annotated[Path | None, typer.Option(help="Folder that analyze wrote.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Raw files to tables; bad rows go to rejects.parquet with a reason."""
    settings = _settings(set_)
    given = {"plays": [*(plays or []), *(more or [])], "tracks": tracks, "playlists": playlists, "content": content}
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
            features=features,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


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
    settings = _settings(set_)
    with progress_bars() as progress:
        made = api.train(
            tables or _default(settings, "tables"),
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
    protocol: Annotated[str | None, typer.Option(help="warm, cold, continuation, temporal or all.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html and report.json, or the .html.")] = None,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Measure every model on plays it has not seen; writes an HTML report and a JSON beside it."""
    settings = _settings(set_)
    with progress_bars() as progress:
        made = api.evaluate(
            tables or _default(settings, "tables"),
            out=out or Path(settings.paths.out) / "report",
            protocol=protocol,
            seed=seed,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def tune(
    tables: Tables = None,
    model: Annotated[str, typer.Option(help="Model whose hyper-parameters are searched.")] = "ials",
    trials: Annotated[int, typer.Option(help="How many settings to try.", min=1)] = 20,
    folds: Annotated[int, typer.Option(help="Cross-validation folds; 1 = one validation part.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the study; run again to go on.")] = None,
    seed: Seed = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Search hyper-parameters on validation only; can be stopped and resumed."""
    settings = _settings(set_)
    with progress_bars() as progress:
        made = api.tune(
            tables or _default(settings, "tables"),
            out=out or Path(settings.paths.out) / f"tune-{model}",
            model=model,
            trials=trials,
            folds=folds,
            seed=seed,
            settings=settings,
            progress=progress,
        )
    terminal.finish(made, as_json)


@app.command()
def recommend(
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write.")] = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Tracks per listener.", min=1)] = None,
    users: Annotated[Path | None, typer.Option(help="File of listener ids; default: all.")] = None,
    histories: Annotated[list[str] | None, typer.Option(help="Plays of people the model has never seen.")] = None,
    candidates: Annotated[Path | None, typer.Option(help="File of the only track ids to choose from.")] = None,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Known tracks too.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the finished parts of a killed run.")] = False,
    format: Annotated[str | None, typer.Option(help="parquet, csv or jsonl.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Lists for many listeners, as a folder of partitions."""
    settings = _settings(set_)
    with progress_bars() as progress:
        made = api.recommend(
            bundle or _default(settings, "bundles"),
            out=out or Path(settings.paths.out) / "recs",
            n=n,
            users=users,
            histories=histories,
            candidates=candidates,
            include_seen=include_seen,
            resume=resume,
            format=format,
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
    by: Annotated[str | None, typer.Option(help="hybrid, collaborative, content or sound.")] = None,
    where: Annotated[str | None, typer.Option(help="Filter, e.g. \"year >= 1990 and genre != 'Pop'\".")] = None,
    max_per_artist: Annotated[int | None, typer.Option(help="At most so many by one artist.", min=1)] = None,
    not_same_album: Annotated[bool, typer.Option("--not-same-album", help="Leave out the track's album.")] = False,
    collapse: Annotated[bool, typer.Option("--collapse", help="Each recording once, however many copies.")] = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tracks most like these, by who listens, by what they are, or both; of a file that is no track, by sound."""
    settings = _settings(set_)
    seeds = track_ids or []
    found = api.similar(
        seeds,
        bundle=bundle or _default(settings, "bundles"),
        like=like or (),
        unlike=unlike or (),
        n=n,
        by=by,
        where=where,
        max_per_artist=max_per_artist,
        not_same_album=not_same_album,
        collapse=collapse,
        settings=settings,
    )
    searches = 1 if like or unlike else len(seeds)
    terminal.warn_short(found, searches * (n or settings.similar.n))
    if as_json:
        print(found.to_json(orient="records", force_ascii=False, indent=1))
    else:
        terminal.print_table(found.drop(columns="query") if searches == 1 else found)


@app.command()
def playlist(
    more: More = None,
    seed: Annotated[list[str] | None, typer.Option("--seed", help="Track to start from; repeatable.")] = None,
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Playlist file: .m3u8, .xspf, .jspf or .csv.")] = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Length in tracks.", min=1)] = None,
    minutes: Annotated[float | None, typer.Option(help="Length in minutes.", min=1)] = None,
    title: Annotated[str, typer.Option(help="Name of the playlist.")] = "",
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """A playlist from seed tracks: neighbours of all, artists spread, nothing twice."""
    settings = _settings(set_)
    seeds = [*(seed or []), *(more or [])]
    if not seeds or out is None:
        raise DataError("a playlist needs --seed TRACK_ID and --out FILE.m3u8")
    made = api.playlist(
        seeds,
        bundle=bundle or _default(settings, "bundles"),
        out=out,
        n=n,
        minutes=minutes,
        title=title,
        settings=settings,
    )
    terminal.finish(made, as_json)


@app.command()
def describe(
    what: Annotated[str, typer.Argument(metavar="FILE|TRACK", help="A sound file, or the id of a track.")],
    bundle: Bundle = None,
    features: Annotated[Path | None, typer.Option(help="Folder that analyze wrote.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to draw: .png, .svg or .pdf.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Everything known about one sound: tags, key, tempo, traits and what they mean, flags."""
    from recsys.audio.describe import lines

    settings = _settings(set_)
    if Path(FILE).is_file():
        features, bundle = features or _there(settings.paths.features), bundle or _there(settings.paths.bundles)
    told = api.describe(what, bundle=bundle, features=features, plot=plot, settings=settings)
    if plot is not None:
        terminal.say(f"drawn: {plot}")
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines(told)))


def _there(folder: str) -> Path | None:
    return Path(folder) if Path(folder).is_dir() else None


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


def main() -> None:
    """Entry point: one line for what is the user's to mend, exit code 2."""
    flags = [word for word in sys.argv[1:] if word in GLOBAL]
    words = [word for word in sys.argv[1:] if word not in GLOBAL]
    try:
        app([*flags, *words], standalone_mode=True)
    except (RecsysError, OSError) as error:
        if "--debug" in flags:
            raise
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if "--debug" in flags:
            raise
        print(f"internal error: {type(error).__name__}: {one_line(error)}; --debug shows where", file=sys.stderr)
        sys.exit(70)
    except KeyboardInterrupt:
        print("stopped; what was finished is kept", file=sys.stderr)
        sys.exit(130)
