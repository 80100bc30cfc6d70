"""A network and what it is to learn in, the network at its best out; it goes on where it was killed."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from recsys.producers.networks.checkpoints import Checkpoint, load, save

STEEP = 1.0  # longest step of a gradient
WARM = 0.03  # share of learning in which the rate rises
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Lesson:
    """How pieces are taught.

    Attributes:
        epochs: at most; the rate of learning falls until the last.
        patience: epochs without gain on the valid part after which teaching ends.
        batch: stretches at a time.
        stretch: steps of one; a piece begins at a place that differs each time.
        rate, decay: of AdamW.
        shift: semitones that a piece is moved by at most, up or down.
        calm: epochs in which the average of weights forgets half.
    """

    epochs: int = 60
    patience: int = 12
    batch: int = 8
    stretch: int = 64
    rate: float = 3e-3
    decay: float = 1e-2
    shift: int = 0
    calm: float = 1.5


class Task(Protocol):
    """What there is to learn."""

    @property
    def identity(self) -> str:
        """Of data and settings: another one does not go on from a kept state."""

    def batches(self, rng: Generator) -> Sequence[Any]:
        """Those of one epoch."""

    def cost(self, network: Any, batch: Any) -> Tensor:
        """Nats of a batch, a mean."""

    def judge(self, network: Any) -> float:
        """Nats of the valid part."""


def teach(
    network: nn.Module,
    task: Task,
    lesson: Lesson,
    seed: int,
    *,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Any, list[float]]:
    """Teach a network until the valid part gains no more.

    Args:
        kept: a file where the state is kept after each epoch; the same teaching goes on from it.

    Returns:
        The average of weights as it was best, and how the valid part was judged after each epoch.
    """
    course = _Course(network, lesson, seed)
    course.resume(kept, task.identity)
    while not course.over:
        with seeded(seed, course.epoch + 1):
            course.go(task)
        course.judge(task.judge(course.mean.eval()))
        course.keep(kept, task.identity)
        if progress is not None:
            progress(f"valid {course.judged[-1]:.3f} nats", course.epoch, lesson.epochs)
    course.mean.load_state_dict(course.best)
    return course.mean.eval(), course.judged


class _Course:
    """The state of learning between epochs."""

    def __init__(self, network: nn.Module, lesson: Lesson, seed: int) -> None:
        self.network, self.mean, self.lesson, self.seed = network, copy.deepcopy(network), lesson, seed
        self.best: dict[str, Tensor] = _copied(network)
        grown = [weight for weight in network.parameters() if weight.ndim > 1]
        flat = [weight for weight in network.parameters() if weight.ndim <= 1]
        groups = [{"params": grown, "weight_decay": lesson.decay}, {"params": flat, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=lesson.rate, betas=(0.9, 0.98))
        self.judged: list[float] = []

    @property
    def epoch(self) -> int:
        """How many are done."""
        return len(self.judged)

    @property
    def over(self) -> bool:
        """Whether nothing is to be gained any more."""
        late = self.epoch - 1 - int(np.argmin(self.judged)) if self.judged else 0
        return self.epoch >= self.lesson.epochs or late >= self.lesson.patience

    def go(self, task: Task) -> None:
        """One epoch."""
        made = list(task.batches(np.random.default_rng([self.seed, self.epoch])))
        self.network.train()
        forget = 0.5 ** (1 / max(self.lesson.calm * len(made), 1))
        for place, batch in enumerate(made):
            done = (self.epoch + place / len(made)) / self.lesson.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = self.lesson.rate * rate(done)
            self.optimiser.zero_grad(set_to_none=True)
            task.cost(self.network, batch).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), STEEP)
            self.optimiser.step()
            count = self.epoch * len(made) + place
            share = min(forget, (1 + count) / (10 + count))
            for mean, now in zip(self.mean.parameters(), self.network.parameters(), strict=True):
                mean.data.lerp_(now.data, 1 - share)

    def judge(self, found: float) -> None:
        """Take note of an epoch; its weights are kept if it is the best so far."""
        if not self.judged or found < min(self.judged):
            self.best = _copied(self.mean)
        self.judged.append(found)

    def keep(self, path: Path | None, identity: str) -> None:
        """Write all of it."""
        if path is None:
            return
        parts = {"now": self.network.state_dict(), "mean": self.mean.state_dict(), "best": self.best}
        tensors = {f"{part}|{name}": tensor for part, held in parts.items() for name, tensor in held.items()}
        for place, held in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam|{place}|{name}": tensor for name, tensor in held.items()}
        save(path, Checkpoint(tensors, {"judged": self.judged}), identity)

    def resume(self, path: Path | None, identity: str) -> None:
        """Go on where the same learning was stopped."""
        found = load(path, identity) if path is not None else None
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


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """Torch's chance from a seed, and as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
