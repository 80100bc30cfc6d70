"""The whole main job on the built-in sample world, in a folder of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from recsys import api
from recsys.manifest import find
from recsys.pipeline import main_job
from recsys.settings import Settings, parse
from recsys.verbs.raw import AUDIO

WORLD = "data/raw/sample"
if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int], None]


def settings(folder: Path, *, sound: bool = True) -> Settings:
    """Where the sample world's files and results are, below ``folder``; without sound a table stands for it."""
    raw, data = folder / WORLD, folder / "data"
    content = {"audio": [str(raw / "audio")]} if sound else {"content": [str(raw / "descriptors.csv")]}
    paths = {
        "plays": [str(raw / "plays.csv")],
        "tracks": [str(raw / "tracks.csv")],
        "playlists": [str(raw / "playlists")],
        **content,
        "features": str(data / "features/sample"),
        "tables": str(data / "tables/sample"),
        "bundles": str(data / "bundles/sample"),
        "out": str(data / "out/sample"),
    }
    return parse({"paths": paths, "label": {"minutes": 0.25}})  # arms that take longer are left out


def can_hear() -> bool:
    """Whether the packages are there that sound needs."""
    return all(find_spec(package) for package in AUDIO)


def play(folder: Path, *, progress: Progress | None = None) -> str:
    """Build the world if it is not there, do every step that is out of date, and tell what was made.

    Args:
        folder: everything is written below its ``data``.
        progress: called with (what, done, total).
    """
    from recsys.sources.sample import write_world

    raw, sound = folder / WORLD, can_hear()
    chosen = settings(folder, sound=sound)
    if find(raw) is None:
        write_world(raw, progress=progress)
    made = {step.verb: step for step in api.do(chosen, main_job(chosen), progress=progress)}
    bundle, out = made["train"].path, Path(chosen.paths.out)
    seed = api.open_engine(bundle).most_played(1)[0]
    ways = ("sound", "hybrid") if sound else ("hybrid",)
    near = {by: api.similar([seed], bundle=bundle, by=by, n=3) for by in ways}
    listing = api.playlist([seed], bundle=bundle, out=out / "first-playlist.m3u8", n=20)
    return _told(folder, made, near, listing)


def _told(folder: Path, made: dict[str, api.Made], near: dict[str, pd.DataFrame], listing: api.Made) -> str:
    """The last screen: what was made, where, and what to type next."""
    recs, train, report = made["recommend"], made["train"], made["evaluate"]
    lines = [
        "",
        "The sample world (made by code; it shows how things work, not how good they are):",
        f"  music            {folder / WORLD / 'audio'}  (synthesised clips of 6 s)",
        *_heard(made.get("analyze")),
        f"  tables           {made['ingest'].path}",
        f"  engine           {train.path}  (model: {train.facts['chosen']})",
        f"  report           {report.path}/report.html",
        f"  recommendations  {recs.path}  ({recs.facts['listeners']} listeners)",
        f"  a playlist       {listing.path}  ({listing.facts['tracks']} tracks)",
        *(line for by, rows in near.items() for line in _neighbours(by, rows)),
        *(_next_by_sound(folder, near["sound"]["query"].iat[0], train.path) if "sound" in near else ()),
        "",
        "Now with your own listening log (CSV, TSV, JSON lines or Parquet with a listener and a track column):",
        "  mkdir my-music && cd my-music",
        f'  {_command()} init   # then name your log in recsys.toml: plays = ["plays.csv"]; music: audio = ["music"]',
        f"  {_command()} run    # features, tables, engine, report, recommendations",
    ]
    return "\n".join(lines)


def _heard(analysed: api.Made | None) -> list[str]:
    if analysed is None:
        return ["  features         none: pip install 'recsys[audio]' to have the clips heard"]
    told = f"{analysed.facts['tracks']} tracks heard: tempo, key, loudness, vectors"
    return [f"  features         {analysed.path}  ({told})"]


def _neighbours(by: str, near: pd.DataFrame) -> list[str]:
    """Neighbours, a line each, under a heading."""
    way = {"sound": "that sound most like", "hybrid": "most like"}[by]
    rows = (f"  {row.rank}. {row.title} – {row.artist}  ({row.reason})" for row in near.itertuples())
    return ["", f"Tracks {way} {near['query'].iat[0]}:", *rows]


def _next_by_sound(folder: Path, track: str, bundle: Path) -> list[str]:
    """What to type to ask by a file of sound."""
    clip = folder / WORLD / "audio" / f"{track}.ogg"
    words = f"{_command()} describe {clip}", f"{_command()} similar {clip} --by sound --bundle {bundle.parent}"
    return [
        "",
        "Everything known about one sound, and its neighbours; any sound file will do:",
        *(f"  {w}" for w in words),
    ]


def _command() -> str:
    """How to call this program from any folder."""
    mine = Path(sys.argv[0]).absolute()
    return "recsys" if shutil.which("recsys") == str(mine) else str(mine)
