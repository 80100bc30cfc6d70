"""A sound file that is no track in, its place in a stored content space out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys.audio.analyse import analyse, analyser
from recsys.audio.space import Space
from recsys.errors import ArtefactError, DataError


def place(path: str | Path, folder: Path) -> NDArray[np.float32]:
    """The unit vector of a file, (d,), analysed in this process as the library was.

    Args:
        path: the file.
        folder: where ``Space.save`` wrote the space.

    Raises:
        DataError: the file can't be decoded or is silent.
        ArtefactError: the library was analysed by another version.
    """
    space = Space.open(folder)
    options = {name: space.facts[name] for name in ("windows", "seconds", "trim", "loudness") if name in space.facts}
    if space.facts["analyser"] != analyser(**options):
        raise ArtefactError(f"{folder} was made by another version of the analysis; analyze, ingest and train again")
    try:
        return space.place(analyse(str(path), **options).blocks)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
