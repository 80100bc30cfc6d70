"""An encoder that someone owns, as weights (a torch state-dict or safetensors) with a JSON sidecar.

The sidecar declares the layers; no code comes with the weights, and none is run (``weights_only``).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError, MissingExtra
from recsys.producers.encoders.encoder import Encoder
from recsys.producers.encoders.layers import RANKS, build
from recsys.producers.encoders.sidecar import TorchSidecar, read_sidecar

Floats = NDArray[np.float32]
SUFFIXES = (".pt", ".pth", ".safetensors")


class TorchEncoder(Encoder):
    """Weights and their layers, ready to turn sound into vectors."""

    sidecar: TorchSidecar

    def __init__(self, path: Path, sidecar: TorchSidecar, layers: list[Any]) -> None:
        super().__init__(path, sidecar)
        self._layers = layers
        self.rank = RANKS.get(sidecar.layers[0]["layer"])

    @classmethod
    def open(cls, path: str | Path, *, threads: int = 1) -> Self:
        """Load an encoder and check that its weights are those of the layers that its sidecar declares.

        Args:
            path: a state-dict (.pt, .pth) or .safetensors.
            threads: of torch in this process.

        Raises:
            MissingExtra: torch, or safetensors for such a file, is not installed.
            DataError: the file or its sidecar is missing or wrong.
        """
        path = Path(path)
        if not path.is_file() or path.suffix not in SUFFIXES:
            raise DataError(f"{path} is no weights file; expected {', '.join(SUFFIXES)} with a .json beside it")
        sidecar = read_sidecar(path, TorchSidecar)
        torch = _package("torch")
        weights = _safetensors(path) if path.suffix == ".safetensors" else _state_dict(path, torch)
        torch.set_num_threads(threads)
        try:
            return cls(path, sidecar, build(sidecar.layers, sidecar.output, weights))
        except DataError as error:
            raise DataError(f"{path.with_suffix('.json')}: {error}") from error

    def weights(self) -> dict[str, NDArray[Any]]:
        """All weights by place and name, ``layers.3.weight``; what ``owned.Owned`` is made from."""
        return {
            f"layers.{place}.{name}": value.numpy().copy()
            for place, layer in enumerate(self._layers)
            if hasattr(layer, "state_dict")
            for name, value in layer.state_dict().items()
        }

    def run(self, batch: Floats) -> Floats:
        """The output of the named layer, (batch, d); see ``Encoder.run``."""
        torch: Any = import_module("torch")
        with torch.inference_mode():
            value = torch.from_numpy(batch)
            for place, layer in enumerate(self._layers):
                try:
                    value = layer(value)
                except (RuntimeError, IndexError, ValueError, TypeError) as error:
                    told = f"layer {place} ({self.sidecar.layers[place]['layer']}) of {self.sidecar.name}"
                    raise DataError(f"{told} failed on {tuple(value.shape)}: {str(error)[:200]}") from error
        if value.ndim != 2:
            told = f"{self.sidecar.name} gave {tuple(value.shape)} for {batch.shape}; expected (batch, d)"
            raise DataError(f"{told}: end with Flatten, Mean or another layer that leaves one vector")
        return np.asarray(value.numpy(), np.float32)


def _state_dict(path: Path, torch: Any) -> dict[str, Any]:
    """Tensors by name, from a file of torch; also where they lie under "state_dict"."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken file makes of the loader: it is no state-dict
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path} is no state-dict of tensors: {told}") from error
    held = held.get("state_dict", held) if isinstance(held, Mapping) else held
    if not isinstance(held, Mapping) or not all(isinstance(value, torch.Tensor) for value in held.values()):
        raise DataError(f"{path} holds no state-dict; expected names with tensors, as model.state_dict() gives")
    return {str(name): _single(value) for name, value in held.items()}


def _safetensors(path: Path) -> dict[str, Any]:
    try:
        held = _package("safetensors.torch").load_file(path)
    except (OSError, ValueError, import_module("safetensors").SafetensorError) as error:
        raise DataError(f"{path} is no safetensors file: {str(error)[:200]}") from error
    return {name: _single(value) for name, value in held.items()}


def _single(tensor: Any) -> Any:
    """In single precision where it counts parts of one."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(name.partition(".")[0], "torch") from error
