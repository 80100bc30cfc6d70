"""Declared layers and named weights in, a network out: no code of the encoder's maker is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from recsys.errors import DataError, did_you_mean

MEAN = "Mean"  # over the axes ``dim``, a number or a list
KINDS = (
    *("Conv1d", "Conv2d", "Linear", "BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm", "InstanceNorm1d"),
    *("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Hardswish", "PReLU", "Tanh", "Sigmoid", "Softmax", "Dropout"),
    *("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d"),
    *("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "Flatten", "Unflatten", MEAN),
)
RANKS = {"Conv1d": 3, "Conv2d": 4}  # axes of the input that a first layer wants


def build(layers: Sequence[Mapping[str, Any]], output: str, weights: Mapping[str, Any]) -> list[Any]:
    """The layers up to ``output``, with their weights, ready to run.

    Args:
        layers, output: as in ``recsys.producers.encoders.sidecar.TorchSidecar``.
        weights: tensors by name.

    Raises:
        DataError: an unknown layer, wrong arguments, or weights that are missing or of another shape.
    """
    names = [layer.get("name") for layer in layers]
    if output not in names:
        known = ", ".join(filter(None, names)) or "none"
        raise DataError(f"no layer is named {output!r}; the layers' names are {known}")
    doubled = {name for name in names if name is not None and names.count(name) > 1}
    if doubled:
        raise DataError(f"two layers are named {sorted(doubled)[0]!r}; expected a name of its own for each")
    return [_layer(place, layer, weights) for place, layer in enumerate(layers[: names.index(output) + 1])]


def _layer(place: int, declared: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
    """One layer; made without memory and without chance, then given its weights."""
    arguments = dict(declared)
    kind, name = arguments.pop("layer", None), arguments.pop("name", None)
    told = f"layer {place} ({kind}{f' {name!r}' if name else ''})"
    if kind not in KINDS:
        raise DataError(f"layer {place} is {kind!r}{did_you_mean(str(kind), KINDS)}; known are {', '.join(KINDS)}")
    torch: Any = import_module("torch")
    try:
        with torch.device("meta"):
            made = partial(torch.mean, **arguments) if kind == MEAN else getattr(torch.nn, kind)(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{told}: {_first_line(error)}") from error
    return made if kind == MEAN else _weighted(made, told, name, weights)


def _weighted(made: Any, told: str, name: str | None, weights: Mapping[str, Any]) -> Any:
    """The layer with the weights whose names begin with its own."""
    wanted = list(made.state_dict())
    if wanted and name is None:
        raise DataError(f"{told} has {', '.join(wanted)} and no name; expected the prefix of its weights")
    own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
    try:
        made.load_state_dict(own if wanted else {}, strict=True, assign=True)
    except RuntimeError as error:
        problem = "; ".join(line.strip() for line in str(error).splitlines()[1:])
        raise DataError(f"{told} and the weights named {name}.… differ: {problem}") from error
    return made.eval()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
