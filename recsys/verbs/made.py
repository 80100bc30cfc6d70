"""What verbs have in common: what they return, and settings with options on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.settings import Settings, changed

Pathlike = str | Path
Paths = Sequence[Pathlike]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Made:
    """What a verb wrote: where, facts about it, and whether it was already there and up to date."""

    verb: str
    path: Path
    facts: Mapping[str, Any]
    unchanged: bool = False


def with_train(settings: Settings, model: str | None, seed: int | None) -> Settings:
    """The settings with another model or seed."""
    return changed(settings, "train", model=model, seed=seed)


def without_model(settings: Settings) -> Settings:
    """The settings without the model that they name."""
    return settings.model_copy(update={"train": settings.train.model_copy(update={"model": None})})
