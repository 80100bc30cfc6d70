"""How networks learn, as plain numbers: no torch, so that settings, tuner and commands can read them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from recsys.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Recipe:
    """How the training loop goes.

    Attributes:
        epochs: at most.
        rate: largest step size.
        decay: of weights, AdamW's.
        average: share of the old in the moving average of weights, which is what is used.
        patience: epochs without a better loss on the valid part after which learning stops; 0 = never.
        save_every: epochs between checkpoints.
    """

    epochs: int = 25
    rate: float = 2e-3
    decay: float = 0.05
    average: float = 0.98
    patience: int = 8
    save_every: int = 5


@dataclass(frozen=True)
class Alterations:
    """How much windows are altered.

    Attributes:
        pitch: deviation of the shift, in bands (a band is a little more than a semitone above 1 kHz).
        speed: deviation of the logarithm of the speed.
        filter: deviation of each of the slow curves over frequency, the first of which is loudness.
        masks: stretches of bands and of frames that are blanked.
        masked: largest share that one of them takes.
    """

    pitch: float = 1.5
    speed: float = 0.1
    filter: float = 0.3
    masks: int = 2
    masked: float = 0.2


@dataclass(frozen=True)
class Plan:
    """How a network learns labels.

    Attributes:
        recipe, alterations: see there.
        batch: windows of a step.
        windows: of each file in an epoch.
        frames: of a window that are read, after its speed was altered.
        mixup: of two windows; 0 = none, 1 = all shares alike.
        smoothing: of classes.
        dropout: of the vector.
        valid: share of the rows that is held back to stop early; 0 = none.
        enough: files from which any are held back; of fewer each is worth more as an example.
        most: windows in all; many files take fewer epochs.
        trunk_rate: step size of a trunk that comes from elsewhere, as a share; 0 = it stays as it is.
    """

    recipe: Recipe = field(default_factory=Recipe)
    alterations: Alterations = field(default_factory=Alterations)
    batch: int = 32
    windows: int = 2
    frames: int = 128
    mixup: float = 0.3
    smoothing: float = 0.05
    dropout: float = 0.3
    valid: float = 0.15
    enough: int = 400
    most: int = 120_000
    trunk_rate: float = 0.3


SPACE: dict[str, Any] = {  # what ``recsys.evaluation.tune`` searches for a network
    "rate": {"low": 5e-4, "high": 1e-2, "log": True},
    "epochs": [15, 25, 40],
    "decay": {"low": 0.005, "high": 0.5, "log": True},
    "dropout": {"low": 0.0, "high": 0.6},
    "mixup": [0.0, 0.1, 0.3, 1.0],
    "smoothing": [0.0, 0.05, 0.1],
    "pitch": [0.0, 0.75, 1.5, 3.0],
    "speed": [0.0, 0.05, 0.1],
    "filter": [0.0, 0.15, 0.3, 0.6],
    "masks": [0, 1, 2],
}


def changed(plan: Plan, **changes: Any) -> Plan:
    """The plan with other numbers, of its recipe and alterations too.

    Raises:
        DataError: a name that is none of theirs.

    >>> changed(Plan(), epochs=5, mixup=0.0).recipe.epochs
    5
    """
    own, recipe, altered = ({one.name for one in fields(part)} for part in (Plan, Recipe, Alterations))
    for name in changes:
        if name not in own | recipe | altered:
            raise DataError(f"unknown number {name!r}{did_you_mean(name, own | recipe | altered)}")
    return replace(
        plan,
        **{name: value for name, value in changes.items() if name in own},
        recipe=replace(plan.recipe, **{name: value for name, value in changes.items() if name in recipe}),
        alterations=replace(plan.alterations, **{name: value for name, value in changes.items() if name in altered}),
    )
