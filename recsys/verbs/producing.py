"""Labelled sound in, models out; models and sound in, predictions out: learn classification, learn emotion, predict."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.blas import one_blas_thread
from recsys.errors import DataError
from recsys.freshness import fingerprint
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress
from recsys.verbs.raw import need_audio
from recsys.verbs.teaching import Asked

if TYPE_CHECKING:
    import pandas as pd

    from recsys.producers.labelling.kept import Model

MINUTES = 7.0
ENDINGS = (".parquet", ".csv")  # of predictions


def learn_classification(
    audio: Pathlike,
    *,
    labels: Pathlike,
    target: str | Sequence[str],
    out: Pathlike,
    group: str | None = None,
    arms: str | Sequence[str] = (),
    minutes: float = MINUTES,
    seed: int | None = None,
    workers: int = 2,
    cache: Pathlike | None = None,
    trunk: Pathlike | None = None,
    tune: bool = False,
    unlabelled: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Learn labels from sound: the arm that predicts unseen groups best is chosen by cross-validation.

    Args:
        audio: a folder of sound files.
        labels: a table with ``audio_file``, relative to the folder, and a column per target.
        target: columns, or their names with commas between: one class per file, several tags (``;`` between them), or
            numbers; missing cells are unknown.
        out: the folder of the model; an older one is replaced.
        group: column whose values never lie on both sides of a split; default: artist, series, piece and the like where
            there is such a column.
        arms: to compare, by name; default: all that there is time for.
        minutes: for comparing and fitting, hearing not counted.
        seed: of folds and fits.
        workers: processes that hear.
        cache: folder that keeps what was heard; default: beside the model.
        trunk: an encoder of one's own (ONNX, or weights with declared layers) whose vectors arms read.
        tune: whether such weights are tuned too.
        unlabelled: a folder of sound that a network hears first; arms read what it makes of the labelled files.

    Raises:
        DataError: the table or a column is missing, or nothing can be learned from it.
        ArtefactError: ``out`` holds something else.
    """
    named = (_words(target), _folder(out), group, _words(arms))
    own = {"trunk": trunk, "tune": tune, "unlabelled": unlabelled}
    asked = Asked("learn classification", Path(audio), Path(labels), *named, own=own)
    return asked.learn(minutes, _seed(seed, settings), workers, cache, only_stale, progress)


def learn_emotion(
    audio: Pathlike,
    *,
    labels: Pathlike,
    out: Pathlike,
    target: str | Sequence[str] = (),
    group: str | None = None,
    arms: str | Sequence[str] = (),
    minutes: float = MINUTES,
    seed: int | None = None,
    workers: int = 2,
    cache: Pathlike | None = None,
    trunk: Pathlike | None = None,
    tune: bool = False,
    unlabelled: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Learn emotions as numbers, together, with how sure each prediction is.

    Args:
        audio, labels, out, group, arms, minutes, seed, workers, cache, trunk, tune, unlabelled: as of
            ``learn_classification``.
        target: columns of numbers; default: valence and arousal.

    Raises:
        DataError: as of ``learn_classification``; or a column is not numbers.
    """
    named = (_words(target), _folder(out), group, _words(arms))
    own = {"trunk": trunk, "tune": tune, "unlabelled": unlabelled}
    asked = Asked("learn emotion", Path(audio), Path(labels), *named, True, own)
    return asked.learn(minutes, _seed(seed, settings), workers, cache, only_stale, progress)


def predict(
    model: Pathlike,
    *,
    audio: Pathlike,
    out: Pathlike,
    groups: Pathlike | None = None,
    workers: int = 2,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Say of every sound file of a folder what a model has learned to say.

    Args:
        model: a folder that ``learn`` wrote.
        audio: the folder.
        out: a .parquet or .csv file: ``path`` and the columns of ``recsys.producers.labelling.predicting``.
        groups: a table with ``audio_file`` and the column that the model was grouped by, artist or the like: what is
            said of one file then counts for the others of its group too.
        workers: processes that hear.

    Raises:
        DataError: no sound in the folder, or no such column in the table.
        ArtefactError: no model, altered, or of another version.
    """
    need_audio()
    from recsys.producers.labelling.kept import open_model
    from recsys.producers.labelling.labels import read_groups
    from recsys.producers.labelling.predicting import PATH, PROBLEM, made_of, predict_folder, sounds, write_frame

    out, opened = Path(out), open_model(model)
    if out.is_dir():
        raise DataError(f"{out} is a folder; expected a file to write, such as {out / 'predicted.parquet'}")
    if out.suffix.lower() not in ENDINGS:
        raise DataError(f"found {out.name!r} to write; expected a name on {' or '.join(ENDINGS)}")
    made_by = fingerprint(Path(model))
    told = None if groups is None else read_groups(groups, audio, str(opened.facts.get("grouped_by", "")))
    by = f" by {manifest.sha256(Path(groups))}" if groups else ""
    made_from = f"model {made_by} and sound {sounds(audio)}{by}"
    if only_stale and made_of(out) == made_from:
        return Made("predict", out, {"model": str(model)}, unchanged=True)
    work = out.parent / f".{out.name}.{made_by}.parts"
    with one_blas_thread():
        frame = predict_folder(opened, audio, work, groups=told, workers=workers, progress=progress)
    write_frame(frame, out, made_from)
    shutil.rmtree(work, ignore_errors=True)
    failed = int(frame[PROBLEM].notna().sum())
    targets = ", ".join(f"{one.name} by {one.arm}" for one in opened.learned)
    if told is not None:
        targets += f"; {_shared(opened, frame.loc[frame[PROBLEM].isna(), PATH].map(told))}"
    facts = {"tracks": len(frame), "failed": failed, "model": str(model), "sha256": manifest.sha256(out)}
    lost = f"; {failed} files could not be heard (column {PROBLEM})" if failed else ""
    return Made("predict", out, {**facts, "failed": 0, "not_heard": failed, "headline": f"{targets}{lost}"})


def _shared(model: Model, groups: pd.Series[Any]) -> str:
    """Of how many files, and of which targets, others of their group were heeded."""
    names = ", ".join(one.name for one in model.learned if one.sharing.share)
    if not names:
        return "groups change nothing, as this model learned nothing from them"
    files = int(groups.duplicated(keep=False)[groups.notna()].sum())
    return f"{names} of {files} files heeds others of their group"


def _seed(seed: int | None, settings: Settings | None) -> int:
    return (settings or Settings()).train.seed if seed is None else seed


def _words(given: str | Sequence[str]) -> list[str]:
    """Names, whether in a list or with commas between."""
    several = [given] if isinstance(given, str) else list(given)
    return [word.strip() for one in several for word in one.split(",") if word.strip()]


def _folder(out: Pathlike) -> Path:
    """With a name that others can be made of, even when it is given as ``.``."""
    return Path(os.path.abspath(out))
