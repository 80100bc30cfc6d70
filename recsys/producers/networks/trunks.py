"""Examples and an encoder of one's own in, examples with its vectors out: a frozen trunk, and the arm that reads it.

The encoder is an ONNX file or weights with declared layers, each with its JSON sidecar; see ``sidecar``. Its vectors
become descriptors named ``trunk:NAME:0``, …, so that all arms on descriptors can read them; the arm ``trunk`` reads
nothing else. Weights with declared layers can also be tuned: see ``tuned``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import DataError
from recsys.producers.labelling.arms import Arm, Arrays, Prediction, Progress, Rows
from recsys.producers.learners import linear

if TYPE_CHECKING:
    from recsys.producers.encoders.encoder import Encoder
    from recsys.producers.labelling.examples import Examples
    from recsys.producers.labelling.targets import Target

Floats = NDArray[np.float32]
PREFIX = "trunk:"
WINDOWS, SECONDS = 3, 30.0  # of a file that are heard, as by all other arms


def open_trunk(path: str | Path, *, threads: int = 1) -> Encoder:
    """An encoder by its file's ending: .onnx, or .pt, .pth and .safetensors.

    Raises:
        DataError: another ending, or what ``OnnxEncoder.open`` and ``TorchEncoder.open`` say.
        MissingExtra: what runs it is not installed.
    """
    suffix = Path(path).suffix
    if suffix == ".onnx":
        from recsys.producers.encoders.onnx import OnnxEncoder

        return OnnxEncoder.open(path, threads=threads)
    if suffix in (".pt", ".pth", ".safetensors"):
        from recsys.producers.encoders.torch import TorchEncoder

        return TorchEncoder.open(path, threads=threads)
    raise DataError(f"{path} is no trunk; expected .onnx, .pt, .pth or .safetensors with a .json beside it")


def embedded(
    examples: Examples,
    encoder: Encoder,
    *,
    folder: str | Path,
    root: str | Path = "",
    progress: Progress | None = None,
) -> Examples:
    """Examples with the encoder's vectors among their descriptors; NaN where it fails on a file.

    Args:
        folder: where vectors are kept by the hash of the sound and of the encoder; a killed run goes on there.
        root: folder that the examples' paths are relative to.
        progress: called with ("encode", files done, files).
    """
    held = Path(folder) / f"trunk-{encoder.sha256[:12]}"
    vectors: list[Floats | None] = []
    for done, (path, digest) in enumerate(zip(examples.paths, examples.digests, strict=True), 1):
        vectors.append(_vector(encoder, Path(root) / path, held / digest[:2] / f"{digest}.npy"))
        if progress:
            progress("encode", done, len(examples))
    return joined(examples, encoder.sidecar.name, vectors)


def joined(examples: Examples, name: str, vectors: Sequence[Floats | None]) -> Examples:
    """Examples with vectors (d,) of each file among their descriptors, in the place of earlier ones of that name.

    Raises:
        DataError: there is not one vector.
    """
    size = next((len(vector) for vector in vectors if vector is not None), 0)
    if not size:
        raise DataError(f"{name} encoded none of {len(vectors)} files")
    block = np.full((len(vectors), size), np.nan, np.float32)
    for row, vector in enumerate(vectors):
        if vector is not None:
            block[row] = vector
    others = [place for place, one in enumerate(examples.names) if not one.startswith(f"{PREFIX}{name}:")]
    names = (*(examples.names[place] for place in others), *(f"{PREFIX}{name}:{i}" for i in range(size)))
    descriptors = np.concatenate([examples.descriptors[:, others], block], axis=1)
    return replace(examples, descriptors=descriptors, names=names)


def _vector(encoder: Encoder, path: Path, place: Path) -> Floats | None:
    """Of one file, from the folder or by listening; None where the encoder fails."""
    if place.is_file():
        return np.asarray(np.load(place, allow_pickle=False), np.float32)
    try:
        vector = encoder.encode_file(path, windows=WINDOWS, seconds=SECONDS)
    except (DataError, OSError):
        return None
    save(place, vector)
    return vector


def save(place: Path, array: NDArray[Any]) -> None:
    """Write one array, whole or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    manifest.write_bytes(place, buffer.getvalue())


@dataclass(frozen=True, eq=False)
class OnTrunk:
    """A linear head on the vectors of trunks.

    Attributes:
        names: of the descriptors that it reads.
        head: what it says of them.
    """

    names: tuple[str, ...]
    head: linear.Linear

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Numbers or probabilities of these rows.

        Raises:
            DataError: the examples lack the trunk's vectors.
        """
        return self.head.predict(_only(examples, self.names), rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {**self.head.arrays(), "names": np.array(self.names)}


def from_arrays(arrays: Arrays) -> OnTrunk:
    """The inverse of ``OnTrunk.arrays``."""
    return OnTrunk(tuple(map(str, arrays["names"])), linear.from_arrays(arrays))


def fit(examples: Examples, target: Target, rows: Rows, *, seed: int = 0, progress: Progress | None = None) -> OnTrunk:
    """Learn a linear head on what trunks gave.

    Raises:
        DataError: the examples have no vectors of a trunk.
    """
    names = tuple(name for name in examples.names if name.startswith(PREFIX))
    if not names:
        raise DataError("no vectors of a trunk among the descriptors; name an encoder with --trunk FILE")
    return OnTrunk(names, linear.fit(_only(examples, names), target, rows, seed=seed))


def _only(examples: Examples, names: Sequence[str]) -> Examples:
    """The examples with these descriptors alone."""
    column = {name: place for place, name in enumerate(examples.names)}
    missing = [name for name in names if name not in column]
    if missing:
        told = f"{len(missing)} of {len(names)} numbers of the trunk are missing, such as {missing[0]}"
        raise DataError(f"{told}: use the --trunk that was learned with")
    return replace(examples, descriptors=examples.descriptors[:, [column[name] for name in names]], names=tuple(names))


ARMS = (Arm("trunk", fit, from_arrays, default=False),)
