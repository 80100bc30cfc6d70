"""A bundle in, playlists out: from seeds, from recipes, one-offs; foreign lists matched; the ledger asked."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import DataError, SettingsError
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Paths, Progress

if TYPE_CHECKING:
    import pandas as pd

    from recsys.listing.nightly import Job, Task

KIND = "playlists"
TASKS_PER_PART = 100


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
    from recsys.listing import nightly
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
        return Made("playlist_run", out, _batch(job, todo, out, workers, resume, progress))
    return Made("playlist_run", out, _facts(job, todo, workers, progress))


def _facts(job: Job, todo: Sequence[Task], workers: int, progress: Progress | None) -> dict[str, Any]:
    """Make all lists as files; what is to be told of them."""
    from recsys.listing import nightly

    done, started, at = nightly.Done(), clock.perf_counter(), 0
    chunks = nightly.parts(todo, TASKS_PER_PART)
    for some, part in zip(chunks, nightly.run(job, chunks, workers=workers), strict=True):
        done.add(part)
        at += len(some)
        if progress:
            progress("playlists", at, len(todo))
    return _told(done, clock.perf_counter() - started) | {"lists": done.lists}


def _told(done: Any, seconds: float) -> dict[str, Any]:
    relaxed = [rule for one in done.lists for rule in one["relaxed"]]
    return {
        "playlists": len(done.lists),
        "tracks": sum(one["tracks"] for one in done.lists),
        "relaxed": relaxed if len(done.lists) == 1 else [],
        "with_relaxed": sum(bool(one["relaxed"]) for one in done.lists),
        "without": done.without,
        "seconds": round(seconds, 3),
    }


def _batch(
    job: Job, todo: Sequence[Task], out: Path, workers: int, resume: bool, progress: Progress | None
) -> dict[str, Any]:
    """Make all lists as one table in parts."""
    from dataclasses import replace

    import pandas as pd

    from recsys.listing import nightly
    from recsys.partitions import Partitions, held_plan

    held = held_plan(out, KIND) if resume else None
    job = replace(job, now=held["time"]) if held else job
    partitions = Partitions(out, KIND, _plan(job, todo))
    partitions.prepare(resume=resume)
    chunks = nightly.parts(todo, TASKS_PER_PART)
    missing = partitions.missing(len(chunks))
    done, started = nightly.Done(), clock.perf_counter()
    results = nightly.run(job, [chunks[number] for number in missing], workers=workers, tables=True)
    for finished, (number, part) in enumerate(zip(missing, results, strict=True), len(chunks) - len(missing) + 1):
        partitions.write(number, pd.concat(part.tables) if part.tables else _no_rows())
        part.tables.clear()
        done.add(part)
        if progress:
            progress("playlists", min(finished * TASKS_PER_PART, len(todo)), len(todo))
    facts = _told(done, clock.perf_counter() - started)
    partitions.seal(facts | {"parts": len(chunks)})
    return facts | {"parts": len(chunks)}


def _no_rows() -> pd.DataFrame:
    import pandas as pd

    columns = {"listener": str, "name": str, "title": str, "position": "int64", "track_id": str, "score": "float32"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in (columns | {"reason": str}).items()})


def _plan(job: Job, todo: Sequence[Task]) -> dict[str, Any]:
    """What fixes every row of the output, apart from the ledger."""
    told = {name: recipe.model_dump(mode="json") for name, recipe in job.recipes.items()}
    return {
        "bundle": job.bundle.name,
        "recipes": _digest(told),
        "tasks": _digest([[task.name, [str(one) for one in task.ids]] for task in todo]),
        "time": int(job.now),
        "wish": job.wish,
    }


def _digest(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


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
    from recsys.playlists.recipes import parse_recipe

    if out is None and not dry_run:
        raise DataError("a playlist needs a file: --out FILE.m3u8 (or --dry-run)")
    said = {"n": n, "minutes": minutes, "title": title}
    told = {**_spoken(what), **{name: value for name, value in said.items() if value is not None}}
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


def _spoken(what: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """ "key=value" words to a mapping; values as TOML where they are, text where not; "a.b=c" goes a level down."""
    import tomllib

    if isinstance(what, Mapping):
        return dict(what)
    told: dict[str, Any] = {}
    for word in what:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise SettingsError(f"{word!r}; expected key=value, e.g. words=calm or start=t0001")
        try:
            value = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            value = text
        *above, name = key.strip().split(".")
        table = told
        for part in above:
            table = table.setdefault(part, {})
        table[name] = [*table[name], value] if isinstance(table.get(name), list) else value
    return _listed(told)


LISTS = ("seeds", "unlike", "artists", "licences", "include", "tracks", "listeners")


def _listed(told: dict[str, Any]) -> dict[str, Any]:
    """Single values where lists are expected, as lists: "a, b" too."""
    return {
        name: _many(value) if name in LISTS and not isinstance(value, list) else value for name, value in told.items()
    }


def _many(value: Any) -> list[Any]:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else [value]


def playlist_match(
    file: Pathlike, *, bundle: Pathlike, out: Pathlike | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """The entries of a playlist file and the tracks they are: columns line, entry, track_id, by, nearest.

    Args:
        file: M3U, XSPF, JSPF, CSV or Parquet from anywhere.
        out: the list of the tracks found, as another file.
    """
    import pandas as pd

    from recsys.engine import Engine
    from recsys.playlists import write_playlist
    from recsys.sources.matching import Matcher
    from recsys.sources.playlist_files import read_listing

    engine, listing = Engine.open(bundle), read_listing(Path(file))
    matcher = Matcher(engine.tracks, engine.catalogue)
    found = [matcher.match(entry) for entry in listing.entries]
    if out is not None:
        entries = [
            engine.entry(one.row, entry.reason)
            for one, entry in zip(found, listing.entries, strict=True)
            if one.row >= 0
        ]
        write_playlist(Path(out), entries, title=listing.name)
    return pd.DataFrame(
        {
            "line": [entry.line for entry in listing.entries],
            "entry": [str(entry) for entry in listing.entries],
            "track_id": [engine.tracks.at(one.row) if one.row >= 0 else None for one in found],
            "by": [one.by for one in found],
            "nearest": [
                f"{engine.name(one.nearest[0])} ({one.nearest[1]:.2f})" if one.nearest else None for one in found
            ],
        }
    )


def playlist_ledger(
    ledger: Pathlike,
    *,
    listeners: Sequence[Any] | None = None,
    names: Sequence[str] = (),
    days: float | None = None,
    plays: Paths = (),
    erase: bool = False,
    settings: Settings | None = None,
    time: float | None = None,
) -> pd.DataFrame:
    """What was put on which list, when and for whom, and what was heard since; one row per track and event.

    Args:
        ledger: its folder.
        listeners, names: only of these listeners and lists.
        days: only of the last days.
        plays: listening logs; plays and skips of what was listed before are added first.
        erase: remove every row of ``listeners``; the table returned has a row for each, with the rows removed and the
            rows left, counted again on disk.

    Raises:
        DataError: erase without listeners, or logs without times.
    """
    import pandas as pd

    from recsys.playlists.ledger import DAY, Ledger

    book = Ledger(Path(ledger))
    if plays:
        _heard_since(book, plays, settings or Settings())
    if erase:
        if not listeners:
            raise DataError("erase needs listeners; name them with --for")
        return pd.DataFrame([book.erase(one)._asdict() for one in listeners])
    now = clock.time() if time is None else time
    rows = book.read(listeners=listeners, since=None if days is None else now - days * DAY)
    return rows[rows["name"].isin(names)].reset_index(drop=True) if names else rows


def _heard_since(book: Any, plays: Paths, settings: Settings) -> None:
    from recsys import sources
    from recsys.playlists.ledger import PLAYED, SKIPPED, heard

    dataset = sources.gather(plays=plays, settings=settings.ingest).dataset
    for event, layer in ((PLAYED, dataset.plays), (SKIPPED, dataset.skips)):
        if layer is None or not len(layer):
            continue
        if layer.time is None:
            raise DataError("these plays have no times; expected a timestamp column")
        users, tracks = layer.users.at(layer.user), layer.tracks.at(layer.track)
        book.append(heard(book, users.tolist(), tracks.tolist(), layer.time.tolist(), event))


def _bundle(path: Pathlike) -> Path:
    from recsys import bundle as bundles

    return bundles.resolve(Path(path))


def _engine(job: Job) -> Any:
    from recsys.engine import Engine

    return Engine.open(job.bundle)
