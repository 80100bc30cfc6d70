"""Playlists from a bundle: from seeds, from recipes, one-offs; foreign lists; the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from recsys import api, terminal
from recsys.commands.options import Bundle, Json, Mood, More, Names, Set, Where, app, default, settled
from recsys.errors import DataError
from recsys.settings import FILE, Settings
from recsys.terminal import progress_bars

USUAL = "from"  # the command that is meant when none is named
FEW = 5  # lists that are told about one by one


class Words(TyperGroup):
    """A group whose usual command need not be named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As every group, but options without a command belong to the usual one."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [USUAL, *args]
        return super().parse_args(ctx, args)


group = typer.Typer(cls=Words, no_args_is_help=True, help="Playlists: from seeds, from recipes, one-offs; the ledger.")
app.add_typer(group, name="playlist")
For = Annotated[list[str] | None, typer.Option("--for", help="Listener; repeatable; all = everyone.")]
Ledger = Annotated[Path | None, typer.Option(help="Folder that remembers what was listed.")]
Push = Annotated[str | None, typer.Option(help="Address of a Subsonic server that gets the lists, too.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing.")]


@group.command(USUAL)
def playlist(
    more: More = None,
    seed: Annotated[list[str] | None, typer.Option("--seed", help="Track to start from; repeatable.")] = None,
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Playlist file: .m3u8, .xspf, .jspf, .csv or .parquet.")] = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Length in tracks.", min=1)] = None,
    minutes: Annotated[float | None, typer.Option(help="Length in minutes.", min=1)] = None,
    where: Where = None,
    mood: Mood = None,
    title: Annotated[str, typer.Option(help="Name of the playlist.")] = "",
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """From seed tracks: neighbours of all, artists spread, nothing twice. "from" may be left out."""
    settings = settled(set_)
    seeds = [*(seed or []), *(more or [])]
    if not seeds or out is None:
        raise DataError("a playlist needs --seed TRACK_ID and --out FILE.m3u8; see also: recsys playlist --help")
    made = api.playlist(
        seeds,
        bundle=bundle or default(settings, "bundles"),
        out=out,
        n=n,
        minutes=minutes,
        where=where,
        mood=mood,
        title=title,
        settings=settings,
    )
    terminal.finish(made, as_json)


@group.command("run")
def playlist_run(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Recipes; default: all.")] = None,
    recipes: Annotated[Path, typer.Option(help="File of recipes.")] = Path("playlists.toml"),
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write.")] = None,
    listeners: For = None,
    same: Annotated[bool, typer.Option("--same", help="The last lists again.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="New lists, even if this day's are there.")] = False,
    dry_run: DryRun = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what changes against the files there.")] = False,
    ledger: Ledger = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a .json and a .svg about each list.")] = None,
    push: Push = None,
    batch: Annotated[bool, typer.Option("--batch", help="Parquet parts instead of single files.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="With --batch: keep finished parts.")] = False,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    pseudonyms: Names = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Recipes of playlists.toml: the lists that are due."""
    settings = settled(set_)
    with progress_bars() as progress:
        made = api.playlist_run(
            names or (),
            recipes=recipes,
            bundle=bundle or default(settings, "bundles"),
            out=out or Path(settings.paths.out) / "playlists",
            listeners=listeners,
            same=same,
            fresh=fresh,
            dry_run=dry_run,
            diff=diff,
            ledger=ledger or _ledger(settings, out),
            report=report,
            push=push,
            batch=batch,
            resume=resume,
            workers=workers,
            pseudonyms=pseudonyms,
            settings=settings,
            progress=progress,
        )
    _tell_all(made)
    terminal.finish(made, as_json)


def _ledger(settings: Settings, out: Path | None) -> Path | None:
    """The project's ledger; beside ``out`` where there is no project."""
    return Path(settings.paths.out) / "ledger" if out is None or Path(FILE).is_file() else None


def _tell_all(made: Any) -> None:
    """What changed, which lists gave way, and which could not be made."""
    lists = made.facts.get("lists", [])
    for one in lists:
        if one.get("diff"):
            terminal.say(f"{one['path']}\n{one['diff']}")
        for rule in one["relaxed"] if len(lists) <= FEW else []:
            terminal.say(f"{one['name']}: {rule}")
    for one in lists:
        for entry in one.get("pushed", {}).get("lost", []):
            terminal.say(f"{one['name']}: not on the server: {entry}")
    for task, why in made.facts["without"].items():
        terminal.say(f"no list of {task}: {why}")


@group.command("new")
def playlist_new(
    kind: Annotated[str, typer.Argument(help="radio, mix, path, mood, curve, discover, …")],
    what: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="As in a recipe.")] = None,
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="Playlist file: .m3u8, .xspf, .jspf, .csv or .parquet.")] = None,
    listeners: For = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Length in tracks.", min=1)] = None,
    minutes: Annotated[float | None, typer.Option(help="Length in minutes.", min=1)] = None,
    title: Annotated[str | None, typer.Option(help="Name of the playlist.")] = None,
    ledger: Ledger = None,
    report: Annotated[Path | None, typer.Option(help="A file about the list: .json, .txt or .svg.")] = None,
    push: Push = None,
    dry_run: DryRun = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """One list without a recipe, e.g. recsys playlist new path start=t0001 end=t0009 --out way.m3u8"""
    settings = settled(set_)
    made = api.playlist_new(
        kind,
        what or (),
        bundle=bundle or default(settings, "bundles"),
        out=out,
        listeners=listeners,
        n=n,
        minutes=minutes,
        title=title,
        ledger=ledger,
        report=report,
        push=push,
        dry_run=dry_run,
        settings=settings,
    )
    for one in made.facts["lists"] if not as_json else []:
        print(one["text"])
    terminal.finish(made, as_json)


@group.command("match")
def playlist_match(
    file: Annotated[Path, typer.Argument(help="Playlist from anywhere: M3U, XSPF, JSPF, CSV, Parquet.")],
    bundle: Bundle = None,
    out: Annotated[Path | None, typer.Option(help="The tracks found, as another file.")] = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Which tracks the entries of a foreign playlist are, and which are none."""
    settings = settled(set_)
    found = api.playlist_match(file, bundle=bundle or default(settings, "bundles"), out=out, settings=settings)
    _table(found, as_json)
    lost = int(found["track_id"].isna().sum())
    terminal.say(f"{len(found) - lost} of {len(found)} entries are tracks known here")


@group.command("ledger")
def playlist_ledger(
    ledger: Ledger = None,
    listeners: For = None,
    names: Annotated[list[str] | None, typer.Option("--name", help="Of this list; repeatable.")] = None,
    days: Annotated[float | None, typer.Option(help="Of the last days.")] = None,
    plays: Annotated[list[str] | None, typer.Option(help="Listening log with what was heard since.")] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Remove the listeners named with --for.")] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Make one file of all; many lists are read faster.")
    ] = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """What was listed, when, for whom; what was heard since; --erase forgets a listener, --compact tidies up."""
    settings = settled(set_)
    found = api.playlist_ledger(
        ledger or Path(settings.paths.out) / "ledger",
        listeners=listeners,
        names=names or (),
        days=days,
        plays=plays or (),
        erase=erase,
        compact=compact,
        settings=settings,
    )
    _table(found, as_json)


def _table(found: Any, as_json: bool) -> None:
    if as_json:
        print(found.to_json(orient="records", force_ascii=False, indent=1))
    else:
        terminal.print_table(found)
