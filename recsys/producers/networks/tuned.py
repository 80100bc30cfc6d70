"""Weights with declared layers, tuned together with a head: files heard by their own front end, and the arm ``tuned``.

Also what else networks may find beside usual examples: a trunk to begin with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.audio.decode import windows as read_windows
from recsys.errors import DataError
from recsys.producers.labelling.arms import Arm, Arrays, Prediction, Progress, Rows
from recsys.producers.labelling.examples import Examples
from recsys.producers.networks import network
from recsys.producers.networks.held import Trunk
from recsys.producers.networks.trunks import SECONDS, WINDOWS, save

if TYPE_CHECKING:
    from recsys.producers.encoders.torch import TorchEncoder
    from recsys.producers.labelling.targets import Target

Floats = NDArray[np.float32]
MOST = 12  # windows that are kept of a file


@dataclass(frozen=True, eq=False)
class Own:
    """A trunk of one's own, and files as its front end hears them: (n, w, …) and which windows there are, (n, w)."""

    trunk: Trunk
    mel: NDArray[np.float16]
    mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Prepared(Examples):
    """Examples with more for networks.

    Attributes:
        start: the trunk that the arm ``cnn`` begins with; None: a new one.
        own: what the arm ``tuned`` hears with.
    """

    start: Trunk | None = None
    own: Own | None = None

    def take(self, rows: Rows) -> Prepared:
        """Some of the files, in this order."""
        own = self.own and Own(self.own.trunk, self.own.mel[rows], self.own.mask[rows])
        return replace(prepared(super().take(rows)), own=own)


def begun(examples: Examples, trunk: Trunk) -> Prepared:
    """Examples with the trunk that the arm ``cnn`` begins with."""
    return prepared(examples, start=trunk)


def prepared(examples: Examples, **more: Any) -> Prepared:
    """The examples, with more or with other fields."""
    return Prepared(**{one.name: getattr(examples, one.name) for one in fields(examples)} | more)


def heard(
    examples: Examples,
    encoder: TorchEncoder,
    *,
    folder: str | Path,
    root: str | Path = "",
    progress: Progress | None = None,
) -> Prepared:
    """Examples with windows as the encoder's own front end makes them, for the arm ``tuned``; see ``trunks.embedded``.

    Raises:
        DataError: not one file can be heard.
    """
    held = Path(folder) / f"windows-{encoder.sha256[:12]}"
    found: list[Floats | None] = []
    for done, (path, digest) in enumerate(zip(examples.paths, examples.digests, strict=True), 1):
        found.append(_windows(encoder, Path(root) / path, held / digest[:2] / f"{digest}.npy"))
        if progress:
            progress("hear", done, len(examples))
    mel, mask = _stacked(found, encoder.sidecar.name)
    trunk = Trunk(encoder.weights(), encoder.sidecar.model_dump(mode="json"))
    return prepared(examples, own=Own(trunk, mel, mask))


def _windows(encoder: TorchEncoder, path: Path, place: Path) -> Floats | None:
    """What the encoder is given for one file, (w, …); None where it can't be heard."""
    if place.is_file():
        return np.asarray(np.load(place, allow_pickle=False))
    try:
        found = encoder.inputs(read_windows(path, count=WINDOWS, seconds=SECONDS))
    except (DataError, OSError):
        return None
    some = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST)).astype(int))
    save(place, found[some].astype(np.float16))
    return found[some].astype(np.float16)


def _stacked(found: Sequence[Floats | None], name: str) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Windows (n, w, …) and which there are, (n, w); silence stands for a file that can't be heard."""
    first = next((one for one in found if one is not None), None)
    if first is None:
        raise DataError(f"none of {len(found)} files can be heard by the front end of {name}")
    most = max(len(one) for one in found if one is not None)
    mel = np.zeros((len(found), most, *first.shape[1:]), np.float16)
    mask = np.zeros((len(found), most), bool)
    mask[:, 0] = True
    for row, one in enumerate(found):
        if one is not None:
            mel[row, : len(one)], mask[row, : len(one)] = one, True
    return mel, mask


@dataclass(frozen=True, eq=False)
class Tuned:
    """A network on a trunk of one's own."""

    net: network.Net

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """As of ``network.Net``."""
        return self.net.predict(own_windows(examples), rows)

    def embed(self, examples: Examples, rows: Rows) -> Floats:
        """As of ``network.Net``."""
        return self.net.embed(own_windows(examples), rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return self.net.arrays()


def fit(
    examples: Examples, target: Target, rows: Rows, *, seed: int = 0, progress: Progress | None = None, **told: Any
) -> Tuned:
    """Tune a trunk of one's own together with a head; ``told`` as of ``network.fit``.

    Raises:
        DataError: the examples were not heard by it.
    """
    seen = own_windows(examples)
    return Tuned(network.fit(seen, target, rows, seed=seed, progress=progress, **told))


def own_windows(examples: Examples) -> Prepared:
    """The examples as the trunk's own front end hears them."""
    own = getattr(examples, "own", None)
    if own is None:
        raise DataError("no windows of a trunk of your own; name weights with declared layers with --trunk FILE")
    return prepared(examples, mel=own.mel, mask=own.mask, start=own.trunk, own=None)


def from_arrays(arrays: Arrays) -> Tuned:
    """The inverse of ``Tuned.arrays``."""
    return Tuned(network.from_arrays(arrays))


ARMS = (Arm("tuned", fit, from_arrays, cost=8, mel=True, default=False),)
