"""A learned network in, a model folder out; and back again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from recsys import manifest
from recsys.errors import ArtefactError
from recsys.producers.generation.learning import Learned
from recsys.producers.generation.network import Arm, Plan, build

KIND = "generation"
WEIGHTS, METRICS = "weights.safetensors", "metrics.json"


def write_model(folder: Path, learned: Learned, metrics: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write weights, metrics and manifest into an empty folder; what the manifest says."""
    tensors = {name: tensor.contiguous() for name, tensor in learned.network.state_dict().items()}
    manifest.write_bytes(folder / WEIGHTS, safetensors.torch.save(tensors))
    manifest.write_json(folder / METRICS, dict(metrics))
    return manifest.seal(folder, KIND, {**facts, "plan": learned.network.plan.told(), "steps": learned.steps})


def open_model(folder: str | os.PathLike[str]) -> tuple[Arm, int]:
    """The network of a folder, ready to be asked, and how many steps it was taught.

    Raises:
        ArtefactError: no model, altered, or of another version.
    """
    facts = manifest.read(Path(folder), KIND)
    if found := manifest.problems(Path(folder)):
        raise ArtefactError(f"{folder}: {found[0]}; learn the model again")
    try:
        network = build(Plan(**facts["plan"]))
        network.load_state_dict(safetensors.torch.load_file(Path(folder) / WEIGHTS))
    except (TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise ArtefactError(f"{folder} is of another version ({error}); learn the model again") from error
    return network.eval(), int(facts["steps"])
