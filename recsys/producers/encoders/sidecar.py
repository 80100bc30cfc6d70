"""The JSON beside an encoder's file: what sound it wants and what it gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from recsys.errors import DataError
from recsys.settings import Section


class Waveform(Section):
    """Samples as they are: input (batch, samples)."""

    kind: Literal["waveform"]


class LogMel(Section):
    """Log power in mel bands: input (batch, frames, bands), or (batch, bands, frames).

    Triangles of equal area on Slaney's mel scale over a centred Hann window, as librosa has them by default.
    ``log`` is taken of max(power, floor): natural, base 10, or decibels; then ``mean`` is taken off and the rest
    divided by ``std``.
    """

    kind: Literal["log-mel"]
    n_fft: int = Field(2048, ge=64, le=65536)
    hop: int = Field(512, ge=16)
    bands: int = Field(80, ge=4, le=512)
    low: float = Field(0.0, ge=0)
    high: float | None = Field(None, gt=0, description="Hz; default: half the sample rate")
    log: Literal["ln", "log10", "db"] = "ln"
    floor: float = Field(1e-10, gt=0)
    mean: float = 0.0
    std: float = Field(1.0, gt=0)
    layout: Literal["frames-bands", "bands-frames"] = "frames-bands"


class Sidecar(Section):
    """What every encoder declares; unknown keys are errors."""

    name: str = Field(pattern=r"^[\w.-]+@[\w.-]+$", description="name@version, kept with every vector")
    sample_rate: int = Field(ge=4000, le=48000, description="sound is read at 22.05 kHz: nothing is above 11 kHz")
    seconds: float = Field(ge=0.1, le=120, description="length of sound of one call")
    front_end: Annotated[Waveform | LogMel, Field(discriminator="kind")]


class OnnxSidecar(Sidecar):
    """What lies beside an ONNX file: the names of its input and of the output that is the vector.

    >>> OnnxSidecar.model_validate({"name": "mine@1", "sample_rate": 16000, "seconds": 5.0,
    ...     "front_end": {"kind": "waveform"}, "input": "sound", "output": "vector"}).front_end.kind
    'waveform'
    """

    input: str
    output: str


class TorchSidecar(Sidecar):
    """What lies beside a state-dict: the layers in order, and the name of the one whose output is the vector.

    A layer is ``{"layer": KIND, "name": PREFIX, …}``: a class of ``torch.nn`` that ``encoders.layers`` lists,
    the prefix of its weights in the state-dict (needed only where it has any), and the arguments of the class. What
    comes after ``output`` is not run, and its weights need not be there.

    >>> TorchSidecar.model_validate({"name": "mine@1", "sample_rate": 16000, "seconds": 5.0,
    ...     "front_end": {"kind": "log-mel", "bands": 64}, "output": "vector",
    ...     "layers": [{"layer": "Mean", "dim": 1},
    ...                {"layer": "Linear", "name": "vector", "in_features": 64, "out_features": 8}]}).layers[1]["name"]
    'vector'
    """

    layers: list[dict[str, Any]] = Field(min_length=1)
    output: str


Declared = TypeVar("Declared", bound=Sidecar)


def read_sidecar(path: Path, kind: type[Declared]) -> Declared:
    """Read what lies beside ``encoder.onnx`` or ``encoder.pt`` as ``encoder.json``.

    Raises:
        DataError: it is missing, no JSON, or a key is wrong.
    """
    beside = path.with_suffix(".json")
    try:
        return kind.model_validate(json.loads(beside.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        wanted = ", ".join(kind.model_fields)
        raise DataError(f"no {beside}; expected a JSON object with {wanted} that describes {path.name}") from error
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"])) or "the whole"
        raise DataError(f"{beside}: {place} = {detail['input']!r}: {detail['msg'].lower()}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{beside} is not readable JSON: {error}") from error
