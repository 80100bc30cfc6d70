"""What a user has beside labels (an encoder, unlabelled sound) in, examples that arms can begin with out."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys import manifest
from recsys.audio.scan import scan
from recsys.errors import DataError
from recsys.producers.labelling.examples import Examples, examples
from recsys.producers.networks.network import embed
from recsys.producers.networks.trunks import embedded, joined, open_trunk
from recsys.producers.networks.tuned import begun, heard

if TYPE_CHECKING:
    from recsys.producers.labelling.arms import Progress

KEPT, LEARNED = "trunk", "start.safetensors"  # names of files in the folder of a model


@dataclass(frozen=True)
class Start:
    """What learning begins with.

    Attributes:
        trunk: an encoder's file, with its .json beside it.
        tune: whether it is tuned too; only weights with declared layers can be.
        learned: a file of ``pretraining.save``: ``cnn`` begins with it, and arms on descriptors read its vectors.
    """

    trunk: Path | None = None
    tune: bool = False
    learned: Path | None = None

    def arms(self) -> list[str]:
        """Arms that it makes possible, by name.

        >>> Start(Path("mine.pt"), tune=True).arms()
        ['trunk', 'tuned']
        """
        return [] if self.trunk is None else ["trunk", *(["tuned"] if self.tune else [])]

    def facts(self) -> dict[str, Any]:
        """What tells it from others, for a manifest; {} where there is nothing to begin with."""
        files = {"trunk": self.trunk, "learned": self.learned}
        found: dict[str, Any] = {name: manifest.sha256(path) for name, path in files.items() if path is not None}
        return {**found, "tune": True} if self.tune else found

    def ready(
        self, some: Examples, *, folder: str | Path, root: str | Path = "", progress: Progress | None = None
    ) -> Examples:
        """Examples as the arms want them, to learn from or to predict.

        Args:
            folder: where what the encoder heard is kept; a killed run goes on there.
            root: folder that the examples' paths are relative to.

        Raises:
            DataError: the encoder can't be used.
        """
        made = some if self.trunk is None else self._heard(some, Path(folder), root, progress)
        if self.learned is None:
            return made
        from recsys.producers.networks import pretraining

        trunk = pretraining.load(self.learned)
        return joined(begun(made, trunk), pretraining.NAME, list(embed(trunk, made, np.arange(len(made)))))

    def keep(self, folder: Path) -> None:
        """Copy all that predicting needs into the folder of a model."""
        if self.trunk is not None:
            for path in (self.trunk, self.trunk.with_suffix(".json")):
                shutil.copyfile(path, folder / f"{KEPT}{path.suffix}")
        if self.learned is not None:
            shutil.copyfile(self.learned, folder / LEARNED)

    @classmethod
    def kept(cls, folder: Path) -> Start:
        """What a model needs to predict."""
        found = [path for path in sorted(folder.glob(f"{KEPT}.*")) if path.suffix != ".json"]
        learned = folder / LEARNED
        trunk = found[0] if found else None
        tune = trunk is not None and trunk.suffix != ".onnx"
        return cls(trunk, tune, learned if learned.exists() else None)

    def _heard(self, some: Examples, folder: Path, root: str | Path, progress: Progress | None) -> Examples:
        assert self.trunk is not None
        encoder = open_trunk(self.trunk)
        made = embedded(some, encoder, folder=folder, root=root, progress=progress)
        if not self.tune:
            return made
        from recsys.producers.encoders.torch import TorchEncoder

        if not isinstance(encoder, TorchEncoder):
            raise DataError(f"{self.trunk} can't be tuned; expected weights with declared layers, or leave tuning out")
        return heard(made, encoder, folder=folder, root=root, progress=progress)


def begin(
    some: Examples,
    *,
    folder: str | Path,
    root: str | Path = "",
    trunk: str | Path | None = None,
    tune: bool = False,
    unlabelled: str | Path | None = None,
    workers: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Start, Examples]:
    """What learning begins with, made where it is not there yet, and the examples made ready with it.

    Args:
        some: what is to be learned from, paths relative to ``root``.
        folder: where what was heard and learned is kept.
        trunk, tune: see ``Start``.
        unlabelled: a folder of sound that a new trunk hears first, together with ``some``; it may hold those files too.
        workers: processes that hear.

    Raises:
        DataError: no sound in ``unlabelled``, or an encoder that can't be used.
    """
    learned = None
    if unlabelled is not None:
        files = [str(file.path) for file in scan([Path(unlabelled)]).files]
        if not files:
            raise DataError(f"no sound file in {unlabelled}; expected files such as .mp3, .flac, .ogg or .wav")
        more = examples(files, folder=folder, workers=workers, progress=progress)
        learned = pretrained([some, more], folder=folder, seed=seed, progress=progress)
    start = Start(None if trunk is None else Path(trunk), tune, learned)
    return start, start.ready(some, folder=folder, root=root, progress=progress)


def pretrained(
    parts: Sequence[Examples], *, folder: str | Path, seed: int = 0, progress: Progress | None = None
) -> Path:
    """The file of a trunk that heard all these files, and no label; made where ``folder`` has it not.

    Raises:
        DataError: too few files.
    """
    from recsys.producers.networks import pretraining

    whole = together(parts)
    name = hashlib.sha256(repr([sorted(whole.digests), seed, pretraining.PLAN]).encode()).hexdigest()[:12]
    place = Path(folder) / f"start-{name}.safetensors"
    if not place.exists():
        going = place.with_suffix(".training")
        trunk = pretraining.pretrain(whole, seed=seed, plan=pretraining.PLAN, checkpoint=going, progress=progress)
        pretraining.save(place, trunk)
    return place


def together(parts: Sequence[Examples]) -> Examples:
    """Log-mel windows of several sets as one, each sound once; what else is known of them is left out."""
    width = max(part.mel.shape[1] for part in parts)
    grow = [((0, 0), (0, width - part.mel.shape[1])) for part in parts]
    mel = np.concatenate([np.pad(part.mel, (*g, (0, 0), (0, 0))) for part, g in zip(parts, grow, strict=True)])
    mask = np.concatenate([np.pad(part.mask, g) for part, g in zip(parts, grow, strict=True)])
    paths = tuple(path for part in parts for path in part.paths)
    digests = tuple(digest for part in parts for digest in part.digests)
    first = np.unique(digests, return_index=True)[1] if len(digests) == len(paths) else np.arange(len(paths))
    bare, groups = np.zeros((len(paths), 0), np.float32), np.arange(len(paths), dtype=np.int32)
    return Examples(paths, mel, mask, bare, (), groups, digests).take(np.sort(first))
