"""Rolls in, a network that tells the next step out; it goes on where it was killed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recsys.producers.generation.lessons import Batch, batches, side_by_side, sounding
from recsys.producers.generation.network import Arm, Plan, State, build
from recsys.producers.generation.rolls import KEYS, Roll, Rolls
from recsys.producers.generation.teaching import Lesson, Progress, seeded, teach

HEARD = 256  # steps at a time where nothing is learned


@dataclass
class Learned:
    """A network and how it came about.

    Attributes:
        course: nats per step of the valid part after each epoch.
        steps: of the train part.
    """

    network: Arm
    seed: int
    course: list[float] = field(default_factory=list)
    steps: int = 0

    @property
    def valid_nll(self) -> float:
        """Of the epoch that was kept."""
        return min(self.course)


def learn(
    rolls: Rolls,
    plan: Plan,
    lesson: Lesson,
    seed: int,
    *,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> Learned:
    """Learn from the train part; the valid part says which epoch is kept.

    Args:
        plan: its keys are replaced by those that sound in the train part.
        kept: a file where the state is kept after each epoch; the same learning goes on from it.
    """
    low, high = sounding(rolls.train)
    plan = replace(plan, low=low, high=high)
    with seeded(seed):
        network = build(plan)
    task = _Task(rolls, plan, lesson, seed)
    best, course = teach(network, task, lesson, seed, kept=kept, progress=progress)
    return Learned(best, seed, course, task.steps)


@dataclass(frozen=True)
class _Task:
    """To tell each step of the train part."""

    rolls: Rolls
    plan: Plan
    lesson: Lesson
    seed: int

    @property
    def identity(self) -> str:
        name = json.dumps([self.rolls.digest, self.plan.told(), asdict(self.lesson), self.seed])
        return hashlib.sha256(name.encode()).hexdigest()

    @property
    def steps(self) -> int:
        return sum(map(len, self.rolls.train))

    def batches(self, rng: Generator) -> list[Batch]:
        return list(batches(self.rolls.train, self.plan.low, self.plan.high, self.lesson, rng))

    def cost(self, network: Arm, batch: Batch) -> Tensor:
        return _cost(network, batch).sum() / batch.real.sum()

    def judge(self, network: Arm) -> float:
        return nll(network, self.rolls.valid, self.steps)


def _cost(network: Arm, batch: Batch) -> Tensor:
    """Nats of each step, 0 where there is none, (b, t)."""
    odds, _ = network(batch.before, batch.now, batch.at)
    each = functional.binary_cross_entropy_with_logits(odds, batch.now, reduction="none").sum(dim=-1)
    return each * batch.real


def nll(network: Arm, pieces: Sequence[Roll], steps: int) -> float:
    """Nats per step over all 88 keys, mean over all steps of all pieces.

    Args:
        steps: that the network was taught; what it knows of keys that never sounded in them.
    """
    total = sum(float(surprise(network, piece, steps).sum()) for piece in pieces)
    return total / max(sum(map(len, pieces)), 1)


@torch.no_grad()
def surprise(network: Arm, piece: Roll, steps: int) -> NDArray[np.float64]:
    """Nats of each step of a piece, (t,)."""
    network.eval()
    plan = network.plan
    inside, found = piece[:, plan.low : plan.high], []
    state: State = ()
    for start in range(0, len(piece), HEARD):
        batch = side_by_side([(inside, start, min(start + HEARD, len(piece)))])
        told, state = _told(network, batch, state)
        found.append(told)
    beyond = np.delete(piece, np.s_[plan.low : plan.high], axis=1).sum(axis=1)
    never = 1 / (steps + 2)  # Laplace's rule of succession
    silent = (KEYS - plan.keys) - beyond
    return np.concatenate(found) - beyond * math.log(never) - silent * math.log1p(-never)


def _told(network: Arm, batch: Batch, state: State) -> tuple[NDArray[Any], State]:
    odds, state = network(batch.before, batch.now, batch.at, state)
    each = functional.binary_cross_entropy_with_logits(odds, batch.now, reduction="none").sum(dim=-1)
    return each[0].double().numpy(), state
