"""The whole main job on the built-in sample world, in a folder of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from recsys import api
from recsys.manifest import find
from recsys.pipeline import main_job
from recsys.settings import Settings, parse

WORLD = "data/raw/sample"
if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int], None]


def settings(folder: Path) -> Settings:
    """Where the sample world's files and results are, below ``folder``."""
    raw, data = folder / WORLD, folder / "data"
    paths = {
        "plays": [str(raw / "plays.csv")],
        "tracks": [str(raw / "tracks.csv")],
        "playlists": [str(raw / "playlists")],
        "content": [str(raw / "sound.csv")],
        "tables": str(data / "tables/sample"),
        "bundles": str(data / "bundles/sample"),
        "out": str(data / "out/sample"),
    }
    return parse({"paths": paths})


def play(folder: Path, *, progress: Progress | None = None) -> str:
    """Build the world if it is not there, do every step that is out of date, and tell what was made.

    Args:
        folder: everything is written below its ``data``.
        progress: called with (what, done, total).
    """
    from recsys.sources.sample import write_world

    raw, chosen = folder / WORLD, settings(folder)
    if find(raw) is None:
        write_world(raw, progress=progress)
    made = {step.verb: step for step in api.do(chosen, main_job(chosen), progress=progress)}
    bundle, out = made["train"].path, Path(chosen.paths.out)
    seed = api.open_engine(bundle).most_played(1)[0]
    near = api.similar([seed], bundle=bundle, n=5)
    listing = api.playlist([seed], bundle=bundle, out=out / "first-playlist.m3u8", n=20)
    return _told(folder, made, near, listing)


def _told(folder: Path, made: dict[str, api.Made], near: pd.DataFrame, listing: api.Made) -> str:
    """The last screen: what was made, where, and what to type next."""
    recs, train, report = made["recommend"], made["train"], made["evaluate"]
    lines = [
        "",
        "The sample world (made by code; it shows how things work, not how good they are):",
        f"  tables           {made['ingest'].path}",
        f"  engine           {train.path}  (model: {train.facts['chosen']})",
        f"  report           {report.path}/report.html",
        f"  recommendations  {recs.path}  ({recs.facts['listeners']} listeners)",
        f"  a playlist       {listing.path}  ({listing.facts['tracks']} tracks)",
        "",
        f"Tracks most like {near['query'].iat[0]}:",
        *(f"  {row.rank}. {row.title} – {row.artist}  ({row.reason})" for row in near.itertuples()),
        "",
        "Now with your own listening log (CSV, TSV, JSON lines or Parquet with a listener and a track column):",
        "  mkdir my-music && cd my-music",
        f'  {_command()} init   # then name your log in recsys.toml: plays = ["plays.csv"]',
        f"  {_command()} run    # tables, engine, report, recommendations",
    ]
    return "\n".join(lines)


def _command() -> str:
    """How to call this program from any folder."""
    mine = Path(sys.argv[0]).absolute()
    return "recsys" if shutil.which("recsys") == str(mine) else str(mine)
