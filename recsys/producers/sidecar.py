"""The JSON beside an encoder's file: what sound it wants and what it gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

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
    """What an encoder declares; unknown keys are errors.

    >>> Sidecar.model_validate({"name": "mine@1", "sample_rate": 16000, "seconds": 5.0,
    ...     "front_end": {"kind": "waveform"}, "input": "sound", "output": "vector"}).front_end.kind
    'waveform'
    """

    name: str = Field(pattern=r"^[\w.-]+@[\w.-]+$", description="name@version, kept with every vector")
    sample_rate: int = Field(ge=4000, le=48000, description="sound is read at 22.05 kHz: nothing is above 11 kHz")
    seconds: float = Field(ge=0.1, le=120, description="length of sound of one call")
    front_end: Annotated[Waveform | LogMel, Field(discriminator="kind")]
    input: str
    output: str


def read_sidecar(path: Path) -> Sidecar:
    """Read what lies beside ``encoder.onnx`` as ``encoder.json``.

    Raises:
        DataError: it is missing, no JSON, or a key is wrong.
    """
    beside = path.with_suffix(".json")
    try:
        return Sidecar.model_validate(json.loads(beside.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        wanted = ", ".join(Sidecar.model_fields)
        raise DataError(f"no {beside}; expected a JSON object with {wanted} that describes {path.name}") from error
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"])) or "the whole"
        raise DataError(f"{beside}: {place} = {detail['input']!r}: {detail['msg'].lower()}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{beside} is not readable JSON: {error}") from error
