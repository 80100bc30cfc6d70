"""The verbs as data flows: analyze, ingest, train, evaluate, tune, recommend, similar, playlist, describe, inspect.

Each verb is a command of the same name and a step of a pipeline file, with the same words and defaults.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import bundle as bundles
from recsys import manifest
from recsys.errors import DataError, MissingExtra
from recsys.freshness import current_bundle, fingerprint, is_current
from recsys.settings import FILE, Settings

if TYPE_CHECKING:
    import pandas as pd

    from recsys.engine import Engine
    from recsys.joining import Joined
    from recsys.sources import Gathered

Pathlike = str | Path
Paths = Sequence[Pathlike]
Progress = Callable[[str, int, int], None]
AUDIO = ("soxr", "av", "tinytag")


@dataclass(frozen=True)
class Made:
    """What a verb wrote: where, facts about it, and whether it was already there and up to date."""

    verb: str
    path: Path
    facts: Mapping[str, Any]
    unchanged: bool = False


def analyze(
    audio: Paths,
    *,
    out: Pathlike,
    workers: int | None = None,
    windows: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Folders of sound files to a folder of features: tags, traits, vectors; only what is new or changed is heard.

    Args:
        audio: folders, or single files; the result holds these and no others.
        out: the folder to write or to bring up to date; a killed run goes on where it stopped.
        workers: processes.
        windows: windows of at most 30 s heard of each file.
        settings: ``producers.onnx.path`` names an encoder of one's own; its vectors go beside ``out``.
        only_stale: nothing to say here: finished work is never done again.
        progress: called with (what, done, total).

    Raises:
        MissingExtra: packages that read sound are not installed.
        DataError: a folder does not exist.
    """
    _need_audio()
    from recsys.audio import library

    settings, out = settings or Settings(), Path(out)
    wanted = settings.analyze.model_copy(update=_given(workers=workers, windows=windows))
    wanted = type(wanted).model_validate(wanted.model_dump())
    made = library.analyze(audio, out, **wanted.model_dump(), progress=progress)
    encoded = _encode(out, settings, wanted.windows, progress)
    return Made("analyze", out, {**made, **encoded}, unchanged=made["unchanged"] and not encoded.get("encoded"))


def _encode(features: Path, settings: Settings, windows: int, progress: Progress | None) -> dict[str, Any]:
    """Vectors by an encoder of one's own, where the settings name one, into a folder beside the features."""
    onnx = settings.producers.onnx
    if onnx.path is None:
        return {}
    from recsys.audio.store import open_features
    from recsys.producers.onnx import Encoder, write_vectors

    encoder = Encoder.open(onnx.path, threads=onnx.threads)
    made = write_vectors(open_features(features), encoder, _vectors(features), count=windows, progress=progress)
    return {"encoder": made["encoder"], "encoded": made["encoded"], "not_encoded": len(made["failures"])}


def _vectors(features: Pathlike) -> Path:
    """Where the vectors of an encoder of one's own are: beside the features."""
    return Path(f"{features}-vectors")


