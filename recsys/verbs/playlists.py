"""A bundle in, playlists out: from seeds, from recipes, one-offs."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import DataError, SettingsError
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress

if TYPE_CHECKING:
    from recsys.listing.nightly import Job


def playlist(
    seed: Sequence[Any],
    *,
    bundle: Pathlike,
    out: Pathlike,
    n: int | None = None,
    minutes: float | None = None,
    title: str = "",
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """A playlist file (.m3u8, .xspf, .jspf, .csv, .parquet) from seed tracks; facts name every rule that gave way."""
    from recsys.engine import Engine
    from recsys.playlists import write_playlist

    out, rules = Path(out), (settings or Settings()).playlist
    made, entries = Engine.open(bundle).playlist(seed, n=n, minutes=minutes, settings=rules)
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
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """Make the lists of a file of recipes: those that are due, the same ones again, or fresh ones.

    Args:
        names: recipes; default: all of the file.
        recipes: the file, see ``recsys.playlists.kinds``.
        out: folder of playlist files, one folder per listener; with ``batch`` of Parquet parts.
        listeners: whom for, in place of what recipes say; ["all"] = everyone the model was trained on.
        same: the last list of each again, with the seed and the time that the ledger has.
        fresh: new ones, although those of this day or week are there.
        dry_run: write nothing.
        diff: facts tell what changes against the files that are there.
        ledger: folder that remembers what was listed; default: ``ledger`` beside ``out``.
        report: folder for a .json and a .svg about each list.
        push: address of a Subsonic or OpenSubsonic server that gets the lists, too; see ``recsys.listing.push``.
        batch: many lists as a table, columns listener, name, title, position, track_id, score, reason.
        resume: with ``batch``, keep the finished parts of a killed run.
        time: Unix seconds as of which lists are made; default: now.

    Raises:
        SettingsError: the file is missing or wrong, or same and fresh at once.
        DataError: a recipe that needs a listener and has none.
        UnknownId: a listener that the model has not seen.
    """
    from recsys.listing import jobs, nightly
    from recsys.playlists.recipes import read_recipes

    if same and fresh:
        raise SettingsError("found same and fresh; expected one of them")
    out, recipes = Path(out), Path(recipes)
    found = read_recipes(recipes)
    chosen = found.chosen(names)
    job = nightly.Job(
        bundle=_bundle(bundle),
        recipes=chosen,
        now=clock.time() if time is None else time,
        ledger=out.parent / "ledger" if ledger is None else Path(ledger),
        folder=recipes.parent,
        library=None if found.library is None else recipes.parent / found.library,
        out=None if batch else out,
        reports=None if report is None else Path(report),
        wish="same" if same else "fresh" if fresh else "due",
        dry=dry_run,
        diff=diff,
        push=push,
    )
    todo = nightly.tasks(_engine(job), chosen, listeners)
    if batch and not dry_run:
        return Made(
            "playlist_run", out, jobs.as_parts(job, todo, out, resume=resume, workers=workers, progress=progress)
        )
    return Made("playlist_run", out, jobs.as_files(job, todo, workers=workers, progress=progress))


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
        kind: see ``recsys.playlists.kinds``.
        what: what a recipe of this kind may say, as a mapping or as "key=value".
        out: the file; a kind that makes several lists puts their numbers into the name.
        listeners: whom for; several are one household.
        ledger: folder that remembers lists; default: nothing is remembered.
        report: a file about the list: .json, .txt or .svg.
        push: address of a Subsonic or OpenSubsonic server that gets the list, too; see ``recsys.listing.push``.
        dry_run: write nothing.
        time: Unix seconds as of which the list is made; default: now.

    Raises:
        SettingsError: another kind, an unknown key, a value out of range.
        DataError: data that this kind needs is not there.

    >>> playlist_new("path", {"start": "t1", "end": "t9"}, bundle="data/bundles/main", out="way.m3u8")  # doctest: +SKIP
    """
    from recsys.engine import Engine
    from recsys.listing import Desk, make, written
    from recsys.listing.push import Server
    from recsys.playlists.formats import writer_of
    from recsys.playlists.ledger import Ledger
    from recsys.playlists.recipes import parse_recipe, spoken

    if out is None and not dry_run:
        raise DataError("a playlist needs a file: --out FILE.m3u8 (or --dry-run)")
    said = {"n": n, "minutes": minutes, "title": title}
    told = {**spoken(what), **{name: value for name, value in said.items() if value is not None}}
    path = Path(out or f"{kind}.m3u8")
    writer_of(path.suffix)
    recipe = parse_recipe({"kind": kind, **told, **({"format": path.suffix[1:].lower()})}, kind)
    remembered = None if ledger is None else Ledger(Path(ledger))
    desk = Desk(Engine.open(bundle), now=clock.time() if time is None else time, ledger=remembered)
    who = desk.listener(*(listeners or recipe.listeners)) if listeners or recipe.listeners else None
    lists = make(desk, path.stem, recipe, who, seed=recipe.seed)
    facts = [written.described(desk, one) for one in lists]
    for one, fact in zip(lists, facts, strict=True):
        file = path.with_stem(one.name)
        fact["path"] = str(file)
        fact["text"] = one.report.text()
        if not dry_run:
            written.write(desk, one, file)
            if remembered is not None:
                remembered.append(written.remembered(desk, one, recipe.seed, desk.now, desk.now))
            if push is not None:
                fact["pushed"] = written.push(desk, one, Server(push))
        if report is not None:
            written.tell(one, Path(report).with_stem(Path(report).stem + one.name.removeprefix(path.stem)), desk)
    relaxed = [rule for one in lists for rule in one.report.relaxed]
    return Made(
        "playlist_new", path, {"tracks": sum(len(one.made) for one in lists), "relaxed": relaxed, "lists": facts}
    )


def _bundle(path: Pathlike) -> Path:
    from recsys import bundle as bundles

    return bundles.resolve(Path(path))


def _engine(job: Job) -> Any:
    from recsys.engine import Engine

    return Engine.open(job.bundle)
