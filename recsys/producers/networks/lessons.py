"""Log-mel windows with labels in, losses of training steps out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recsys.producers.networks.augmenting import mixed
from recsys.producers.networks.recipes import Plan
from recsys.producers.networks.shortchunk import Network, Trunk, loss

Rows = NDArray[np.integer]
STEPS, SMALLEST = 12, 8  # of an epoch where files are few, and of a batch
BATCH = 256  # windows that are heard at a time where nothing is learned


@dataclass(frozen=True, eq=False)
class Windows:
    """Log-mel windows of files: mel float16 (n, w, frames, bands) or as a front end makes them, mask bool (n, w)."""

    mel: NDArray[np.float16]
    mask: NDArray[np.bool_]

    def drawn(self, rows: Rows, rng: np.random.Generator) -> Tensor:
        """A random window of each row, (b, frames, bands)."""
        chance = rng.random((len(rows), self.mask.shape[1])) * self.mask[rows]
        return self._read(rows, chance.argmax(axis=1))

    def all(self, rows: Rows) -> tuple[Rows, NDArray[np.intp]]:
        """Place in ``rows`` and number of every window that there is."""
        places, windows = np.nonzero(self.mask[rows])
        return places, windows

    def batches(self, rows: Rows) -> Iterator[Tensor]:
        """All windows of the rows, in the order of ``all``."""
        places, windows = self.all(rows)
        for start in range(0, len(places), BATCH):
            some = slice(start, start + BATCH)
            yield self._read(rows[places[some]], windows[some])

    def scales(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each band over the rows, (bands,)."""
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for batch in self.batches(rows):
            flat = batch.double().flatten(0, 1)
            count, total, squares = count + len(flat), total + flat.sum(0), squares + (flat**2).sum(0)
        middle = total / count
        spread = (squares / count - middle**2).clamp(min=1e-4).sqrt()
        return middle.float(), spread.float()

    def _read(self, rows: Rows, windows: NDArray[np.intp]) -> Tensor:
        return torch.from_numpy(np.asarray(self.mel[rows, windows], np.float32))


class Labelled:
    """A lesson: say the values of targets from windows.

    Args:
        network: learns.
        windows: of n files.
        kinds: of targets by name.
        values: of targets by name, (n, c), NaN where unknown; numbers in deviations.
        rows, held: to learn from, and to watch.
    """

    def __init__(
        self,
        network: Network,
        windows: Windows,
        kinds: Mapping[str, str],
        values: Mapping[str, NDArray[np.float32]],
        rows: Rows,
        held: Rows,
        plan: Plan,
    ) -> None:
        self.module, self.windows, self.kinds, self.plan = network, windows, kinds, plan
        self.rows, self.held = rows, held
        self.device = next(network.parameters()).device
        self.values = {name: torch.from_numpy(value).to(self.device) for name, value in values.items()}
        batch = min(plan.batch, max(len(rows) * plan.windows // STEPS, SMALLEST))
        self.steps = max(len(rows) * plan.windows // batch, 1)

    def losses(self, rng: np.random.Generator) -> Iterator[Tensor]:
        """Of the steps of one epoch, in which each file comes ``plan.windows`` times."""
        order = np.concatenate([rng.permutation(self.rows) for _ in range(self.plan.windows)])
        for some in np.array_split(order, self.steps):
            if len(some) > 1:
                yield self._loss(some, rng)

    def _loss(self, rows: Rows, rng: np.random.Generator) -> Tensor:
        trunk, plan = self.module.trunk, self.plan
        scaled = trunk.scaled(self.windows.drawn(rows, rng).to(self.device))
        heard = trunk.altered(scaled, plan, rng)
        wanted = {name: value[torch.from_numpy(rows).to(self.device)] for name, value in self.values.items()}
        heard, wanted = mixed(heard, wanted, plan.mixup, rng)
        return self._sum(self.module(heard), wanted, plan.smoothing)

    def _sum(self, said: Mapping[str, Tensor], wanted: Mapping[str, Tensor], smoothing: float) -> Tensor:
        each = [loss(kind, said[name], wanted[name], smoothing) for name, kind in self.kinds.items()]
        return torch.stack(each).mean()

    def valid(self, module: Network) -> float:
        """The loss on windows as they are, of the files held back."""
        if not len(self.held):
            return float("nan")
        places, _ = self.windows.all(self.held)
        rows = torch.from_numpy(self.held[places]).to(self.device)
        with torch.inference_mode():
            said = hear(module, self.windows, self.held)
            return float(self._sum(said, {name: value[rows] for name, value in self.values.items()}, 0.0))


def hear(module: Network, windows: Windows, rows: Rows) -> dict[str, Tensor]:
    """What the heads say of every window of the rows, in the order of ``Windows.all``."""
    device = next(module.parameters()).device
    parts = [module(module.trunk.scaled(batch.to(device))) for batch in windows.batches(rows)]
    return {name: torch.cat([part[name] for part in parts]) for name in module.heads}


def new_trunk(windows: Windows, rows: Rows) -> Trunk:
    """An unlearned trunk with the scales of these rows."""
    trunk = Trunk(windows.mel.shape[3])
    middle, spread = windows.scales(rows)
    trunk.middle.copy_(middle)
    trunk.spread.copy_(spread)
    return trunk
