"""What was measured under one protocol, and its way to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from recsys.evaluation.exposure import AUDIENCE, Group
from recsys.evaluation.intervals import Interval
from recsys.evaluation.slices import Slice


class Turn(NamedTuple):
    """The default model at one place of a dial, such as novelty."""

    dial: str
    place: float
    accuracy: Interval
    coverage: float
    popularity_lift: float


class Source(NamedTuple):
    """One source of candidates: share of the hidden tracks among them, and how many they are per listener."""

    recall: float
    tracks: float


@dataclass(frozen=True)
class Result:
    """All that was measured under one protocol.

    Attributes:
        protocol: name of the split.
        primary: the metric that the headline speaks of.
        accuracy: model → metric → mean and 95 % interval over listeners.
        differences: reference → model → metric → paired difference model − reference.
        character: model → spread, novelty and the like, each at its length of list.
        slices: the primary metric by activity, recall by popularity.
        sizes: what the split is made of.
        seconds: "fit" (all models) and "rank <model>".
        seed: of the split and the bootstrap.
        default: the model that ``train`` would have chosen on this training side; None = not said.
        rival: the best single model besides it.
        sources: what each source of candidates brings, by name.
        dials: what each dial costs, place by place.
        exposure: who gets heard in the lists of the default model, by group of tracks.
        concentration: how unevenly artists share that, by name of the measure.
        audience: parts of fewer listeners are left out of ``slices``, and told together in ``exposure``.
    """

    protocol: str
    primary: str
    accuracy: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, dict[str, Interval]]]
    character: dict[str, dict[str, float]]
    slices: list[Slice]
    sizes: dict[str, float]
    seconds: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    default: str | None = None
    rival: str | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    dials: list[Turn] = field(default_factory=list)
    exposure: list[Group] = field(default_factory=list)
    concentration: dict[str, float] = field(default_factory=dict)
    audience: int = AUDIENCE

    @property
    def best(self) -> str:
        """The model with the largest primary metric."""
        return self.ranking()[0]

    def ranking(self) -> list[str]:
        """Models from best to worst in the primary metric."""
        return sorted(self.accuracy, key=lambda model: (-self.accuracy[model][self.primary].mean, model))

    @property
    def lead(self) -> Interval | None:
        """The paired difference of the default to the best single model in the primary metric."""
        against = self.differences.get(self.rival or "", {}).get(self.default or "")
        return against[self.primary] if against else None

    def to_json(self) -> dict[str, Any]:
        """Plain values only; an interval is [mean, low, high], NaN is null."""
        named = {key: [part._asdict() for part in getattr(self, key)] for key in ("slices", "dials", "exposure")}
        return plain_json(asdict(self) | named)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Result:
        """The result that ``to_json`` described."""
        read = _with_intervals(dict(content))
        read["slices"] = [Slice(**s) for s in read["slices"]]
        read["sources"] = {name: Source(*found) for name, found in read.get("sources", {}).items()}
        read["dials"] = [Turn(**t) for t in read.get("dials", [])]
        read["exposure"] = [Group(**g) for g in read.get("exposure", [])]
        read |= {name: read.get(name) if content.get(name) else None for name in ("default", "rival")}
        return cls(**read)


def plain_json(value: Any) -> Any:
    """Mappings, lists and numbers that JSON knows; a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _with_intervals(value: Any) -> Any:
    """Lists of three numbers are intervals, null is NaN."""
    if isinstance(value, dict):
        return {k: _with_intervals(v) for k, v in value.items()}
    if isinstance(value, list) and len(value) == 3 and all(v is None or isinstance(v, int | float) for v in value):
        return Interval(*(float("nan") if v is None else v for v in value))
    if isinstance(value, list):
        return [_with_intervals(v) for v in value]
    return float("nan") if value is None else value
