"""What ``label`` left beside some features in, labels of late tracks, of single files and of single tracks out."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.errors import ArtefactError, DataError
from recsys.freshness import fingerprint
from recsys.settings import Settings
from recsys.verbs.made import Pathlike, Paths, Progress
from recsys.verbs.raw import labels_of

if TYPE_CHECKING:
    from recsys.audio.store import Features
    from recsys.producers.labelling.kept import Model
    from recsys.producers.tagging.kept import Labelled
    from recsys.producers.tagging.tags import Library

MODEL = "model"
LESSONS = "lessons.npy"
KEPT = ("made_from", "learned", "not learned", "headline")  # facts that hold when late tracks were asked about
Labels = dict[str, dict[str, Any]]  # of one track, as ``tables.predicted.told``


def said_now(
    features: Pathlike, *, settings: Settings | None = None, progress: Progress | None = None
) -> Labelled | None:
    """What was said of each track of some features; late ones are asked about now, by the model that is there.

    Nothing is learned. None where ``label`` was never called.

    Raises:
        ArtefactError: no features there, or labels of a newer version.
    """
    from recsys.audio.store import open_features
    from recsys.producers.tagging.ask import INSTRUMENT, ask
    from recsys.producers.tagging.kept import KIND, open_labels, save, told

    settings, folder = settings or Settings(), labels_of(features)
    if manifest.find(folder) is None:
        return None
    heard = open_features(features)
    said = open_labels(folder, heard.catalogue["digest"].tolist())
    if all(one.known.all() for one in said.said.values()):
        return said
    library = library_of(heard, (), settings, Path(f"{folder}-work"), None, progress)
    model, version = opened(folder / MODEL)
    if model is None and set(said.said) - {INSTRUMENT}:
        return said
    tagger = tagger_there() if INSTRUMENT in said.said else None
    said = ask(library, model, tagger, version, before=said, progress=progress)
    with manifest.fresh_folder(folder) as work:
        if model is not None:
            take_over(folder, work)
        save(work, list(library.digests), said)
        facts = {name: value for name, value in manifest.read(folder, KIND).items() if name in KEPT}
        manifest.seal(work, KIND, {**facts, "targets": told(said), "tracks": len(library)})
    shutil.rmtree(library.cache / "parts", ignore_errors=True)
    return said


def labels_of_file(path: Pathlike, *, model: Pathlike | None = None, features: Pathlike | None = None) -> Labels:
    """What a model says of a sound file, heard now; {} where there is no model.

    Args:
        path: the file.
        model: a folder that ``learn`` wrote.
        features: without ``model``: the one that ``label`` learned from this library, and the instrument tagger where
            it was asked about the library too.

    Raises:
        ArtefactError: no model there, or of another version.
        DataError: the file can't be heard.
    """
    if model is not None:
        from recsys.producers.labelling.kept import open_model

        return _asked(path, open_model(model), f"{Path(model).resolve().name}@{fingerprint(Path(model))[:8]}", None)
    folder = None if features is None else labels_of(features)
    if folder is None or manifest.find(folder) is None:
        return {}
    from recsys.producers.tagging.ask import INSTRUMENT

    there, version = opened(folder / MODEL)
    tagger = tagger_there() if INSTRUMENT in manifest.read(folder).get("targets", {}) else None
    return _asked(path, there, f"library@{version}", tagger) if there or tagger else {}


def _asked(path: Pathlike, model: Model | None, by: str, tagger: Any) -> Labels:
    from recsys.producers.labelling.examples import assemble, hear
    from recsys.producers.tagging.ask import answered
    from recsys.tables import predicted

    full = str(Path(path).absolute())
    with TemporaryDirectory() as folder:
        digests, failures = hear([full], folder=folder, workers=1)
        if full not in digests:
            raise DataError(f"{path} can't be heard: {failures[full]}")
        heard = assemble([full], [digests[full]], folder, model.names if model else None)
        heard = model.start.ready(heard, folder=folder) if model else heard
        return predicted.told(answered(heard, model, tagger, by).columns(), 0)


def labels_of_track(features: Pathlike, track: str) -> Labels:
    """What was said of a track of some features; {} where ``label`` was never called."""
    from recsys.audio.store import open_features
    from recsys.producers.tagging.kept import open_labels
    from recsys.tables import predicted

    heard = open_features(features)
    if track not in heard.tracks or manifest.find(labels_of(features)) is None:
        return {}
    row = int(heard.tracks.rows([track])[0])
    said = open_labels(labels_of(features), [heard.catalogue["digest"].iloc[row]]).columns()
    given = heard.catalogue.iloc[[row]].reset_index(drop=True)[["genre"]]
    import pandas as pd

    return predicted.told(pd.concat([given, said], axis=1), 0)


def library_of(
    features: Features,
    tracks: Paths,
    settings: Settings,
    cache: Path,
    workers: int | None,
    progress: Progress | None,
) -> Library:
    """The tracks with what tables say of them, and where these say nothing the tags of the files."""
    import numpy as np
    import pandas as pd

    from recsys import joining, sources
    from recsys.producers.tagging.tags import Library

    frame = features.catalogue.reset_index(drop=True)
    if tracks:
        said = sources.gather(tracks=tracks, settings=settings.ingest, progress=progress).dataset
        theirs, _ = joining.match(said.tracks, said.catalogue, features)
        mine = np.full(len(frame), -1)
        known = np.flatnonzero(theirs >= 0)[::-1]
        mine[theirs[known]] = known
        table = said.catalogue.frame.reindex(np.where(mine >= 0, mine, -1)).reset_index(drop=True)
        frame = table.combine_first(frame)
    artists = pd.factorize(frame["artist"])[0].astype(np.int32)
    paths, digests = features.catalogue["path"].tolist(), features.catalogue["digest"].tolist()
    return Library(paths, digests, artists, frame, cache, workers or settings.analyze.workers)


def take_over(out: Path, work: Path) -> None:
    """The model of a folder of labels, and what it was learned from, into another."""
    shutil.copytree(out / MODEL, work / MODEL)
    shutil.copyfile(out / LESSONS, work / LESSONS)


def opened(folder: Path) -> tuple[Model | None, str]:
    """The model of a folder and its version; None where there is none that this version can use."""
    from recsys.producers.labelling.kept import open_model

    try:
        return open_model(folder), fingerprint(folder)[:8]
    except ArtefactError:
        return None, ""


def tagger_there() -> Any:
    """The shipped instrument tagger; None where its weights did not come along."""
    from recsys.producers.instruments.tagger import WEIGHTS, Tagger

    return Tagger.open() if WEIGHTS.is_file() else None
