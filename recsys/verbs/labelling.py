"""A library of sound and what was given of its tracks in, labels and their chances for every track out: label."""

from __future__ import annotations

import hashlib
import shutil
import time as clock
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.errors import ArtefactError
from recsys.freshness import fingerprint, is_current
from recsys.settings import Settings, changed
from recsys.verbs.labelled import LESSONS, MODEL, library_of, opened, tagger_there, take_over
from recsys.verbs.made import Made, Pathlike, Paths, Progress
from recsys.verbs.raw import labels_of, need_audio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recsys.producers.labelling.targets import Target
    from recsys.producers.tagging.kept import Labelled
    from recsys.producers.tagging.tags import Learnt, Library

SAME = 0.9  # share of labelled tracks that must be as they were for a model to be kept


def label(
    features: Pathlike,
    *,
    out: Pathlike | None = None,
    tracks: Paths = (),
    minutes: float | None = None,
    workers: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Learn genres and moods from the tracks that have them, and say them of those that have none; hear instruments.

    ``ingest`` takes the result up. A label is learned from 10 tracks by 3 artists on, a target from 60 tracks by 10
    artists on, by whichever arm does best on artists it has not seen; what does not beat the frequency of labels is
    left out. While nine of ten labelled tracks stay as they were, the model stays, and only new files are heard.

    Args:
        features: a folder that ``analyze`` wrote.
        out: the folder to write; default: beside the features, where ``ingest`` looks.
        tracks: tables of tracks; what they say of a track is believed before the tags of its file.
        minutes: for choosing how to learn; hearing is not counted.
        workers: processes that hear.
        settings: ``label`` names the targets; ``train.seed`` is the seed.
        only_stale: do nothing when this was made from the same features, tables and settings.

    Raises:
        MissingExtra: packages that read sound are not installed.
        ArtefactError: no features there.
    """
    need_audio()
    from recsys import sources
    from recsys.audio.store import open_features
    from recsys.producers.instruments.tagger import VERSION

    settings = changed(settings or Settings(), "label", minutes=minutes)
    target = Path(out) if out is not None else labels_of(features)
    files = sources.find_files(plays=(), tracks=tracks, playlists=(), content=())["tracks"]
    asked = {"settings": settings.label.model_dump(exclude={"minutes"}), "seed": settings.train.seed}
    tables = {str(path): manifest.sha256(path) for path in files}
    made_from = {"features": fingerprint(Path(features)), "tracks": tables, "by": VERSION, **asked}
    if only_stale and is_current(target, made_from):
        return Made("label", target, manifest.read(target), unchanged=True)
    heard = open_features(features)
    library = library_of(heard, tracks, settings, Path(f"{target}-work"), workers, progress)
    facts = _labelled(library, target, settings, made_from, progress)
    return Made("label", target, facts)


def _labelled(
    library: Library, out: Path, settings: Settings, made_from: Mapping[str, Any], progress: Progress | None
) -> dict[str, Any]:
    """Learn where that is due, ask, write; the facts of the manifest."""
    from recsys.producers.tagging import tags as tagging
    from recsys.producers.tagging.ask import INSTRUMENT, ask, put_fair
    from recsys.producers.tagging.kept import KIND, save, told

    tagger = tagger_there() if settings.label.instruments else None
    wanted = [name for name in settings.label.targets if tagger is None or name != INSTRUMENT]
    targets, reasons = tagging.lessons(library, wanted)
    if len(wanted) < len(settings.label.targets):
        reasons[INSTRUMENT] = "heard by what comes along; to learn it, set label.instruments = false"
    now = _prints(library, targets)
    with manifest.fresh_folder(out) as work:
        learnt = None if not targets or _kept(out, now, work) else _learn(library, targets, settings, work, progress)
        model, version = opened(work / MODEL)
        labelled = ask(library, model, tagger, version, before=_before(out, library), progress=progress)
        put_fair(labelled, library.digests, learnt.fair if learnt else {})
        save(work, list(library.digests), labelled)
        _save(work / LESSONS, now)
        known = manifest.read(out, KIND) if learnt is None and manifest.find(out) else {}
        before = learnt.reasons if learnt else known.get("not learned", {})
        facts = {
            "made_from": made_from,
            "targets": told(labelled),
            "learned": _grades(learnt) if learnt else known.get("learned", {}) if targets else {},
            "not learned": reasons | {name: why for name, why in before.items() if name in targets},
            "tracks": len(library),
        }
        sealed = manifest.seal(work, KIND, {**facts, "headline": _headline(facts, labelled)})
    shutil.rmtree(library.cache / "parts", ignore_errors=True)
    return sealed


def _prints(library: Library, targets: Mapping[str, Target]) -> NDArray[np.uint64]:
    """A code for each labelled track and what is said of it, sorted."""
    import numpy as np

    said = [
        f"{digest}{name}{target.values[row].tobytes().hex()}{target.classes}"
        for name, target in targets.items()
        for row, (digest, known) in enumerate(zip(library.digests, target.known, strict=True))
        if known
    ]
    codes = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") for text in said]
    return np.unique(np.array(codes, np.uint64))


def _kept(out: Path, now: NDArray[np.uint64], work: Path) -> bool:
    """Take over the model of an earlier run if the labels are nearly those that it was learned from."""
    import numpy as np

    if not (out / LESSONS).is_file() or opened(out / MODEL)[0] is None:
        return False
    held = np.load(out / LESSONS, allow_pickle=False)
    if len(np.intersect1d(held, now)) < SAME * max(len(held), len(now)):
        return False
    take_over(out, work)
    return True


def _save(path: Path, now: NDArray[np.uint64]) -> None:
    """Keep what was learned from, unless that was taken over."""
    import numpy as np

    if not path.exists():
        np.save(path, now, allow_pickle=False)


def _learn(
    library: Library, targets: Mapping[str, Target], settings: Settings, work: Path, progress: Progress | None
) -> Learnt:
    """Learn, and write the model where anything was learned."""
    from recsys.producers.labelling.kept import KIND, write_model
    from recsys.producers.tagging import tags as tagging

    wanted = settings.label
    limits: dict[str, Any] = {"most": wanted.tracks, "seconds": 60 * wanted.minutes, "seed": settings.train.seed}
    learnt = tagging.learn(library, targets, **limits, clock=clock.monotonic, progress=progress)
    if learnt.choices:
        (work / MODEL).mkdir()
        write_model(work / MODEL, [choice.learned for choice in learnt.choices.values()], learnt.names)
        manifest.seal(work / MODEL, KIND, {"learned": _grades(learnt)})
    return learnt


def _before(out: Path, library: Library) -> Labelled | None:
    """What an earlier run said; ``ask`` uses what is by the same producers."""
    from recsys.producers.tagging.kept import open_labels

    try:
        return open_labels(out, list(library.digests))
    except ArtefactError:
        return None


def _grades(learnt: Learnt) -> dict[str, Any]:
    """How each target did on artists it had not seen."""
    return {
        name: {"arm": choice.winner.arm, **{n: list(grade) for n, grade in choice.winner.grades.items()}}
        for name, choice in learnt.choices.items()
    }


def _headline(facts: Mapping[str, Any], labelled: Labelled) -> str:
    """What was learned and what was not, in words."""
    said = [f"{name} of {int(one.known.sum()):,} tracks by {one.by}" for name, one in labelled.said.items()]
    left = [f"{name} not learned: {reason}" for name, reason in facts["not learned"].items()]
    return "; ".join([*said, *left])
