"""What a part of the content is worth: lists with and without it in, the share of accuracy lost with intervals out.

Conventions:
    * A loss is (whole − treated) / whole in the mean of a metric per listener, pooled over splits: .03 = three per
      cent worse without. Below 0 means that the part did harm.
    * Listeners are the sampling unit: one who is evaluated in several splits is drawn with all of them.
    * A block pays when its removal costs at least ``WORTH`` on new tracks, with an interval above 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.evaluation.intervals import Interval

WORTH = 0.02
REMOVED = "removed"


@dataclass(frozen=True)
class Sample:
    """A metric of the same listeners with everything and with one part treated, on one split.

    Attributes:
        listeners: who, any integers, (q,).
        whole, treated: the metric, (q,).
    """

    listeners: NDArray[np.integer]
    whole: NDArray[np.floating]
    treated: NDArray[np.floating]


@dataclass(frozen=True)
class Effect:
    """What one treatment of one block costs under one protocol.

    Attributes:
        protocol: "cold" or "warm".
        block: its name.
        treatment: what was done to it.
        loss: share of the metric that is lost.
        splits: how many splits it is pooled over.
    """

    protocol: str
    block: str
    treatment: str
    loss: Interval
    splits: int


@dataclass(frozen=True)
class Ablation:
    """All effects, and what follows.

    Attributes:
        model: which model was fitted again and again.
        metric: what is lost.
        whole: by protocol, the mean of the metric with everything.
        effects: one per protocol, block and treatment.
        members: producers of several blocks, and these.
        skipped: by block or protocol, why there is nothing to say.
    """

    model: str
    metric: str
    whole: Mapping[str, float]
    effects: Sequence[Effect]
    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def blocks(self) -> list[str]:
        """Names of blocks and producers, what costs most on new tracks first."""
        losses = {e.block: e.loss.mean for e in self._removals()}
        return sorted(dict.fromkeys(e.block for e in self.effects), key=lambda name: -losses.get(name, -np.inf))

    def pays(self) -> dict[str, bool]:
        """Whether each block or producer is worth having: its removal hurts on new tracks, beyond doubt and enough."""
        found = {e.block: e.loss.mean >= WORTH and e.loss.low > 0 for e in self._removals()}
        return {name: found[name] for name in self.blocks() if name in found}

    def loss(self, protocol: str, block: str, treatment: str) -> Interval | None:
        """One effect, if it was measured."""
        for e in self.effects:
            if (e.protocol, e.block, e.treatment) == (protocol, block, treatment):
                return e.loss
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values; an interval is [mean, low, high]."""
        rows = [
            {
                "protocol": e.protocol,
                "block": e.block,
                "treatment": e.treatment,
                "loss": list(e.loss),
                "splits": e.splits,
            }
            for e in self.effects
        ]
        told = {"model": self.model, "metric": self.metric, "whole": dict(self.whole), "on by default": self.pays()}
        members = {name: list(blocks) for name, blocks in self.members.items()}
        return {**told, "effects": rows, "members": members, "skipped": dict(self.skipped)}

    def _removals(self) -> list[Effect]:
        return [e for e in self.effects if e.treatment == REMOVED and e.protocol == "cold"]


def relative_loss(samples: Sequence[Sample], *, seed: int = 0, draws: int = 1000) -> Interval:
    """The share of the metric that the treatment costs, with its 95 % paired bootstrap interval over listeners.

    Raises:
        DataError: no sample, or nobody scores anything with everything in place.

    >>> listeners = np.arange(4)
    >>> relative_loss([Sample(listeners, np.full(4, 0.4), np.full(4, 0.3))]).mean.__round__(6)
    0.25
    """
    if not samples:
        raise DataError("no samples to pool; expected at least one split")
    who = np.unique(np.concatenate([s.listeners for s in samples]), return_inverse=True)[1]
    whole, treated = (_sums(who, [getattr(s, side) for s in samples]) for side in ("whole", "treated"))
    gap = whole - treated
    if not whole.sum() > 0:
        raise DataError("the metric is 0 for every listener with everything in place; there is nothing to lose")
    rng = np.random.default_rng(seed)
    sums = np.array([_resampled(whole, gap, rng) for _ in range(draws)])
    ratios = np.divide(sums[:, 1], sums[:, 0], out=np.zeros(draws), where=sums[:, 0] > 0)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Interval(float(gap.sum() / whole.sum()), float(low), float(high))


def _sums(who: NDArray[np.integer], parts: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """The sum of each listener's values over the splits."""
    return np.asarray(np.bincount(who, np.concatenate(parts)), np.float64)


def _resampled(whole: NDArray[np.float64], gap: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    some = rng.integers(0, len(whole), len(whole))
    return float(whole[some].sum()), float(gap[some].sum())
