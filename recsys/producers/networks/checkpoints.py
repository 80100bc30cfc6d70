"""The state of training in, a file out that is whole or not there; no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from recsys import manifest

NOTE = "training"


@dataclass(frozen=True)
class Checkpoint:
    """What training needs to go on.

    Attributes:
        tensors: by name.
        facts: all that is not a tensor, as JSON can hold it.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any] = field(default_factory=dict)


def save(path: Path, checkpoint: Checkpoint, identity: str) -> None:
    """Write a checkpoint under a temporary name, then in its place: killed at any moment, the last one is there.

    Args:
        identity: of the training; another training does not go on from it.
    """
    note = json.dumps({"identity": identity, "facts": dict(checkpoint.facts)})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    manifest.write_bytes(path, safetensors.torch.save(tensors, {NOTE: note}))


def load(path: Path, identity: str) -> Checkpoint | None:
    """The checkpoint of this training; None where there is none, or it is torn or of another training."""
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            note = json.loads((file.metadata() or {})[NOTE])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, ValueError, OSError):
        return None
    return Checkpoint(tensors, note["facts"]) if note["identity"] == identity else None
