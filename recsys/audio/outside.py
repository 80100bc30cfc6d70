"""A sound file that may be no track in, what a bundle can make of it out: the track that it is, or where it lies.

Which sounds the tracks have is known by the hashes beside the stored content space, so a file that was moved, renamed
or retagged is still its track. Any other file is heard in a process of its own, as the library was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import bundle
from recsys.audio.alone import ANALYSE, IDENTIFY, alone
from recsys.audio.analyse import Analysis, analyser
from recsys.audio.ids import Identity
from recsys.audio.space import Space
from recsys.audio.tags import Tags
from recsys.audio.titles import plain_artist, plain_title
from recsys.audio.workers import SECONDS
from recsys.errors import ArtefactError, DataError
from recsys.tables import Catalogue

Rows = NDArray[np.int32]
SOUNDS = "sounds"  # the folder with the hashes, inside that of the space
APART = 5.0  # seconds that two lengths of one recording may differ
NONE = np.empty(0, np.int32)


class Outside(NamedTuple):
    """What a file is to a bundle.

    Attributes:
        row: the track that it is, −1 when it is none.
        vector: where its sound lies, a unit vector (d,); None when it is a track.
        artist: code of its artist in the catalogue, −1 where unknown.
        same: tracks of its artist, title and length: itself, as far as the tags tell.
    """

    row: int
    vector: NDArray[np.float32] | None = None
    artist: int = -1
    same: Rows = NONE


def save_sounds(folder: Path, digests: pd.Series) -> None:
    """Keep which sound each track row has, beside the space in ``folder``; rows without a digest have none."""
    known = digests[digests.notna()].sort_values(kind="stable")
    arrays = {"digest": known.to_numpy().astype("S64"), "row": known.index.to_numpy(np.int32)}
    bundle.save_arrays(folder / SOUNDS, arrays)


def hear(path: str | Path, folder: Path, catalogue: Catalogue, *, seconds: float = SECONDS) -> Outside:
    """Recognise a file, or else hear it and find its place in the space.

    Args:
        path: the file.
        folder: where ``Space.save`` wrote the space, and ``save_sounds`` what sounds there are.
        catalogue: of the tracks.
        seconds: longest time for reading its tags, and for hearing it.

    Raises:
        DataError: the file can't be read or decoded, takes too long or is silent.
        ArtefactError: the library was analysed by another version.
    """
    identity: Identity = alone(IDENTIFY, str(path), seconds=seconds)
    row = known_as(identity, folder, catalogue)
    if row >= 0:
        return Outside(row)
    artist, same = by_tags(identity.tags, catalogue)
    return Outside(-1, place(path, folder, declared=identity.tags.duration, seconds=seconds), artist, same)


def known_as(identity: Identity, folder: Path, catalogue: Catalogue) -> int:
    """The row of the track that has this sound, MusicBrainz id or ISRC; −1 when none has."""
    sounds = bundle.open_arrays(folder / SOUNDS)
    if "digest" in sounds:
        digest = np.bytes_(identity.digest)
        place = int(np.searchsorted(sounds["digest"], digest))
        if place < len(sounds["digest"]) and sounds["digest"][place] == digest:
            return int(sounds["row"][place])
    for column, code in (("mbid", identity.tags.mbid), ("isrc", identity.tags.isrc)):
        rows = _coded(catalogue.values(column), code)
        fits = rows[_as_long(catalogue, rows, identity.tags.duration)]
        if len(fits):
            return int(fits[0])
    return -1


def by_tags(tags: Tags, catalogue: Catalogue) -> tuple[int, Rows]:
    """The code of an artist of this name, −1 for none; and the artist's tracks of this title and length."""
    wanted = plain_artist(tags.artist)
    names = {name for name in catalogue.values("artist") if isinstance(name, str)} if wanted else set()
    mine = np.isin(catalogue.values("artist"), [name for name in names if plain_artist(name) == wanted])
    rows = np.flatnonzero(mine)
    if not len(rows):
        return -1, NONE
    title = plain_title(tags.title)
    titled = rows[[title != "" and plain_title(other) == title for other in catalogue.values("title")[rows]]]
    return int(catalogue.artists[rows[0]]), titled[_as_long(catalogue, titled, tags.duration)].astype(np.int32)


def _coded(values: NDArray[Any], code: str | None) -> NDArray[np.intp]:
    """Rows of this code, whatever its case."""
    if not code:
        return np.empty(0, np.intp)
    wanted = code.casefold()
    return np.flatnonzero([isinstance(value, str) and value.casefold() == wanted for value in values])


def _as_long(catalogue: Catalogue, rows: NDArray[np.integer], seconds: float | None) -> NDArray[np.bool_]:
    """Which of these tracks may be as long as this, (rows,); a length that is unknown may be any."""
    lengths = catalogue.frame["duration"].to_numpy(np.float64)[rows]
    return ~(np.abs(lengths - (seconds or np.nan)) > APART)


def place(
    path: str | Path, folder: Path, *, declared: float | None = None, seconds: float = SECONDS
) -> NDArray[np.float32]:
    """The unit vector of a file, (d,), analysed in a process of its own as the library was.

    Args:
        path: the file.
        folder: where ``Space.save`` wrote the space.
        declared: its length by its header, where that is known.
        seconds: longest time.

    Raises:
        DataError: the file can't be decoded, takes too long or is silent.
        ArtefactError: the library was analysed by another version.
    """
    space = Space.open(folder)
    options: dict[str, Any] = {
        name: space.facts[name] for name in ("windows", "seconds", "trim", "loudness") if name in space.facts
    }
    if space.facts["analyser"] != analyser(**options):
        raise ArtefactError(f"{folder} was made by another version of the analysis; analyze, ingest and train again")
    heard: Analysis = alone(ANALYSE, str(path), {**options, "declared": declared}, seconds=seconds)
    try:
        return space.place(heard.blocks)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
