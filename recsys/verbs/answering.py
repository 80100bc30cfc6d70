"""A bundle in, lists, neighbours and descriptions out: recommend, similar, describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.errors import DataError
from recsys.freshness import is_current
from recsys.settings import Settings, changed
from recsys.verbs.made import Made, Pathlike, Paths, Progress

if TYPE_CHECKING:
    import pandas as pd

    from recsys.engine import Engine


def recommend(
    bundle: Pathlike,
    *,
    out: Pathlike,
    n: int | None = None,
    users: Pathlike | Sequence[Any] | None = None,
    histories: Paths | Pathlike | None = None,
    like: Sequence[Any] = (),
    tag: Sequence[str] = (),
    candidates: Pathlike | Sequence[Any] | None = None,
    where: str | None = None,
    mood: str | None = None,
    include_seen: bool = False,
    resume: bool = False,
    format: str | None = None,
    novelty: float | None = None,
    calibrate: float | None = None,
    even: float | None = None,
    even_by: str | None = None,
    not_heard_days: float | None = None,
    max_per_artist: int | None = None,
    explore: float | None = None,
    feedback: Pathlike | None = None,
    now: float | None = None,
    pseudonyms: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Lists for many listeners: a folder of partitions, and beside them ``_report.html`` about all of them.

    Columns: user_id, rank, track_id, score, source (the member that gave most), reason (text) and why (``parts`` that
    sum to the score, and the own ``plays`` that carried it).

    Args:
        bundle: a bundle, or the folder of bundles; ``out``: the folder to write.
        n: tracks per listener, as ``format`` "parquet", "csv" or "jsonl".
        users: ids, or a file of ids; default: everyone the model was trained on.
        histories: plays of people the model has never seen; they are folded in, nothing is retrained.
        like, tag: in place of listeners, one newcomer who likes these tracks, genres or tags.
        candidates: ids, or a file of ids: the only tracks to choose from; ``include_seen``: known ones too.
        where, mood: filters that tracks must satisfy, see ``recsys.tables.where`` and ``recsys.tables.narrowed``.
        resume: keep the finished parts of an earlier run under the same plan.
        novelty, calibrate, not_heard_days, max_per_artist: dials, see ``recsys.settings.Recommend``.
        explore: share of places that go by lot to a single member of the model; adds a column ``propensity``, the
            chance with which each row's source was drawn; ``feedback``: a folder that says how good sources are.
        now: when the lists are for, Unix seconds UTC; default: the latest event of the log.
        pseudonyms: file of the key under which listeners get a name in place of their id, and the order of these
            names; made where there is none.
    """
    from recsys import batch
    from recsys.engine import Engine
    from recsys.pseudonyms import named
    from recsys.tables.narrowed import narrowed

    settings, out = settings or Settings(), Path(out)
    dials = {"novelty": novelty, "calibrate": calibrate, "not_heard_days": not_heard_days, "explore": explore}
    shared: dict[str, Any] = {"even": even, "even_by": even_by}
    lots = {"max_per_artist": max_per_artist, "feedback": None if feedback is None else str(feedback)}
    wanted = changed(settings, "recommend", n=n, format=format, **dials, **shared, **lots).recommend
    engine = Engine.open(bundle)
    asked = narrowed(engine.catalogue.frame, where, mood)
    job = batch.job(engine, users, histories, candidates, include_seen, wanted, settings, now, like, tag, asked)
    job = job.hidden(named(pseudonyms))
    if only_stale and is_current(out, job.plan(engine), "plan"):
        return Made("recommend", out, manifest.read(out, batch.KIND), unchanged=True)
    return Made("recommend", out, batch.run(engine, job, out, resume=resume, progress=progress))


