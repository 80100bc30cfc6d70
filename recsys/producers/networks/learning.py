"""Something to learn and a recipe in, weights and learning curves out: the one training loop of all networks here.

The same seed gives the same weights on the same machine and packages, whether or not training was killed and resumed:
chance is drawn anew for each epoch, from the seed and the epoch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import cos, pi
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from recsys.producers.labelling.arms import Progress
from recsys.producers.networks import checkpoints
from recsys.producers.networks.checkpoints import Checkpoint
from recsys.producers.networks.recipes import Recipe

THREADS = 1  # of torch: more gain little on windows this small, and lose much where other processes work
WARM_UP, FIRST = 0.2, 0.04  # of all steps, while the step size rises; where it begins


class Point(NamedTuple):
    """Losses after an epoch; valid is NaN where nothing is held back."""

    train: float
    valid: float


@dataclass
class Learned:
    """What came out.

    Attributes:
        module: with the averaged weights of the best epoch.
        curve: of each epoch.
        best: the epoch, from 0.
    """

    module: nn.Module
    curve: list[Point] = field(default_factory=list)
    best: int = -1


class Lesson(Protocol):
    """What is to be learned."""

    steps: int  # of an epoch

    @property
    def module(self) -> nn.Module:
        """What learns."""

    def losses(self, rng: np.random.Generator) -> Iterator[Tensor]:
        """The loss of each step of one epoch; the caller changes weights between them."""

    def valid(self, module: Any) -> float:
        """The loss of a module on what is held back; NaN where nothing is."""


def learn(
    lesson: Lesson,
    recipe: Recipe,
    *,
    seed: int,
    groups: list[dict[str, Any]] | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
    progress: Progress | None = None,
) -> Learned:
    """Learn with AdamW, a step size that rises and falls once, and averaged weights.

    Args:
        groups: of parameters with step sizes of their own, as of ``torch.optim``; one group by default.
        checkpoint: a file to go on from and to write to; gone when learning is done.
        identity: what tells this training from others, see ``checkpoints``.
        progress: called with ("learn", epochs done, epochs).
    """
    course = _Course(lesson, recipe, groups)
    if checkpoint and (found := checkpoints.load(checkpoint, identity)):
        course.restore(found)
    with alone():
        while not course.done():
            course.epoch(seed)
            if checkpoint and len(course.curve) % recipe.save_every == 0:
                checkpoints.save(checkpoint, course.kept(), identity)
            if progress:
                progress("learn", len(course.curve), len(course.curve) if course.done() else recipe.epochs)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)
    return course.learned()


@contextmanager
def alone(threads: int = THREADS) -> Iterator[None]:
    """Leave the caller's random state and threads of torch as they were."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(before)


class _Course:
    """A training under way."""

    def __init__(self, lesson: Lesson, recipe: Recipe, groups: list[dict[str, Any]] | None) -> None:
        self.lesson, self.recipe = lesson, recipe
        self.averaged = copy.deepcopy(lesson.module).eval()
        self.best_state = _cloned(self.averaged)
        self.curve: list[Point] = []
        self.best = -1
        groups = groups or [{"params": list(lesson.module.parameters())}]
        self.rates = [float(group.get("lr", recipe.rate)) for group in groups]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.decay)
        self.steps, self.taken = max(recipe.epochs * lesson.steps, 1), 0

    def done(self) -> bool:
        waited = len(self.curve) - 1 - self.best
        return len(self.curve) >= self.recipe.epochs or 0 < self.recipe.patience <= waited

    def epoch(self, seed: int) -> None:
        place = len(self.curve)
        torch.manual_seed(int(np.random.SeedSequence([seed, place]).generate_state(1)[0]))
        self.lesson.module.train()
        losses = [self._step(loss) for loss in self.lesson.losses(np.random.default_rng([seed, place]))]
        valid = self.lesson.valid(self.averaged)
        self.curve.append(Point(float(np.mean(losses)), valid))
        if not valid >= min((point.valid for point in self.curve[:-1]), default=np.inf):
            self.best, self.best_state = place, _cloned(self.averaged)

    def _step(self, loss: Tensor) -> float:
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * one_cycle(self.taken / self.steps)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.lesson.module.parameters(), 5.0)
        self.optimiser.step()
        self.taken += 1
        self._average()
        return float(loss.detach())

    def _average(self) -> None:
        """The moving average; shorter at the beginning."""
        kept = min(self.recipe.average, self.taken / (9 + self.taken))
        with torch.no_grad():
            for old, new in zip(
                self.averaged.state_dict().values(), self.lesson.module.state_dict().values(), strict=True
            ):
                old.lerp_(new, 1 - kept) if old.is_floating_point() else old.copy_(new)

    def learned(self) -> Learned:
        self.averaged.load_state_dict(self.best_state)
        return Learned(self.averaged.eval(), self.curve, self.best)

    def kept(self) -> Checkpoint:
        """All that decides how learning goes on."""
        tensors = {f"module.{name}": value for name, value in self.lesson.module.state_dict().items()}
        tensors |= {f"averaged.{name}": value for name, value in self.averaged.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_state.items()}
        for place, held in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{place}.{name}": torch.as_tensor(value) for name, value in held.items()}
        facts = {"curve": [[point.train, point.valid] for point in self.curve], "best": self.best}
        return Checkpoint(tensors, {**facts, "taken": self.taken})

    def restore(self, found: Checkpoint) -> None:
        """Go on from there."""
        parts: dict[str, dict[str, Tensor]] = {"module": {}, "averaged": {}, "best": {}, "optimiser": {}}
        for name, tensor in found.tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self.lesson.module.load_state_dict(parts["module"])
        self.averaged.load_state_dict(parts["averaged"])
        self.best_state = parts["best"]
        self.curve = [Point(*point) for point in found.facts["curve"]]
        self.best = int(found.facts["best"])
        self.taken = int(found.facts["taken"])
        whole = self.optimiser.state_dict()
        for name, tensor in parts["optimiser"].items():
            place, _, rest = name.partition(".")
            whole["state"].setdefault(int(place), {})[rest] = tensor
        self.optimiser.load_state_dict(whole)


def one_cycle(share: float) -> float:
    """The step size at this share of all steps, as a share of the largest: up and down once, by cosines.

    Smith and Topin, Super-convergence, 2018.

    >>> [round(one_cycle(share), 2) for share in (0.0, 0.1, 0.2, 0.6, 1.0)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    if share < WARM_UP:
        return FIRST + (1 - FIRST) * (1 - cos(pi * share / WARM_UP)) / 2
    return (1 + cos(pi * (share - WARM_UP) / (1 - WARM_UP))) / 2


def _cloned(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
