"""Arrays of a network in, the network at work out: where ``network`` meets torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.producers.encoders.sidecar import TorchSidecar
from recsys.producers.labelling.arms import Progress, Rows
from recsys.producers.networks.held import Heads, Learned, Trunk
from recsys.producers.networks.learning import alone, learn
from recsys.producers.networks.lessons import Labelled, Windows, hear, new_trunk
from recsys.producers.networks.owned import Owned, by_name
from recsys.producers.networks.recipes import Plan
from recsys.producers.networks.shortchunk import Network, numbers, state
from recsys.producers.networks.shortchunk import Trunk as ShortChunk

if TYPE_CHECKING:
    from recsys.producers.labelling.examples import Examples

Floats = NDArray[np.float32]
LEAST = 3  # epochs of however many files


def learned(
    examples: Examples,
    heads: Heads,
    values: dict[str, Floats],
    parts: tuple[Rows, Rows],
    plan: Plan,
    trunk: Trunk | None,
    seed: int,
    checkpoint: Path | None,
    identity: str,
    progress: Progress | None,
) -> Learned:
    """A network that has learned ``parts[0]`` while watching ``parts[1]``."""
    windows = Windows(examples.mel, examples.mask)
    with alone():
        torch.manual_seed(seed)
        network = _network(heads, windows, parts[0], plan, trunk).to(device())
    groups = _rates(network, plan) if trunk else None
    lesson = Labelled(network, windows, heads.kinds, values, *parts, plan)
    epochs = min(plan.recipe.epochs, max(LEAST, plan.most // (len(parts[0]) * plan.windows)))
    recipe = replace(plan.recipe, epochs=epochs)
    done = learn(lesson, recipe, seed=seed, groups=groups, checkpoint=checkpoint, identity=identity, progress=progress)
    curve = np.array(done.curve, np.float32).reshape(-1, 2)
    return Learned(heads, state(done.module), curve, done.best, trunk.sidecar if trunk else None)


def device() -> torch.device:
    """A GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def said(net: Learned, examples: Examples, rows: Rows) -> tuple[dict[str, Floats], Rows]:
    """By target what is said of each window (probabilities, or means and sigmas in deviations); and each one's row."""
    windows = Windows(examples.mel, examples.mask)
    with alone(), torch.inference_mode():
        outputs = hear(opened(net), windows, rows)
        found = {name: _meant(net.heads.kinds[name], output) for name, output in outputs.items()}
    return found, windows.all(rows)[0]


def vectors(trunk: Trunk, examples: Examples, rows: Rows) -> tuple[Floats, Rows]:
    """The vector of each window; and each one's row."""
    windows, body = Windows(examples.mel, examples.mask), opened_trunk(trunk).eval().to(device())
    with alone(), torch.inference_mode():
        parts = [body(body.scaled(batch.to(device()))).cpu().numpy() for batch in windows.batches(rows)]
    return np.concatenate(parts), windows.all(rows)[0]


def opened(net: Learned) -> Network:
    """The network of these arrays, ready to listen."""
    inside = {name.partition(".")[2]: value for name, value in net.weights.items() if name.startswith("trunk.")}
    trunk = opened_trunk(Trunk(inside, net.sidecar))
    network = Network(trunk, net.size, net.heads.outputs())
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in net.weights.items()})
    return network.eval().to(device())


def _network(heads: Heads, windows: Windows, rows: Rows, plan: Plan, trunk: Trunk | None) -> Network:
    body = opened_trunk(trunk) if trunk else new_trunk(windows, rows)
    with torch.inference_mode():
        size = body.eval()(body.scaled(next(windows.batches(rows[:1])))).shape[1]
    return Network(body, size, heads.outputs(), plan.dropout, frozen=bool(trunk) and plan.trunk_rate == 0)


def opened_trunk(trunk: Trunk) -> ShortChunk | Owned:
    """The trunk with its weights."""
    if trunk.sidecar is not None:
        sidecar = TorchSidecar.model_validate(trunk.sidecar)
        return Owned(sidecar, by_name(sidecar.layers, trunk.weights))
    body = ShortChunk(len(trunk.weights["middle"]))
    body.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in trunk.weights.items()})
    return body


def _rates(network: Network, plan: Plan) -> list[dict[str, Any]]:
    rate = plan.recipe.rate
    trunk = {"params": list(network.trunk.parameters()), "lr": rate * plan.trunk_rate}
    return [trunk, {"params": list(network.heads.parameters()), "lr": rate}]


def _meant(kind: str, output: torch.Tensor) -> Floats:
    if kind == "single":
        return output.softmax(1).cpu().numpy()
    if kind == "multi":
        return output.sigmoid().cpu().numpy()
    middle, logs = numbers(output)
    return torch.cat([middle, logs.exp()], 1).cpu().numpy()
