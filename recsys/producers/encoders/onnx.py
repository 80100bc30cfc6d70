"""An encoder that someone owns, as an ONNX file with a JSON sidecar."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError, MissingExtra
from recsys.producers.encoders.encoder import Encoder
from recsys.producers.encoders.sidecar import OnnxSidecar, read_sidecar

Floats = NDArray[np.float32]


class OnnxEncoder(Encoder):
    """An ONNX file ready to turn sound into vectors."""

    sidecar: OnnxSidecar

    def __init__(self, path: Path, sidecar: OnnxSidecar, session: Any) -> None:
        super().__init__(path, sidecar)
        self._session = session
        self.rank = len(next(i for i in session.get_inputs() if i.name == sidecar.input).shape)

    @classmethod
    def open(cls, path: str | Path, *, threads: int = 1) -> Self:
        """Load an encoder and check that it is what its sidecar says.

        Raises:
            MissingExtra: onnxruntime is not installed.
            DataError: the file or its sidecar is missing or wrong.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"no {path}; expected an ONNX file with a .json of the same name beside it")
        sidecar = read_sidecar(path, OnnxSidecar)
        session = _session(path, threads)
        for noun, wanted, there in (
            ("input", sidecar.input, session.get_inputs()),
            ("output", sidecar.output, session.get_outputs()),
        ):
            names = [one.name for one in there]
            if wanted not in names:
                raise DataError(f"{path} has no {noun} {wanted!r}; it has {', '.join(names)}: mend its .json")
        others = [one.name for one in session.get_inputs() if one.name != sidecar.input]
        if others:
            raise DataError(f"{path} also wants {', '.join(others)}; an encoder takes one input")
        return cls(path, sidecar, session)

    def run(self, batch: Floats) -> Floats:
        """The named output for a batch; see ``Encoder.run``."""
        try:
            (output,) = self._session.run([self.sidecar.output], {self.sidecar.input: batch})
        except Exception as error:  # onnxruntime has no public tree of errors
            raise DataError(f"{self.sidecar.name} failed on input {batch.shape}: {str(error)[:200]}") from error
        return np.asarray(output, np.float32)


def _session(path: Path, threads: int) -> Any:
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtra("onnxruntime", "onnx") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no public tree of errors
        raise DataError(f"{path} is no ONNX file that can be run: {str(error)[:200]}") from error
