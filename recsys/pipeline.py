"""A pipeline file in, its steps done one after another: ``[[step]]`` tables whose ``verb`` is a function of the api.

A value may refer to a path of ``recsys.toml`` as ``{features}``, ``{tables}``, ``{bundles}`` or ``{out}``; a
list of raw files as ``{plays}``, ``{tracks}``, ``{playlists}``, ``{content}`` or ``{audio}``.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recsys.errors import SettingsError, did_you_mean
from recsys.settings import FILE, Settings, load, override

Verbs = Mapping[str, Callable[..., Any]]
MACHINERY = ("settings", "progress", "only_stale", "time")
RAW = ("{plays}", "{tracks}", "{playlists}", "{content}", "{audio}")
PLACES = ("features", "tables", "bundles", "out")
Step = tuple[str, dict[str, Any]]


def read(path: Path, verbs: Verbs, overrides: Any = ()) -> tuple[Settings, list[Step]]:
    """Settings and steps of a pipeline file, or of a ``recsys.toml``: then ingest (before it analyze and label,
    where there is sound), train, evaluate, recommend.

    Args:
        path: the file.
        verbs: the functions that steps may name.
        overrides: ``--set`` assignments.

    Raises:
        SettingsError: not there, broken, an unknown verb or argument.
    """
    if path.name == FILE:
        settings = override(load(path), overrides)
        return settings, main_job(settings)
    if not path.is_file():
        raise SettingsError(f"no pipeline {path}; expected a TOML file with [[step]] tables")
    settings = override(load(Path(FILE)) if Path(FILE).is_file() else Settings(), overrides)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    steps = content.get("step")
    if set(content) - {"step", "title"} or not isinstance(steps, list) or not steps:
        raise SettingsError(f"{path} has {sorted(content)}; expected [[step]] tables, and at most a title")
    return settings, [_step(path, step, verbs, settings) for step in steps]


def main_job(settings: Settings) -> list[Step]:
    """What ``recsys run`` does without a pipeline file.

    Raises:
        SettingsError: the settings name nothing to read.
    """
    paths = settings.paths
    raw = paths.model_dump(include={"plays", "tracks", "playlists", "content", "listeners"})
    if not any(raw.values()) and not paths.audio:
        raise SettingsError(f"{FILE} names nothing to read; expected e.g. plays = ['plays.csv'] under [paths]")
    heard = {"features": paths.features} if paths.audio else {}
    steps: list[Step] = [("analyze", {"audio": paths.audio, "out": paths.features})] if paths.audio else []
    if paths.audio and (settings.label.targets or settings.label.instruments):
        steps.append(("label", {"features": paths.features, "tracks": paths.tracks}))
    steps.append(("ingest", {**raw, **heard, "out": paths.tables}))
    steps.append(("train", {"tables": paths.tables, "out": paths.bundles}))
    if paths.plays:
        steps.append(("evaluate", {"tables": paths.tables, "out": f"{paths.out}/report"}))
        steps.append(("recommend", {"bundle": paths.bundles, "out": f"{paths.out}/recs"}))
    return steps


def _step(path: Path, step: Any, verbs: Verbs, settings: Settings) -> Step:
    if not isinstance(step, Mapping) or step.get("verb") not in verbs:
        found = step.get("verb") if isinstance(step, Mapping) else step
        raise SettingsError(f"{path}: verb {found!r}{did_you_mean(str(found), verbs)}")
    verb = str(step["verb"])
    known = arguments(verbs[verb])
    for name in step:
        if name != "verb" and name not in known:
            raise SettingsError(f"{path}: {verb} has no argument {name!r}{did_you_mean(name, known)}")
    return verb, {name: _filled(value, settings) for name, value in step.items() if name != "verb"}


def arguments(function: Callable[..., Any]) -> list[str]:
    """What a step may say: the arguments of its verb that are data."""
    return [name for name in inspect.signature(function).parameters if name not in MACHINERY]


def _filled(value: Any, settings: Settings) -> Any:
    if isinstance(value, list):
        return [_filled(item, settings) for item in value]
    if not isinstance(value, str):
        return value
    if value in RAW:
        return getattr(settings.paths, value[1:-1])
    for name in PLACES:
        value = value.replace(f"{{{name}}}", getattr(settings.paths, name))
    return value