def similar(
    track_ids: Sequence[Any] = (),
    *,
    bundle: Pathlike,
    like: Sequence[Any] = (),
    unlike: Sequence[Any] = (),
    hum: Pathlike | None = None,
    midi: Pathlike | None = None,
    n: int | None = None,
    by: str | None = None,
    where: str | None = None,
    mood: str | None = None,
    max_per_artist: int | None = None,
    not_same_album: bool = False,
    collapse: bool = False,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Neighbours of each track; see ``Engine.similar``, and for ``mood`` see ``recsys.tables.narrowed``.

    Args:
        hum: in place of tracks, a sound file with a tune, hummed, whistled or sung: the tracks that have it, in any
            key and at any tempo.
        midi: the same for a MIDI file; of many voices the melody counts.

    Raises:
        DataError: a tune beside tracks to start from; no clear voice; a bundle without melodies.
    """
    from recsys.engine import Engine
    from recsys.tables.narrowed import narrowed

    engine = Engine.open(bundle)
    where = narrowed(engine.catalogue.frame, where, mood)
    if hum is not None or midi is not None:
        from recsys.verbs.tunes import found, one_question

        one_question(hum, midi, [*track_ids, *like, *unlike], by, not_same_album)
        rules: dict[str, Any] = {"where": where, "max_per_artist": max_per_artist, "collapse": collapse}
        return found(engine, hum, midi, n, **rules, settings=(settings or Settings()).similar)
    return engine.similar(
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


def describe(
    what: Pathlike,
    *,
    bundle: Pathlike | None = None,
    features: Pathlike | None = None,
    model: Pathlike | None = None,
    plot: Pathlike | None = None,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Everything known about one sound file or track: tags, key, tempo, traits with definitions, flags, events; and
    its labels, those that were given, else those that are predicted with their chances.

    Args:
        what: a sound file, heard now; or the id of a track.
        bundle: where tracks are listed; adds ``catalogue`` and ``listeners``, also for the file of a track.
        features: a folder that ``analyze`` wrote, with the sound of tracks; where ``label`` was called, the models that
            it left there say the labels of a file that is no track.
        model: a folder that ``learn`` wrote, which says the labels of a file in place of those.
        plot: a picture to draw: .png, .svg or .pdf.

    Raises:
        UnknownId: neither a file nor a known track.
        DataError: nothing in the file can be decoded, or there is no file to draw or to ask the model about.
        ArtefactError: no model there, or of another version.
        MissingExtra: a picture needs matplotlib.
    """
    from recsys import telling
    from recsys.audio.store import open_features
    from recsys.engine import Engine

    library = open_features(features) if features is not None and not Path(what).is_file() else None
    engine = Engine.open(bundle) if bundle is not None else None
    hearing = (settings or Settings()).analyze.model_dump(include={"windows", "trim", "loudness"})
    told = telling.tell(str(what), features=library, engine=engine, options=hearing)
    if labels := _labels(what, told, features, model):
        told["labels"] = labels
    if plot is not None:
        telling.draw(told, plot)
    return told


def _labels(what: Pathlike, told: Mapping[str, Any], features: Pathlike | None, model: Pathlike | None) -> Any:
    """What was given of a track, what a model says, and what was said before: the first of these by target."""
    from recsys.verbs.labelled import labels_of_file, labels_of_track

    known = told.get("labels", {})
    path = next((path for path in (what, *told.get("paths", [])) if Path(path).is_file()), None)
    if model is not None and path is None:
        raise DataError(f"no sound file of {what} is there; expected one that the model can hear")
    if model is not None and path is not None:
        said = labels_of_file(path, model=model)
    elif Path(what).is_file():
        said = {} if known else labels_of_file(what, features=features)
    else:
        said = labels_of_track(features, str(what)) if features is not None and not known else {}
    given = {name: label for name, label in known.items() if "given" in label}
    return {**known, **said, **given}


def open_engine(bundle: Pathlike) -> Engine:
    """The engine of a bundle, for many questions in a row; see ``recsys.engine.Engine``."""
    from recsys.engine import Engine

    return Engine.open(bundle)