def ingest(
    plays: Paths = (),
    *,
    out: Pathlike,
    tracks: Paths = (),
    playlists: Paths = (),
    content: Paths = (),
    features: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Raw files to a folder of tables; bad rows go to ``rejects.parquet`` there, each with file, line and reason.

    Args:
        plays, tracks, playlists, content: files, folders or globs; see ``recsys.sources``.
        features: a folder that ``analyze`` wrote; its tracks join those of the other sources, see ``recsys.joining``.
        out: the folder to write; an older one is replaced as a whole.
        settings: how columns are named and rows weighed.
        only_stale: do nothing when the tables there were made from the same inputs and settings.
        progress: called with (what, done, total).

    Raises:
        DataError: nothing readable, missing columns, or too many bad rows.
    """
    from recsys import sources

    settings, out = settings or Settings(), Path(out)
    if features is not None and settings.producers.onnx.path is not None:
        content = [*content, _vectors(features)]
    given = {"plays": plays, "tracks": tracks, "playlists": playlists, "content": content}
    files = sources.find_files(**given)
    inputs = {kind: {str(path): manifest.sha256(path) for path in paths} for kind, paths in files.items()}
    heard = {"features": fingerprint(Path(features))} if features is not None else {}
    made_from = {"inputs": inputs, "settings": settings.ingest.model_dump(), **heard}
    if only_stale and is_current(out, made_from):
        return Made("ingest", out, manifest.read(out, "tables"), unchanged=True)
    gathered, joined = _gather(given, features, settings, progress)
    facts = {"made_from": made_from, "rejected": len(gathered.rejects), "counts": gathered.counts}
    with manifest.fresh_folder(out) as work:
        gathered.rejects.to_parquet(work / "rejects.parquet", index=False)
        if joined is not None:
            joined.relations.to_parquet(work / "relations.parquet", index=False)
        if joined is not None and joined.space:
            joined.space.save(work / "sound")
        gathered.dataset.save(work, inputs=inputs, facts=facts)
    return Made("ingest", out, manifest.read(out, "tables"))


def train(
    tables: Pathlike,
    *,
    out: Pathlike,
    model: str | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """Tables to a bundle: every model is measured on a validation part, the best is fitted on everything.

    Args:
        tables: a folder that ``ingest`` wrote.
        out: the folder of bundles; the new one becomes its CURRENT.
        model: fit just this one, without comparing.
        seed: overrides the settings' seed.
        settings: hyper-parameters by model name, and how to choose.
        time: when, Unix seconds UTC; names the bundle. Default: now.

    Raises:
        ArtefactError: ``tables`` is not a finished folder of tables.
        DataError: the model can't be fitted on this data.
    """
    from recsys import record, training
    from recsys.engine import carry_sound, write_engine
    from recsys.tables import Dataset

    settings = _with_train(settings or Settings(), model, seed)
    tables, out = Path(tables), Path(out)
    made_from = {"tables": fingerprint(tables), "settings": settings.model_dump(include={"train", "models"})}
    if only_stale and (held := current_bundle(out)) and is_current(held, made_from):
        return Made("train", held, manifest.read(held), unchanged=True)
    started = clock.perf_counter()
    dataset = Dataset.open(tables)
    trained = training.train(dataset, settings, progress=progress)

    def write(folder: Path) -> dict[str, Any]:
        write_engine(folder, dataset, trained.model, trained.index)
        carry_sound(tables, folder)
        chosen = trained.model.name if trained.model else None
        seconds = clock.perf_counter() - started
        facts = record.write(folder, dataset, chosen, training.table(trained.candidates), settings, seconds)
        return {"made_from": made_from, **facts, "index": trained.index.facts() if trained.index else []}

    made = bundles.create(out, write, time=clock.time() if time is None else time)
    return Made("train", made, manifest.read(made))


def evaluate(
    tables: Pathlike,
    *,
    out: Pathlike,
    protocol: str | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Measure every model on plays it has not seen; write an HTML report and a JSON beside it.

    Args:
        tables: a folder that ``ingest`` wrote.
        out: a folder for report.html and report.json, or the .html file itself.
        protocol: "warm", "cold", "continuation", "temporal" or "all".
        seed: of the splits.
    """
    from recsys import assessment
    from recsys.tables import Dataset

    settings, out = settings or Settings(), Path(out)
    chosen = settings.evaluate.model_copy(update=_given(protocol=protocol, seed=seed))
    settings = settings.model_copy(update={"evaluate": type(chosen).model_validate(chosen.model_dump())})
    made_from = {
        "tables": fingerprint(Path(tables)),
        "settings": settings.model_dump(include={"train", "models", "evaluate"}),
    }
    if only_stale and is_current(out, made_from):
        return Made("evaluate", out, manifest.read(out), unchanged=True)
    facts = assessment.assess(Dataset.open(Path(tables)), settings, out, made_from, progress=progress)
    return Made("evaluate", out, facts)


def tune(
    tables: Pathlike,
    *,
    out: Pathlike,
    model: str = "ials",
    trials: int = 20,
    folds: int = 1,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Search a model's hyper-parameters on validation only; run again to go on from where it stopped.

    Args:
        tables: a folder that ``ingest`` wrote.
        out: the folder of the study; ``best.toml`` there holds lines for recsys.toml.
        model: whose hyper-parameters.
        trials: settings to try, those of earlier runs included.
        folds: cross-validation folds; 1 = one validation part.
        seed: of the split, the search and the fits.

    Raises:
        MissingExtra: optuna is not installed.
        DataError: a model that has nothing to search.
    """
    from recsys import tuning
    from recsys.tables import Dataset

    settings, out = _with_train(settings or Settings(), None, seed), Path(out)
    made_from = {
        "tables": fingerprint(Path(tables)),
        "model": model,
        "trials": trials,
        "folds": folds,
        "seed": settings.train.seed,
    }
    if only_stale and is_current(out, made_from):
        return Made("tune", out, manifest.read(out), unchanged=True)
    dataset = Dataset.open(Path(tables))
    facts = tuning.search(
        dataset, model, out, made_from, trials=trials, folds_=folds, settings=settings, progress=progress
    )
    return Made("tune", out, facts)


def recommend(
    bundle: Pathlike,
    *,
    out: Pathlike,
    n: int | None = None,
    users: Pathlike | Sequence[Any] | None = None,
    histories: Paths | Pathlike | None = None,
    candidates: Pathlike | Sequence[Any] | None = None,
    include_seen: bool = False,
    resume: bool = False,
    format: str | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Lists for many listeners: a folder of partitions with columns user_id, rank, track_id, score, source, reason.

    Args:
        bundle: a bundle, or the folder of bundles.
        out: the folder to write.
        n: tracks per listener.
        users: ids, or a file of ids; default: everyone the model was trained on.
        histories: plays of people the model has never seen; they are folded in, nothing is retrained.
        candidates: ids, or a file of ids: the only tracks to choose from.
        include_seen: whether tracks they have played may be recommended.
        resume: keep the finished parts of an earlier run under the same plan.
        format: "parquet", "csv" or "jsonl".
    """
    from recsys import batch
    from recsys.engine import Engine

    settings, out = settings or Settings(), Path(out)
    wanted = settings.recommend.model_copy(update=_given(n=n, format=format))
    wanted = type(wanted).model_validate(wanted.model_dump())
    engine = Engine.open(bundle)
    job = batch.job(engine, users, histories, candidates, include_seen, wanted, settings)
    if only_stale and is_current(out, job.plan(engine), "plan"):
        return Made("recommend", out, manifest.read(out, batch.KIND), unchanged=True)
    return Made("recommend", out, batch.run(engine, job, out, resume=resume, progress=progress))


def similar(
    track_ids: Sequence[Any] = (),
    *,
    bundle: Pathlike,
    like: Sequence[Any] = (),
    unlike: Sequence[Any] = (),
    n: int | None = None,
    by: str | None = None,
    where: str | None = None,
    max_per_artist: int | None = None,
    not_same_album: bool = False,
    collapse: bool = False,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Neighbours of each track; see ``Engine.similar``."""
    from recsys.engine import Engine

    return Engine.open(bundle).similar(
        track_ids,
        n,
        like=like,
        unlike=unlike,
        by=by,
        where=where,
        max_per_artist=max_per_artist,
        not_same_album=not_same_album,
        collapse=collapse,
        settings=(settings or Settings()).similar,
    )


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
    """A playlist file (.m3u8, .xspf, .jspf or .csv) from seed tracks; facts name every rule that had to give way."""
    from recsys.engine import Engine
    from recsys.playlists import write_playlist

    out, rules = Path(out), (settings or Settings()).playlist
    made, entries = Engine.open(bundle).playlist(seed, n=n, minutes=minutes, settings=rules)
    write_playlist(out, entries, title=title or f"From {entries[0].title or seed[0]}")
    facts = {"tracks": len(entries), "seconds": made.seconds, "relaxed": list(made.relaxed)}
    return Made("playlist", out, facts)


def describe(
    what: Pathlike,
    *,
    bundle: Pathlike | None = None,
    features: Pathlike | None = None,
    plot: Pathlike | None = None,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Everything known about one sound file or track: tags, key, tempo, traits with their definitions, flags, events.

    Args:
        what: a sound file, heard now; or the id of a track.
        bundle: where tracks are listed; adds ``catalogue`` and ``listeners``.
        features: a folder that ``analyze`` wrote, with the sound of tracks.
        plot: a picture to draw: .png, .svg or .pdf.

    Raises:
        UnknownId: neither a file nor a known track.
        DataError: nothing in the file can be decoded, or there is no file to draw.
        MissingExtra: a picture needs matplotlib.
    """
    from recsys import telling
    from recsys.audio.store import open_features
    from recsys.engine import Engine

    library = open_features(features) if features is not None and not Path(what).is_file() else None
    engine = Engine.open(bundle) if bundle is not None and not Path(what).is_file() else None
    windows = (settings or Settings()).analyze.windows
    told = telling.tell(str(what), features=library, engine=engine, windows=windows)
    if plot is not None:
        telling.draw(told, plot)
    return told


def inspect(path: Pathlike) -> dict[str, Any]:
    """What an artefact is, what it was made from, and every problem found when checking it against its manifest.

    Of features also ``failures``: path, cause and tries of each file that could not be analysed.

    Raises:
        ArtefactError: nothing that recsys made is there.
    """
    path = Path(path)
    if path.is_dir() and manifest.find(path) is None:
        path = bundles.resolve(path)
    facts = manifest.read(path)
    told = {"failures": _failures(path)} if facts["kind"] == "features" else {}
    return {"path": str(path), **facts, **told, "problems": manifest.problems(path)}


def _failures(features: Path) -> list[dict[str, Any]]:
    from recsys.audio.store import open_features

    return open_features(features).failures.to_dict("records")


def init(folder: Pathlike = ".") -> Path:
    """Write a commented ``recsys.toml`` into a folder and return its path.

    Raises:
        DataError: there is one already; it is left as it is.
    """
    from recsys.starter import TEXT

    path = Path(folder) / FILE
    if path.exists():
        raise DataError(f"{path} exists already; edit it, or name another folder")
    manifest.write_bytes(path, TEXT.encode())
    return path


def open_engine(bundle: Pathlike) -> Engine:
    """The engine of a bundle, for many questions in a row; see ``recsys.engine.Engine``."""
    from recsys.engine import Engine

    return Engine.open(bundle)


def run(
    pipeline: Pathlike = FILE, *, overrides: Iterable[str] = (), progress: Progress | None = None
) -> Iterator[Made]:
    """Do the steps of a ``recsys.toml`` or a pipeline file that are out of date; yields each as it is done.

    Raises:
        SettingsError: the file is missing or wrong.
    """
    from recsys.pipeline import read

    settings, steps = read(Path(pipeline), STEPS, overrides)
    yield from do(settings, steps, progress=progress)


def do(
    settings: Settings, steps: Iterable[tuple[str, dict[str, Any]]], *, progress: Progress | None = None
) -> Iterator[Made]:
    """Steps in order, each skipped where what it makes is up to date."""
    for verb, arguments in steps:
        yield STEPS[verb](**arguments, settings=settings, only_stale=True, progress=progress)


STEPS: dict[str, Callable[..., Made]] = {
    "analyze": analyze,
    "ingest": ingest,
    "train": train,
    "evaluate": evaluate,
    "tune": tune,
    "recommend": recommend,
    "playlist": playlist,
}


def _gather(
    given: Mapping[str, Paths], features: Pathlike | None, settings: Settings, progress: Progress | None
) -> tuple[Gathered, Joined | None]:
    """All sources as one, and what came of the library of sound."""
    from recsys import sources

    if features is None:
        return sources.gather(**given, settings=settings.ingest, progress=progress), None
    _need_audio()
    from recsys import joining
    from recsys.audio.store import open_features

    library = open_features(features)
    some = any(given.values())
    found = sources.gather(**given, settings=settings.ingest, progress=progress) if some else joining.nothing()
    joined = joining.join(found.dataset, library)
    return replace(found, dataset=joined.dataset, counts=found.counts | joined.counts), joined


def _need_audio() -> None:
    """MissingExtra when a package is absent without which no sound can be read."""
    for package in AUDIO:
        if find_spec(package) is None:
            raise MissingExtra(package, "audio")


def _with_train(settings: Settings, model: str | None, seed: int | None) -> Settings:
    chosen = settings.train.model_copy(update=_given(model=model, seed=seed))
    return settings.model_copy(update={"train": type(chosen).model_validate(chosen.model_dump())})


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
