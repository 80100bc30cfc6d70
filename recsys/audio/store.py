"""A folder of features in, the catalogue, traits, vectors and events of its tracks out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from recsys import manifest
from recsys.audio import parts
from recsys.audio.journal import KIND
from recsys.tables import Embeddings, IdMap

Floats = NDArray[np.float32]
TAGS = ("title", "artist", "album", "year", "genre", "isrc", "mbid")


@dataclass(frozen=True, eq=False)
class Features:
    """What was found in the files of a library; row i of everything is track row i.

    Attributes:
        tracks: ids, sorted.
        catalogue: title, artist, album, year, genre, isrc, mbid, duration (seconds), path, paths (all that hold the
            same sound), flags (of any of them), digest; indexed by track id.
        traits: named numbers, float64, NaN when unknown; indexed by track id.
        blocks: one vector per track and descriptor.
        extra: further vectors, such as the mean chroma.
        failures: path, cause and tries of each file that could not be analysed.
        manifest: of the folder.
    """

    folder: Path
    tracks: IdMap
    catalogue: pd.DataFrame
    traits: pd.DataFrame
    blocks: Mapping[str, Embeddings]
    extra: Mapping[str, Embeddings]
    failures: pd.DataFrame
    manifest: Mapping[str, Any]
    _places: Mapping[str, Path]
    _held: dict[Path, pa.Table] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tracks)

    def events(self, track: str) -> dict[str, Floats]:
        """Times of onsets, beats and downbeats of one track by name, seconds from the start of its file.

        Raises:
            UnknownId: no such track.
        """
        digest = self.catalogue["digest"].iloc[int(self.tracks.rows([track])[0])]
        table = self._part(self._places[digest])
        row = max(index for index, other in enumerate(table["digest"].to_pylist()) if other == digest)
        found = {name.partition(":")[2]: table[name][row].values for name in table.column_names if ":" in name}
        return {name: np.asarray(times, np.float32) for name, times in found.items() if times is not None}

    def _part(self, path: Path) -> pa.Table:
        """The events of a part; the last one asked for is kept."""
        if path not in self._held:
            self._held.clear()
            names = [name for name in parts.columns(path) if name == "digest" or name.startswith("events:")]
            self._held[path] = parts.read(path, names)
        return self._held[path]


def open_features(folder: str | Path) -> Features:
    """Read what ``recsys analyze`` wrote: the last sealed state, even while a new run goes on.

    Raises:
        ArtefactError: not such a folder, unfinished, or too new.
    """
    folder = Path(folder)
    content = manifest.read(folder, KIND)
    names = sorted(content["files"])
    files = parts.together(parts.read(folder / n) for n in names if n.startswith("files-")).to_pandas()
    paths = [folder / n for n in names if n.startswith("analyses-")]
    places = {digest: known.place for digest, known in parts.latest(paths).items() if known.place}
    tracks = _one_row_each(files[files["digest"].isin(places.keys()) & files["cause"].isna()])
    analyses = _aligned(paths, tracks["digest"].tolist())
    catalogue = _catalogue(tracks, analyses)
    failures = files.loc[files["cause"].notna(), ["path", "cause", "tries"]].reset_index(drop=True)
    return Features(
        folder,
        IdMap(tracks.index, "track"),
        catalogue,
        _traits(analyses, catalogue.index),
        _spaces(analyses, "block"),
        _spaces(analyses, "extra"),
        failures,
        content,
        places,
    )


def _one_row_each(files: pd.DataFrame) -> pd.DataFrame:
    """One row per track, by its first path; ``paths`` lists all, ``flags`` those of all."""
    files = files.sort_values(["track_id", "path"])
    grouped = files.groupby("track_id")
    flags = grouped["flags"].agg(lambda found: sorted({flag for own in found for flag in own}))
    first = files.drop_duplicates("track_id").set_index("track_id")
    return first.assign(paths=grouped["path"].agg(list), flags=flags).sort_index()


def _aligned(paths: Sequence[Path], digests: Sequence[str]) -> pa.Table:
    """The last analysis of each digest in this order, without events."""
    tables = [parts.read(path, [n for n in parts.columns(path) if not n.startswith("events:")]) for path in paths]
    if not tables:
        return parts.analyses_table([])
    table = parts.together(tables)
    places = {digest: row for row, digest in enumerate(table["digest"].to_pylist())}
    return table.take([places[digest] for digest in digests])


def _catalogue(tracks: pd.DataFrame, analyses: pa.Table) -> pd.DataFrame:
    """Tags, length, paths and the flags of both file and sound."""
    own = analyses["flags"].to_pylist()
    flags = [sorted({*file, *sound}) for file, sound in zip(tracks["flags"], own, strict=True)]
    seconds = analyses["seconds"].to_numpy()
    return tracks.assign(duration=seconds, flags=flags)[[*TAGS, "duration", "path", "paths", "flags", "digest"]]


def _traits(analyses: pa.Table, index: pd.Index[Any]) -> pd.DataFrame:
    names = [name for name in analyses.column_names if name.startswith("trait:")]
    columns = {name.partition(":")[2]: analyses[name].to_numpy().astype(np.float64) for name in names}
    return pd.DataFrame(columns, index=index)


def _spaces(analyses: pa.Table, prefix: str) -> dict[str, Embeddings]:
    """Vectors by name; a track that has none, or one of another length than most, is unknown."""
    names = [name for name in analyses.column_names if name.startswith(f"{prefix}:")]
    return {name.partition(":")[2]: _space(analyses[name].to_pylist(), name.partition(":")[2]) for name in names}


def _space(vectors: Sequence[list[float] | None], name: str) -> Embeddings:
    sizes = Counter(len(vector) for vector in vectors if vector)
    size = sizes.most_common(1)[0][0] if sizes else 0
    known = np.array([bool(vector) and len(vector or ()) == size for vector in vectors], bool)
    table = np.zeros((len(vectors), size), np.float32)
    table[known] = np.array([vector for vector, good in zip(vectors, known, strict=True) if good]).reshape(-1, size)
    finite = np.isfinite(table).all(axis=1)
    table[~finite] = 0
    return Embeddings(table, known & finite, name)
