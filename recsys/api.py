"""The verbs as data flows: analyze, ingest, train, evaluate, tune, update, recommend, similar, playlist, describe, ...

Each verb is a command of the same name and a step of a pipeline file, with the same words and defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from recsys import bundle as bundles
from recsys import manifest
from recsys.errors import DataError
from recsys.settings import FILE, Settings
from recsys.verbs.answering import describe, open_engine, recommend, similar
from recsys.verbs.composing import compose, learn_generation
from recsys.verbs.forgetting import forget
from recsys.verbs.labelling import label
from recsys.verbs.learning import evaluate, train, tune
from recsys.verbs.made import Made, Pathlike, Progress
from recsys.verbs.playlists import playlist, playlist_new, playlist_run
from recsys.verbs.producing import learn_classification, learn_emotion, predict
from recsys.verbs.raw import analyze, ingest
from recsys.verbs.remembering import playlist_ledger, playlist_match
from recsys.verbs.searching import search
from recsys.verbs.serving import serve
from recsys.verbs.transcribing import transcribe
from recsys.verbs.updating import feedback, update

__all__ = [
    "STEPS",
    "Made",
    "analyze",
    "compose",
    "describe",
    "do",
    "evaluate",
    "feedback",
    "forget",
    "ingest",
    "init",
    "inspect",
    "label",
    "learn_classification",
    "learn_emotion",
    "learn_generation",
    "open_engine",
    "playlist",
    "playlist_ledger",
    "playlist_match",
    "playlist_new",
    "playlist_run",
    "predict",
    "recommend",
    "run",
    "search",
    "serve",
    "similar",
    "train",
    "transcribe",
    "tune",
    "update",
]


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
    """Write a commented ``recsys.toml``, and ``playlists.toml`` where there is none; returns the path of the first.

    Raises:
        DataError: there is a recsys.toml already; it is left as it is.
    """
    from recsys.playlists.example import TEXT as RECIPES
    from recsys.starter import TEXT

    path, recipes = Path(folder) / FILE, Path(folder) / "playlists.toml"
    if path.exists():
        raise DataError(f"{path} exists already; edit it, or name another folder")
    manifest.write_bytes(path, TEXT.encode())
    if not recipes.exists():
        manifest.write_bytes(recipes, RECIPES.encode())
    return path


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
    "learn_classification": learn_classification,
    "learn_emotion": learn_emotion,
    "learn_generation": learn_generation,
    "predict": predict,
    "label": label,
    "transcribe": transcribe,
    "compose": compose,
    "ingest": ingest,
    "train": train,
    "evaluate": evaluate,
    "tune": tune,
    "update": update,
    "feedback": feedback,
    "recommend": recommend,
    "playlist": playlist,
    "playlist_new": playlist_new,
    "playlist_run": playlist_run,
    "forget": forget,
}
