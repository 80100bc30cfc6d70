"""Sound without labels in, a trunk that knows one recording from another out: a start for the network ``cnn``.

Two windows of one file, each altered, must be more alike than windows of other files (Chen, Kornblith, Norouzi and
Hinton, A simple framework for contrastive learning of visual representations, ICML 2020; for music Spijkervet and
Burgoyne, Contrastive learning of musical representations, ISMIR 2021). Nothing is downloaded: the files are the user's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors
import safetensors.numpy
import torch
from torch import Tensor, nn

from recsys import manifest
from recsys.errors import ArtefactError, DataError
from recsys.producers.labelling.arms import Progress, Rows
from recsys.producers.networks.held import Trunk
from recsys.producers.networks.learning import alone, learn
from recsys.producers.networks.lessons import Windows, new_trunk
from recsys.producers.networks.recipes import Plan, Recipe
from recsys.producers.networks.running import device
from recsys.producers.networks.shortchunk import Trunk as ShortChunk
from recsys.producers.networks.shortchunk import state

if TYPE_CHECKING:
    from recsys.producers.labelling.examples import Examples

KIND, NAME = "trunk", "self@1"
LEAST = 16  # files
MOST = 2048  # files of an epoch
TEMPERATURE = 0.1
PROJECTED = 64  # numbers in which windows are compared; what compares them is thrown away
PLAN = Plan(Recipe(epochs=100, patience=0, average=0.99), batch=128)


class Pair(nn.Module):
    """A trunk and what makes windows comparable."""

    def __init__(self, trunk: ShortChunk) -> None:
        super().__init__()
        self.trunk = trunk
        middle = (nn.Linear(trunk.size, trunk.size), nn.BatchNorm1d(trunk.size), nn.ReLU())
        self.project = nn.Sequential(*middle, nn.Linear(trunk.size, PROJECTED))

    def forward(self, scaled: Tensor) -> Tensor:
        """Vectors of length 1, (b, 64)."""
        return nn.functional.normalize(self.project(self.trunk(scaled)), dim=1)


class Contrast:
    """A lesson: which two windows are of one file, or of one group of files (n,)."""

    def __init__(self, pair: Pair, windows: Windows, rows: Rows, plan: Plan, groups: Rows | None = None) -> None:
        self.module, self.windows, self.rows, self.plan = pair, windows, rows, plan
        self.groups = np.arange(len(windows.mask)) if groups is None else np.asarray(groups)
        self.of_group = {group: rows[self.groups[rows] == group] for group in np.unique(self.groups[rows])}
        self.device = next(pair.parameters()).device
        self.steps = max(min(len(rows), MOST) // plan.batch, 1)

    def losses(self, rng: np.random.Generator) -> Iterator[Tensor]:
        """Of the steps of one epoch, each file twice in one of them."""
        order = rng.permutation(self.rows)[:MOST]
        for some in np.array_split(order, self.steps):
            vectors = self.module(torch.cat([self._view(some, rng), self._view(self._partners(some, rng), rng)]))
            yield contrast(vectors, torch.from_numpy(self.groups[some]).to(self.device))

    def valid(self, module: nn.Module) -> float:
        """Nothing is held back."""
        return float("nan")

    def _partners(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """A file of the group of each, often itself."""
        return np.array([rng.choice(self.of_group[group]) for group in self.groups[rows]])

    def _view(self, rows: Rows, rng: np.random.Generator) -> Tensor:
        scaled = self.module.trunk.scaled(self.windows.drawn(rows, rng).to(self.device))
        return self.module.trunk.altered(scaled, self.plan, rng)


def contrast(vectors: Tensor, groups: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """The normalised, temperature-scaled cross-entropy of (2b, d) unit vectors; row i belongs to row i + b.

    Others of the same group (b,) are neither alike nor unlike.

    >>> round(float(contrast(torch.eye(2).repeat(2, 1), torch.arange(2), 1.0)), 3)
    0.551
    """
    count = len(vectors) // 2
    alike = vectors @ vectors.T / temperature
    place = torch.arange(count, device=alike.device)
    partner = torch.cat([place + count, place])
    both = groups.repeat(2)
    left_out = both[:, None] == both[None]
    left_out[torch.arange(2 * count, device=alike.device), partner] = False
    return nn.functional.cross_entropy(alike.masked_fill(left_out, float("-inf")), partner)


def pretrain(
    examples: Examples,
    rows: Rows | None = None,
    *,
    seed: int = 0,
    plan: Plan = PLAN,
    groups: Rows | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Trunk:
    """Learn a trunk from files without labels, for ``network.fit(…, trunk=…)`` or ``tuned.begun``.

    Args:
        rows: of the files; all by default.
        groups: (n,), such as artists: files of one group are to be alike; each file is its own by default.
        checkpoint: a file to go on from when a run was killed.

    Raises:
        DataError: fewer than 16 files.
    """
    some = np.arange(len(examples.mask)) if rows is None else np.asarray(rows)
    if len(some) < LEAST:
        raise DataError(f"{len(some)} files to learn from without labels; expected at least {LEAST}")
    windows = Windows(examples.mel, examples.mask)
    with alone():
        torch.manual_seed(seed)
        pair = Pair(new_trunk(windows, some)).to(device())
    lesson = Contrast(pair, windows, some, replace(plan, batch=min(plan.batch, len(some))), groups)
    identity = _identity(examples, some, lesson.groups, plan, seed)
    done = learn(lesson, plan.recipe, seed=seed, checkpoint=checkpoint, identity=identity, progress=progress)
    learned = done.module
    assert isinstance(learned, Pair)
    return Trunk(state(learned.trunk))


def save(path: Path, trunk: Trunk) -> None:
    """Keep a trunk as one safetensors file, whole or not at all."""
    manifest.write_bytes(path, safetensors.numpy.save(dict(trunk.weights), {KIND: json.dumps(trunk.sidecar)}))


def load(path: Path) -> Trunk:
    """A trunk that was kept.

    Raises:
        ArtefactError: the file is none, or torn.
    """
    try:
        with safetensors.safe_open(path, framework="np") as file:
            sidecar = json.loads((file.metadata() or {})[KIND])
            return Trunk({name: file.get_tensor(name) for name in file.keys()}, sidecar)  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as error:
        raise ArtefactError(f"{path} is no trunk ({str(error)[:100]}); make it again") from error


def _identity(examples: Examples, rows: Rows, groups: Rows, plan: Plan, seed: int) -> str:
    facts = json.dumps([asdict(plan), seed, list(examples.digests)], sort_keys=True)
    made = hashlib.sha256(facts.encode())
    made.update(np.ascontiguousarray(rows).tobytes() + np.ascontiguousarray(groups).tobytes())
    return made.hexdigest()
