"""The application, and what the commands share: options, settings, where a project keeps things."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import exits, terminal
from recsys.errors import DataError
from recsys.settings import FILE, Settings, load, override

app = typer.Typer(
    name="recsys",
    help="Music recommendation: batch lists, playlists and similar tracks, measured on your own data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=exits.table().replace("\n", "\n\n"),
)

Set = Annotated[list[str] | None, typer.Option("--set", help="Override a setting, e.g. ials.factors=128; repeatable.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.", min=0)]
Tables = Annotated[Path | None, typer.Option(help="Folder of tables that ingest wrote.")]
Bundle = Annotated[Path | None, typer.Option(help="Bundle, or folder of bundles, that train wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Where = Annotated[str | None, typer.Option(help="Filter, e.g. \"genre = 'jazz' and p_genre > .8 and year >= 1990\".")]
Mood = Annotated[str | None, typer.Option(help='Words such as "calm, tender"; or "valence>.6,arousal<.4".')]
Names = Annotated[Path | None, typer.Option("--pseudonyms", help="Key file: names for listeners in place of ids.")]
Proofs = Annotated[Path | None, typer.Option("--forgotten", help="Folder of forget: who is on its list stays out.")]
More = Annotated[list[str] | None, typer.Argument(hidden=True)]


def settled(assignments: list[str] | None) -> Settings:
    """recsys.toml of this folder where there is one, and the --set options on top."""
    found = load(Path(FILE)) if Path(FILE).is_file() else Settings()
    return override(found, assignments or ())


def default(settings: Settings, what: str) -> Path:
    """Where the project keeps its tables or bundles; outside a project it must be said."""
    if not Path(FILE).is_file():
        option = "tables" if what == "tables" else "bundle"
        raise DataError(f"no --{option} given and no {FILE} here; name one, or make a project with: recsys init")
    return Path(getattr(settings.paths, what))


@app.callback()
def settle(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Messages as JSON lines; or RECSYS_LOG=json.")] = False,
) -> None:
    """Options that every command has; they may stand anywhere on the line."""
    terminal.be_quiet(quiet, log_json=log_json)
