"""A bundle in, playlists out: from seeds, from recipes, one-offs."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import DataError, SettingsError
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress

if TYPE_CHECKING:
    from recsys.listing.editions import Wish
    from recsys.listing.nightly import Job
    from recsys.playlists.kinds import Recipe


def playlist(
    seed: Sequence[Any],
    *,
    bundle: Pathlike,
    out: Pathlike,
    n: int | None = None,
    minutes: float | None = None,
    where: str | None = None,
    mood: str | None = None,
    title: str = "",
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """A playlist file (.m3u8, .xspf, .jspf, .csv, .parquet) from seed tracks; facts name every rule that gave way.

    Args:
        where, mood: what all tracks but the seeds satisfy, as of ``recommend``.
    """
    from recsys.engine import Engine
    from recsys.playlists import write_playlist
    from recsys.tables.narrowed import narrowed

    out, rules, engine = Path(out), (settings or Settings()).playlist, Engine.open(bundle)
    asked = narrowed(engine.catalogue.frame, where, mood)
    made, entries = engine.playlist(seed, n=n, minutes=minutes, where=asked, settings=rules)
    write_playlist(out, entries, title=title or f"From {entries[0].title or seed[0]}")
    facts = {"tracks": len(entries), "seconds": made.seconds, "relaxed": [str(one) for one in made.relaxed]}
    return Made("playlist", out, facts)


def playlist_run(
    names: Sequence[str] = (),
    *,
    recipes: Pathlike = "playlists.toml",
    bundle: Pathlike,
    out: Pathlike,
    listeners: Sequence[Any] | None = None,
    same: bool = False,
    fresh: bool = False,
    dry_run: bool = False,
    diff: bool = False,
    ledger: Pathlike | None = None,
    report: Pathlike | None = None,
    push: str | None = None,
    batch: bool = False,
    resume: bool = False,
    workers: int = 2,
    pseudonyms: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """Make the lists of a file of recipes: those that are due, the same ones again, or fresh ones.

    Args:
        recipes: the file, see ``recsys.playlists.kinds``; ``names``: some of its recipes, default all.
        out: folder of playlist files, one folder per listener; with ``batch`` of Parquet parts with the columns
            listener, name, title, position, track_id, score, reason, of which ``resume`` keeps those of a killed run.
        listeners: whom for, in place of what recipes say; ["all"] = everyone the model was trained on.
        same: the last list of each again, by the ledger. fresh: new ones, although those of this period are there.
        diff: facts tell what changes against the files that are there.
        ledger: folder that remembers what was listed; default: ``ledger`` beside ``out``.
        report: folder for a .json and a .svg about each list.
        push: address of a Subsonic or OpenSubsonic server that gets the lists, too; see ``recsys.listing.push``.
        pseudonyms: with ``batch``, file of the key under which the table names listeners in place of their ids.
        time: Unix seconds as of which lists are made; default: now.

    Raises:
        SettingsError: the file is missing or wrong, same and fresh at once, or pseudonyms for what is no table.
        DataError: a recipe that needs a listener and has none.
        UnknownId: a listener that the model has not seen.
    """
    from recsys.engine import Engine
    from recsys.listing import jobs, nightly
    from recsys.pseudonyms import named

    if same and fresh:
        raise SettingsError("found same and fresh; expected one of them")
    if pseudonyms is not None and (not batch or push or report):
        raise SettingsError("pseudonyms are for tables; expected --batch, and neither --push nor --report")
    out = Path(out)
    job = _job(Path(recipes), names, bundle, out.parent / "ledger" if ledger is None else Path(ledger), time)
    wish: Wish = "same" if same else "fresh" if fresh else "due"
    reports, files = None if report is None else Path(report), None if batch else out
    job = replace(job, out=files, reports=reports, wish=wish, dry=dry_run, diff=diff, push=push)
    todo, hidden = nightly.tasks(Engine.open(job.bundle), job.recipes, listeners), named(pseudonyms)
    if hidden is not None:  # in the order of names: that of ids would tell who is who
        job, todo = replace(job, pseudonyms=hidden), sorted(todo, key=lambda task: (task.name, *hidden.of(task.ids)))
    if batch and not dry_run:
        made = jobs.as_parts(job, todo, out, resume=resume, workers=workers, progress=progress)
    else:
        made = jobs.as_files(job, todo, workers=workers, progress=progress)
    return Made("playlist_run", out, made)


def _job(file: Path, names: Sequence[str], bundle: Pathlike, ledger: Path, time: float | None) -> Job:
    """What every list of a run is made with."""
    from recsys import bundle as bundles
    from recsys.listing.nightly import Job
    from recsys.playlists.recipes import read_recipes

    found = read_recipes(file)
    now, library = clock.time() if time is None else time, found.library
    whole = None if library is None else file.parent / library
    return Job(bundles.resolve(Path(bundle)), found.chosen(names), now, ledger, folder=file.parent, library=whole)


def playlist_new(
    kind: str,
    what: Mapping[str, Any] | Sequence[str] = (),
    *,
    bundle: Pathlike,
    out: Pathlike | None = None,
    listeners: Sequence[Any] | None = None,
    n: int | None = None,
    minutes: float | None = None,
    title: str | None = None,
    ledger: Pathlike | None = None,
    report: Pathlike | None = None,
    push: str | None = None,
    dry_run: bool = False,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """One list of a kind (radio, mix, continue, path, mood, curve, rediscover, discover, new, …), without a recipe.

    Args:
        kind: see ``recsys.playlists.kinds``; ``what``: what a recipe of it may say, a mapping or "key=value" each.
        out: the file; a kind that makes several lists puts their numbers into the name.
        listeners: whom for; several are one household.
        ledger: folder that remembers lists; default: nothing is remembered.
        report: a file about the list: .json, .txt or .svg.
        push: address of a Subsonic or OpenSubsonic server that gets the list, too; see ``recsys.listing.push``.
        time: Unix seconds as of which the list is made; default: now.

    Raises:
        SettingsError: another kind, an unknown key, a value out of range.
        DataError: data that this kind needs is not there.

    >>> playlist_new("path", {"start": "t1", "end": "t9"}, bundle="data/bundles/main", out="way.m3u8")  # doctest: +SKIP
    """
    from recsys.engine import Engine
    from recsys.listing import Desk
    from recsys.listing.single import single
    from recsys.playlists.ledger import Ledger

    if out is None and not dry_run:
        raise DataError("a playlist needs a file: --out FILE.m3u8 (or --dry-run)")
    path = Path(out or f"{kind}.m3u8")
    recipe = _recipe(kind, what, path.suffix, {"n": n, "minutes": minutes, "title": title})
    remembered, now = None if ledger is None else Ledger(Path(ledger)), clock.time() if time is None else time
    desk = Desk(Engine.open(bundle), now=now, ledger=remembered)
    report = None if report is None else Path(report)
    facts = single(desk, path, recipe, listeners or recipe.listeners, dry=dry_run, report=report, push=push)
    return Made("playlist_new", path, facts)


def _recipe(kind: str, what: Mapping[str, Any] | Sequence[str], suffix: str, said: Mapping[str, Any]) -> Recipe:
    """What is asked for, as a recipe would say it."""
    from recsys.playlists.formats import writer_of
    from recsys.playlists.recipes import parse_recipe, spoken

    writer_of(suffix)
    known = {name: value for name, value in said.items() if value is not None}
    return parse_recipe({"kind": kind, **spoken(what), **known, "format": suffix[1:].lower()}, kind)
