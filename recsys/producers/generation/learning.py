"""Rolls in, a network that tells the next step out; it goes on where it was killed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsys.producers.generation.lessons import Batch, Lesson, batches, side_by_side, sounding
from recsys.producers.generation.network import Arm, Plan, State, build
from recsys.producers.generation.rolls import KEYS, Roll, Rolls
from recsys.producers.networks.checkpoints import Checkpoint, load, save

HEARD = 256  # steps at a time where nothing is learned
STEEP = 1.0  # longest step of a gradient
WARM = 0.03  # share of learning in which the rate rises
Progress = Callable[[str, int, int], None]


@dataclass
class Learned:
    """A network and how it came about.

    Attributes:
        course: nats per step of the valid part after each epoch.
        rest: nats per step that keys beyond the network's cost, by key (88,), sounding and silent.
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
    plan = Plan(**{**plan.told(), "low": low, "high": high})
    with seeded(seed):
        course = _Course(build(plan), lesson, seed, sum(map(len, rolls.train)))
    name = json.dumps([rolls.digest, plan.told(), asdict(lesson), seed])
    course.identity = hashlib.sha256(name.encode()).hexdigest()
    course.resume(kept)
    while not course.over:
        with seeded(seed, course.epoch + 1):
            course.teach(rolls.train)
        course.judge(nll(course.mean, rolls.valid, course.steps))
        course.keep(kept)
        if progress is not None:
            progress(f"valid {course.judged[-1]:.3f} nats", course.epoch, lesson.epochs)
    course.mean.load_state_dict(course.best)
    return Learned(course.mean, seed, course.judged, course.steps)


class _Course:
    """The state of learning between epochs."""

    def __init__(self, network: Arm, lesson: Lesson, seed: int, steps: int) -> None:
        self.network, self.mean, self.lesson, self.seed, self.steps = network, build(network.plan), lesson, seed, steps
        self.mean.load_state_dict(network.state_dict())
        self.best: dict[str, Tensor] = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        grown = [weight for weight in network.parameters() if weight.ndim > 1]
        flat = [weight for weight in network.parameters() if weight.ndim <= 1]
        groups = [{"params": grown, "weight_decay": lesson.decay}, {"params": flat, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=lesson.rate, betas=(0.9, 0.98))
        self.judged: list[float] = []
        self.identity = ""

    @property
    def epoch(self) -> int:
        """How many are done."""
        return len(self.judged)

    @property
    def over(self) -> bool:
        """Whether nothing is to be gained any more."""
        late = self.epoch - 1 - int(np.argmin(self.judged)) if self.judged else 0
        return self.epoch >= self.lesson.epochs or late >= self.lesson.patience

    def teach(self, pieces: Sequence[Roll]) -> None:
        """One epoch."""
        plan, rng = self.network.plan, np.random.default_rng([self.seed, self.epoch])
        made = list(batches(pieces, plan.low, plan.high, self.lesson, rng))
        self.network.train()
        forget = 0.5 ** (1 / max(self.lesson.calm * len(made), 1))
        for place, batch in enumerate(made):
            done = (self.epoch + place / len(made)) / self.lesson.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = self.lesson.rate * rate(done)
            loss = cost(self.network, batch).sum() / batch.real.sum()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), STEEP)
            self.optimiser.step()
            share = min(forget, (1 + self.epoch * len(made) + place) / (10 + self.epoch * len(made) + place))
            for mean, now in zip(self.mean.parameters(), self.network.parameters(), strict=True):
                mean.data.lerp_(now.data, 1 - share)

    def judge(self, found: float) -> None:
        """Take note of an epoch; its weights are kept if it is the best so far."""
        if not self.judged or found < min(self.judged):
            self.best = {name: tensor.clone() for name, tensor in self.mean.state_dict().items()}
        self.judged.append(found)

    def keep(self, path: Path | None) -> None:
        """Write all of it."""
        if path is None:
            return
        parts = {"now": self.network.state_dict(), "mean": self.mean.state_dict(), "best": self.best}
        tensors = {f"{part}|{name}": tensor for part, held in parts.items() for name, tensor in held.items()}
        for place, held in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam|{place}|{name}": tensor for name, tensor in held.items()}
        save(path, Checkpoint(tensors, {"judged": self.judged}), self.identity)

    def resume(self, path: Path | None) -> None:
        """Go on where the same learning was stopped."""
        found = load(path, self.identity) if path is not None else None
        if found is None:
            return
        held: dict[str, dict[str, Tensor]] = {"now": {}, "mean": {}, "best": {}, "adam": {}}
        for name, tensor in found.tensors.items():
            part, rest = name.split("|", 1)
            held[part][rest] = tensor
        self.network.load_state_dict(held["now"])
        self.mean.load_state_dict(held["mean"])
        self.best, self.judged = held["best"], list(found.facts["judged"])
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in held["adam"].items():
            place, what = name.split("|")
            state.setdefault(int(place), {})[what] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})


def rate(done: float) -> float:
    """The share of the full rate of learning after a share of it: a short rise, then half a cosine.

    >>> rate(0.03), round(rate(1.0), 3)
    (1.0, 0.02)
    """
    if done < WARM:
        return max(done / WARM, 0.02)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - WARM) / (1 - WARM)))


def cost(network: Arm, batch: Batch) -> Tensor:
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
def surprise(network: Arm, piece: Roll, steps: int) -> np.ndarray[Any, np.dtype[np.float64]]:
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


def _told(network: Arm, batch: Batch, state: State) -> tuple[np.ndarray[Any, np.dtype[np.float64]], State]:
    odds, state = network(batch.before, batch.now, batch.at, state)
    each = functional.binary_cross_entropy_with_logits(odds, batch.now, reduction="none").sum(dim=-1)
    return each[0].double().numpy(), state


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """Torch's chance from a seed, and as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield
