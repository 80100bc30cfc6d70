"""Labelled sound in, models out; models and sound in, predictions out: learn classification, learn emotion, predict."""

from __future__ import annotations

import os
import shutil
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from recsys import manifest
from recsys.blas import one_blas_thread
from recsys.errors import DataError
from recsys.freshness import fingerprint, is_current
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress
from recsys.verbs.raw import need_audio

if TYPE_CHECKING:
    from recsys.producers.choosing import Choice
    from recsys.producers.examples import Examples
    from recsys.producers.labels import Labels

MINUTES = 7.0
FOLDS = "folds"


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

    Raises:
        DataError: the table or a column is missing, or nothing can be learned from it.
        ArtefactError: ``out`` holds something else.
    """
    asked = _Asked("learn classification", Path(audio), Path(labels), _words(target), _folder(out), group, _words(arms))
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
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Learn emotions as numbers, together, with how sure each prediction is.

    Args:
        audio, labels, out, group, arms, minutes, seed, workers, cache: as of ``learn_classification``.
        target: columns of numbers; default: valence and arousal.

    Raises:
        DataError: as of ``learn_classification``; or a column is not numbers.
    """
    asked = _Asked("learn emotion", Path(audio), Path(labels), _words(target), _folder(out), group, _words(arms), True)
    return asked.learn(minutes, _seed(seed, settings), workers, cache, only_stale, progress)


