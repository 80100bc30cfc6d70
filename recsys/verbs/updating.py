"""A bundle and what came since in, a new bundle out; recommendations and what became of them in: update, feedback."""

from __future__ import annotations

import shutil
import time as clock
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import bundle as bundles
from recsys import manifest
from recsys.errors import DataError
from recsys.freshness import fingerprint
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Paths, Progress
from recsys.verbs.symbols import open_beside
from recsys.verbs.tunes import carry_melodies

if TYPE_CHECKING:
    import pandas as pd

    from recsys.audio.space import Space
    from recsys.engine import Engine
    from recsys.forgetting import Forgotten
    from recsys.producers.tagging.kept import Labelled
    from recsys.tables import Dataset, Embeddings
    from recsys.tables.merge import Place
    from recsys.updating import Updated

DEPTH = 20  # rows of a list that a listener is thought to have seen
EXPLORE = 0.1  # least chance that all sources share, where the settings say nothing
FEEDBACK = "feedback"
COUNTS = ("plays", "pairs", "skips", "tracks", "listeners")


def update(
    bundle: Pathlike,
    plays: Paths = (),
    *,
    out: Pathlike | None = None,
    tracks: Paths = (),
    content: Paths = (),
    features: Pathlike | None = None,
    forgotten: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """New plays and new tracks into a bundle without training: a new bundle beside the old one, which stays.

    A log with times may be given whole: plays that the bundle knows are left out. Without times, give what came since.
    Train again from time to time, with these plays among the tables; the facts say when (``advice``).

    Args:
        bundle: the base: a bundle, or the folder of bundles.
        plays: logs of what was played and skipped since.
        out: the folder of bundles; the new one becomes its CURRENT. Default: where the base is.
        tracks: tables that describe new tracks.
        content: tables of features; those of numbers are scaled over their own rows, so give them whole.
        features: a folder that ``analyze`` wrote; its new files become tracks.
        forgotten: folder of proofs that ``forget`` wrote, as of ``ingest``; default: ``forgotten`` above the bundle.
        settings: how columns are named and rows weighed.
        only_stale: nothing to say here: a file that the bundle has already is never folded in twice.
        time: when, Unix seconds UTC; names the bundle. Default: now.

    Raises:
        DataError: nothing new to read.
        ArtefactError: no bundle there.
    """
    from recsys import sources, updating
    from recsys.engine import Engine
    from recsys.forgetting.listed import Forgotten

    settings = settings or Settings()
    engine = Engine.open(bundle)
    gone = Forgotten.above(engine.folder, forgotten)
    given = {"plays": plays, "tracks": tracks, "content": content}
    files = sources.find_files(**given, playlists=())
    inputs = {kind: {str(path): manifest.sha256(path) for path in paths} for kind, paths in files.items() if paths}
    if features is not None:
        inputs["features"] = {str(features): fingerprint(Path(features))}
    if not inputs:
        raise DataError("nothing new; expected --plays, --tracks, --content or --features")
    had = set(_story(engine).get("files", ()))
    if _hashes(inputs) <= had:
        return Made("update", engine.folder, engine.facts, unchanged=True)
    given["plays"] = [path for path in files["plays"] if inputs["plays"][str(path)] not in had]
    started = clock.perf_counter()
    new, digests = _gathered(engine, given, features, settings, gone, progress)
    updated = updating.update(engine, new, seed=settings.train.seed)

    def write(folder: Path) -> dict[str, Any]:
        _carry_spaces(folder, engine, updated.tracks, features, digests)
        return _write(folder, engine, updated, inputs, settings, clock.perf_counter() - started)

    target = Path(out) if out is not None else engine.folder.parent
    made = bundles.create(target, write, time=clock.time() if time is None else time)
    return Made("update", made, manifest.read(made))


def _gathered(
    engine: Engine,
    given: Mapping[str, Paths],
    features: Pathlike | None,
    settings: Settings,
    gone: Forgotten | None,
    progress: Progress | None,
) -> tuple[Dataset, pd.Series | None]:
    """What the sources hold; and of a library of sound the hash of each track's, over the tracks of the bundle too."""
    from recsys import sources, updating
    from recsys.tables.merge import merged

    how: dict[str, Any] = {**given, "settings": settings.ingest, "forgotten": gone, "progress": progress}
    new = sources.gather(**how).dataset if any(given.values()) else None
    if features is None:
        assert new is not None
        return _with_words(engine, new), None
    from recsys import joining
    from recsys.audio.store import open_features
    from recsys.verbs.labelled import said_now
    from recsys.verbs.raw import believed
    from recsys.verbs.words import said_of

    base = updating.known_dataset(engine)
    silent = type(base)(type(base.plays).empty(base.users, base.tracks), base.catalogue)
    known = merged(silent, new).dataset if new is not None else silent
    labelled = said_now(features, settings=settings, progress=progress)
    library = open_features(features)
    spaces = [] if labelled is None else _known_spaces(engine, labelled)
    heard = open_beside(features, library)
    sizes = {name: space.dimensions for name, space in engine.contents.items()}
    spaces += [space for space in heard.spaces() if sizes.get(space.space) == space.dimensions] if heard else []
    joined = joining.join(
        known, library, spaces, space=_space(engine.folder), said=said_of(library, labelled, settings)
    )
    dataset = joined.dataset if labelled is None else believed(joined.dataset, labelled)
    return _with_words(engine, dataset), joined.digests


def _known_spaces(engine: Engine, labelled: Labelled) -> list[Embeddings]:
    """Those spaces of what was said that the bundle has, made by the same producer."""
    from recsys.producers.tagging.ask import INSTRUMENT
    from recsys.tables.predicted import BY

    frame = engine.catalogue.frame
    known = {by for name in frame if str(name).endswith(BY) for by in frame[name].dropna().unique()}
    said = {name: one for name, one in labelled.said.items() if one.by in known}
    same = replace(labelled, said=said, embedding=labelled.embedding if INSTRUMENT in said else None)
    sizes = {name: space.dimensions for name, space in engine.contents.items()}
    return [space for space in same.spaces() if sizes.get(space.space) == space.dimensions]


def _with_words(engine: Engine, new: Dataset) -> Dataset:
    """New tracks placed by their text too, where the bundle has such a space."""
    from recsys.opened import WORDS
    from recsys.producers.text.space import NAME, TextSpace

    if not (engine.folder / WORDS).is_dir():
        return new
    space = TextSpace.from_arrays(bundles.open_arrays(engine.folder / WORDS))
    return replace(new, contents={**new.contents, NAME: space.vectors(new.catalogue.frame)})


def _space(bundle: Path) -> Space | None:
    from recsys.audio.space import NAME, Space

    return Space.open(bundle / NAME) if (bundle / NAME).is_dir() else None


def _carry_spaces(
    folder: Path, engine: Engine, tracks: Place, features: Pathlike | None, digests: pd.Series | None
) -> None:
    """Take along what places texts and sounds, finds tunes, and tells which track has which sound."""
    from recsys.opened import WORDS

    if (engine.folder / WORDS).is_dir():
        shutil.copytree(engine.folder / WORDS, folder / WORDS)
    carry_melodies(engine, folder, tracks, features, digests)
    space = _space(engine.folder)
    if space is None:
        return
    import numpy as np
    import pandas as pd

    from recsys.audio.outside import SOUNDS, save_sounds
    from recsys.audio.space import NAME

    space.save(folder / NAME)
    held = bundles.open_arrays(engine.folder / NAME / SOUNDS)
    known = np.full(tracks.size, None, object) if digests is None else digests.to_numpy(object, copy=True)
    if "row" in held:
        known[tracks.rows[held["row"]]] = [digest.decode() for digest in held["digest"].tolist()]
    save_sounds(folder / NAME, pd.Series(known))


def _write(
    folder: Path,
    engine: Engine,
    updated: Updated,
    inputs: Mapping[str, Mapping[str, str]],
    settings: Settings,
    seconds: float,
) -> dict[str, Any]:
    """The bundle's files; returns facts for its manifest."""
    from recsys import record
    from recsys.drift import advice
    from recsys.opened import write_engine

    following = engine.following and engine.following.moved(updated.tracks)
    write_engine(folder, updated.dataset, updated.model, updated.index, following)
    base, before = engine.facts, _story(engine)
    made_from = {"bundle": engine.folder.name, "files": fingerprint(engine.folder), "inputs": inputs}
    facts = record.write(folder, updated.dataset, base["chosen"], base["models"], settings, seconds, made_from)
    shutil.copyfile(engine.folder / "settings.toml", folder / "settings.toml")  # those of the training
    trained = before.get("trained") or _trained(engine)
    since = {noun: before.get("since", {}).get(noun, 0) + updated.counts[noun] for noun in COUNTS}
    story = {
        "bundle": before.get("bundle", engine.folder.name),
        "updates": before.get("updates", 0) + 1,
        "trained": trained,
        "now": updated.counts,
        "since": since,
        "drift": updated.drift,
        "notes": updated.notes,
        "advice": advice(since, trained, updated.drift),
        "files": sorted({*before.get("files", ()), *_hashes(inputs)}),
    }
    told = {"seed": base["seed"], "update": story, "headline": _headline(story)}
    return {"made_from": made_from, **facts, **told, "index": updated.index.facts() if updated.index else []}


def _headline(story: Mapping[str, Any]) -> str:
    """What happened, in words."""
    now = story["now"]
    told = f"folded in {now['plays']:,} plays, {now['tracks']:,} new tracks, {now['listeners']:,} new listeners"
    told += f", content of {now['described']:,} tracks" if now["described"] else ""
    return "; ".join([told, *story["notes"], *story["advice"]])


def _story(engine: Engine) -> dict[str, Any]:
    """What earlier updates wrote about themselves."""
    return dict(engine.facts.get("update", {}))


def _trained(engine: Engine) -> dict[str, int]:
    """How much the last training learned from."""
    return {"pairs": int(engine.histories.nnz), "tracks": len(engine.tracks), "listeners": len(engine.users)}


def _hashes(inputs: Mapping[str, Mapping[str, str]]) -> set[str]:
    return {digest for files in inputs.values() for digest in files.values()}


def feedback(
    bundle: Pathlike,
    recs: Pathlike,
    plays: Paths,
    *,
    out: Pathlike,
    depth: int = DEPTH,
    pseudonyms: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """What became of recommendations: hit rates by source, what other mixes would have been worth, a posterior.

    Rows are trials when their listener did anything since, and hits when the track was played. Where ``recommend``
    wrote chances down (``explore``), what is learned can be given to it as ``feedback``.

    Args:
        bundle: that the lists came from.
        recs: a folder that ``recommend`` wrote.
        plays: what was played and skipped since, and nothing older.
        out: the folder to write; what an earlier one there learned is built upon.
        depth: the first so many of each list count as shown.
        pseudonyms: file of the key under which ``recs`` name listeners, where they do.
        settings: how columns are named; ``recommend.explore`` is the least chance that all sources share.
        only_stale: do nothing when these lists and plays were counted before.

    Raises:
        ArtefactError: no lists there, or no feedback in a folder that is there.
        DataError: nothing readable.
    """
    from recsys import outcomes, sources
    from recsys.engine import Engine
    from recsys.exploring import Exploration
    from recsys.pseudonyms import there

    settings, out, recs = settings or Settings(), Path(out), Path(recs)
    paths = sources.find_files(plays=plays, tracks=(), playlists=(), content=())["plays"]
    counted = [fingerprint(recs), *sorted(manifest.sha256(path) for path in paths)]
    before = manifest.read(out, FEEDBACK) if out.is_dir() and manifest.find(out) else {}
    if counted in before.get("counted", []):
        return Made("feedback", out, before, unchanged=True)
    later = sources.gather(plays=plays, settings=settings.ingest, progress=progress).dataset
    found = outcomes.trials(outcomes.read_lists(recs, depth), later, there(pseudonyms))
    held = {name: (a, b) for name, (a, b) in before.get("posterior", {}).items()}
    posterior = outcomes.posterior(found, held)
    explore = settings.recommend.explore or EXPLORE
    chance = Exploration(explore, posterior).chances(Engine.open(bundle).model) if posterior else {}
    told = found.together(settings.privacy.audience)
    named = {"mix", "shown", *told.source.tolist()}
    facts = {
        "counted": [*before.get("counted", []), counted],
        "depth": depth,
        "rates": outcomes.rates(told),
        "worth": {name: worth for name, worth in outcomes.worths(found, chance).items() if name in named},
        "posterior": posterior,
        "chances": chance,
        "headline": "; ".join(outcomes.told(found, chance)),
    }
    with manifest.fresh_folder(out) as work:
        manifest.seal(work, FEEDBACK, facts)
    return Made("feedback", out, manifest.read(out, FEEDBACK))
