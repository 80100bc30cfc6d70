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
from recsys.errors import DataError
from recsys.producers.examples import Examples, examples
from recsys.producers.trunks import embedded, open_trunk
from recsys.producers.tuned import begun, heard

if TYPE_CHECKING:
    from recsys.producers.arms import Progress

KEPT = "trunk"  # name of an encoder's file in the folder of a model


@dataclass(frozen=True)
class Start:
    """What learning begins with.

    Attributes:
        trunk: an encoder's file, with its .json beside it.
        tune: whether it is tuned too; only weights with declared layers can be.
        unlabelled: sound files that a new trunk hears first, together with the labelled ones.
    """

    trunk: Path | None = None
    tune: bool = False
    unlabelled: Sequence[str] = ()

    def arms(self) -> list[str]:
        """Arms that it makes possible, by name.

        >>> Start(Path("mine.pt"), tune=True).arms()
        ['trunk', 'tuned']
        """
        return [] if self.trunk is None else ["trunk", *(["tuned"] if self.tune else [])]

    def facts(self) -> dict[str, Any]:
        """What tells it from others, for a manifest; {} where there is nothing to begin with."""
        own = {} if self.trunk is None else {"trunk": manifest.sha256(self.trunk), "tune": self.tune}
        return own | ({"unlabelled": len(self.unlabelled)} if self.unlabelled else {})

    def ready(
        self,
        some: Examples,
        *,
        folder: str | Path,
        root: str | Path = "",
        workers: int = 2,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Examples:
        """Examples as the arms want them, to learn from or to predict.

        Args:
            folder: where what was heard and learned is kept; a killed run goes on there.
            root: folder that the examples' paths are relative to.

        Raises:
            DataError: the encoder or the unlabelled sound can't be used.
        """
        made = some if self.trunk is None else self._heard(some, Path(folder), root, progress)
        if not self.unlabelled:
            return made
        from recsys.producers import pretraining

        more = examples(self.unlabelled, folder=folder, workers=workers, progress=progress)
        whole = together([some, more])
        name = hashlib.sha256(repr([sorted(whole.digests), seed]).encode()).hexdigest()[:12]
        place = Path(folder) / f"start-{name}.safetensors"
        if not place.exists():
            going = place.with_suffix(".training")
            pretraining.save(place, pretraining.pretrain(whole, seed=seed, checkpoint=going, progress=progress))
        return begun(made, pretraining.load(place))

    def keep(self, folder: Path) -> None:
        """Copy the encoder into the folder of a model that reads it."""
        if self.trunk is not None:
            for path in (self.trunk, self.trunk.with_suffix(".json")):
                shutil.copyfile(path, folder / f"{KEPT}{path.suffix}")

    @classmethod
    def kept(cls, folder: Path, arms: Sequence[str]) -> Start:
        """What a model needs to predict: ``arms`` are those that it has learned with."""
        found = [path for path in sorted(folder.glob(f"{KEPT}.*")) if path.suffix != ".json"]
        return cls(found[0] if found else None, tune="tuned" in arms)

    def _heard(self, some: Examples, folder: Path, root: str | Path, progress: Progress | None) -> Examples:
        assert self.trunk is not None
        encoder = open_trunk(self.trunk)
        made = embedded(some, encoder, folder=folder, root=root, progress=progress)
        if not self.tune:
            return made
        from recsys.producers.torch import TorchEncoder

        if not isinstance(encoder, TorchEncoder):
            raise DataError(f"{self.trunk} can't be tuned; expected weights with declared layers, or leave tuning out")
        return heard(made, encoder, folder=folder, root=root, progress=progress)


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