def predict(
    model: Pathlike,
    *,
    audio: Pathlike,
    out: Pathlike,
    workers: int = 2,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Say of every sound file of a folder what a model has learned to say.

    Args:
        model: a folder that ``learn`` wrote.
        audio: the folder.
        out: a .parquet or .csv file: ``path`` and the columns of ``recsys.producers.predicting``.
        workers: processes that hear.

    Raises:
        DataError: no sound in the folder.
        ArtefactError: no model, altered, or of another version.
    """
    need_audio()
    from recsys.producers.kept import open_model
    from recsys.producers.predicting import PROBLEM, made_of, predict_folder, sounds, write_frame

    out, opened = Path(out), open_model(model)
    if out.is_dir():
        raise DataError(f"{out} is a folder; expected a file to write, such as {out / 'predicted.parquet'}")
    made_by = fingerprint(Path(model))
    made_from = f"model {made_by} and sound {sounds(audio)}"
    if only_stale and made_of(out) == made_from:
        return Made("predict", out, {"model": str(model)}, unchanged=True)
    work = out.parent / f".{out.name}.{made_by}.parts"
    with one_blas_thread():
        frame = predict_folder(opened, audio, work, workers=workers, progress=progress)
    write_frame(frame, out, made_from)
    shutil.rmtree(work, ignore_errors=True)
    failed = int(frame[PROBLEM].notna().sum())
    targets = ", ".join(f"{one.name} by {one.arm}" for one in opened.learned)
    facts = {"tracks": len(frame), "failed": failed, "model": str(model), "sha256": manifest.sha256(out)}
    lost = f"; {failed} files could not be heard (column {PROBLEM})" if failed else ""
    return Made("predict", out, {**facts, "failed": 0, "not_heard": failed, "headline": f"{targets}{lost}"})


@dataclass(frozen=True)
class _Asked:
    """What is to be learned from what."""

    verb: str
    audio: Path
    labels: Path
    targets: list[str]
    out: Path
    group: str | None
    arms: list[str]
    numbers: bool = False

    def learn(
        self,
        minutes: float,
        seed: int,
        workers: int,
        cache: Pathlike | None,
        only_stale: bool,
        progress: Progress | None,
    ) -> Made:
        """Read, hear, choose, write."""
        need_audio()
        from recsys.producers.arms import arm
        from recsys.producers.labels import read_labels

        started = clock.perf_counter()
        manifest.replaceable(self.out)
        for name in self.arms:
            arm(name)
        read = read_labels(self.labels, self.audio, self.targets, self.group, numbers=self.numbers)
        made_from = self._made_from(read, seed)
        if only_stale and is_current(self.out, made_from):
            return Made(self.verb, self.out, manifest.read(self.out), unchanged=True)
        kept = Path(cache) if cache is not None else self.out.parent / f"{self.out.name}-examples"
        heard, read = _heard(read, self.audio, kept, workers, progress)
        choices = _choose(heard, read, self.arms, 60 * minutes, seed, kept / FOLDS, progress)
        facts = {"verb": self.verb, "seed": seed, **_counts(heard, read), "made_from": made_from}
        written = _write(self.out, choices, heard, read, facts, clock.perf_counter() - started)
        shutil.rmtree(kept / FOLDS, ignore_errors=True)
        return Made(self.verb, self.out, {**written, "headline": _headline(choices, heard, read)})

    def _made_from(self, read: Labels, seed: int) -> dict[str, Any]:
        asked = {"targets": list(read.targets), "group": read.grouped_by, "arms": self.arms, "seed": seed}
        files = [[path, *_stamp(self.audio / path)] for path in read.paths]
        return {"labels": manifest.sha256(self.labels), "asked": {"verb": self.verb, **asked}, "audio": files}


def _counts(heard: Examples, read: Labels) -> dict[str, Any]:
    return {
        "files": len(heard),
        "groups": len(set(heard.groups.tolist())),
        "grouped_by": read.grouped_by,
        "not_heard": dict(heard.failures),
        "rejected": len(read.rejects),
    }


def _heard(
    read: Labels, audio: Pathlike, kept: Path, workers: int, progress: Progress | None
) -> tuple[Examples, Labels]:
    """Examples, and the labels of those files that could be heard; what has the same sound is of one group."""
    import numpy as np

    from recsys.producers.examples import examples
    from recsys.producers.folds import same_sound

    heard = examples(read.paths, folder=kept, root=audio, workers=workers, progress=progress)
    place = {path: row for row, path in enumerate(read.paths)}
    read = read.take(np.array([place[path] for path in heard.paths]))
    return replace(heard, groups=same_sound(read.groups, heard.digests)), read


def _choose(
    heard: Examples,
    read: Labels,
    arms: Sequence[str],
    seconds: float,
    seed: int,
    folder: Path,
    progress: Progress | None,
) -> list[Choice]:
    """The best arm for each target; time is shared out over those that are still to come."""
    from recsys.producers.choosing import Chooser
    from recsys.producers.rounds import Kept

    ends = clock.monotonic() + seconds
    choices = []
    for done, target in enumerate(read.targets.values()):
        now = clock.monotonic()
        until = now + max(0.0, ends - now) / (len(read.targets) - done)

        def left(until: float = until) -> float:
            return until - clock.monotonic()

        chooser = Chooser(heard, arms, seed, Kept(folder), left, progress)
        choices.append(chooser.choose(target))
    return choices


def _write(
    out: Path, choices: Sequence[Choice], heard: Examples, read: Labels, facts: dict[str, Any], seconds: float
) -> dict[str, Any]:
    from recsys.producers.kept import KIND, write_model
    from recsys.producers.summary import summary, told
    from recsys.verbs.learned_page import page

    with manifest.fresh_folder(out) as work:
        write_model(work, [choice.learned for choice in choices], heard.names)
        (work / "SUMMARY.md").write_text(summary(choices, facts), encoding="utf-8")
        (work / "report.html").write_text(page(choices, facts), encoding="utf-8")
        rejects = [*read.rejects, *((0, f"{path}: {cause}") for path, cause in heard.failures.items())]
        pd.DataFrame(rejects, columns=["line", "reason"]).to_parquet(work / "rejects.parquet", index=False)
        learned = {"targets": [told(choice) for choice in choices], "seconds": round(seconds, 1)}
        return manifest.seal(work, KIND, {**facts, **learned})


def _headline(choices: Sequence[Choice], heard: Examples, read: Labels) -> str:
    """What was chosen, and all that a person should know."""
    parts = []
    for choice in choices:
        grades = choice.winner.grades
        name = "accuracy" if "accuracy" in grades else "average_precision" if "f1" in grades else "spearman"
        told = name.replace("_", " ") if name != "spearman" else "Spearman"
        parts.append(f"{choice.target.name}: {choice.winner.arm}, {told} {grades[name]}")
    by = f"grouped by {read.grouped_by}" if read.grouped_by else "not grouped (no column such as artist: see --group)"
    lost = [f"{len(heard.failures)} files could not be heard"] if heard.failures else []
    return "; ".join([*parts, by, *lost])


def _seed(seed: int | None, settings: Settings | None) -> int:
    return (settings or Settings()).train.seed if seed is None else seed


def _words(given: str | Sequence[str]) -> list[str]:
    """Names, whether in a list or with commas between."""
    several = [given] if isinstance(given, str) else list(given)
    return [word.strip() for one in several for word in one.split(",") if word.strip()]


def _folder(out: Pathlike) -> Path:
    """With a name that others can be made of, even when it is given as ``.``."""
    return Path(os.path.abspath(out))


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
