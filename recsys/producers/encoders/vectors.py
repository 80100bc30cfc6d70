"""Tracks of a library and an encoder in, a folder with one vector per track out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import DataError
from recsys.tables import Embeddings

if TYPE_CHECKING:
    from recsys.audio.store import Features
    from recsys.producers.encoders.encoder import Encoder

Floats = NDArray[np.float32]
Progress = Callable[[str, int, int], None]

KIND = "vectors"
SAVE_EVERY = 1000  # tracks
SPECIAL = re.compile(r"[^A-Za-z0-9_-]")


def write_vectors(
    features: Features,
    encoder: Encoder,
    out: str | Path,
    *,
    progress: Progress | None = None,
    **hearing: Any,
) -> dict[str, Any]:
    """Encode all tracks into a folder with one Parquet file: track_id, digest, vector.

    The file, and the content space that ingest makes of it, is named after the encoder: ``mine@1`` becomes ``mine-1``.
    What the folder holds already from the same encoder is not made again; a killed run loses at most the last 1,000
    tracks.

    Args:
        features: the library; its files are read again.
        encoder: what makes a vector of each.
        out: the folder.
        progress: called with ("encode", done, total).
        hearing: how files are heard, as in ``Encoder.encode_file``.

    Returns:
        Facts: ``encoder``, ``sha256``, ``sidecar``, ``hearing``, ``dimensions``, ``tracks``, ``failures`` (cause by
        track id), ``encoded`` in this run.

    Raises:
        DataError: not one track could be encoded.
        ArtefactError: ``out`` holds something else.
    """
    declared = encoder.sidecar.model_dump(mode="json")
    made_by = {"encoder": encoder.sidecar.name, "sha256": encoder.sha256, "sidecar": declared, "hearing": hearing}
    vectors = _held(Path(out), made_by)
    files = features.catalogue[["path", "digest"]]
    wanted = files[~files["digest"].isin(vectors.keys())]
    failures: dict[str, str] = {}
    for done, (track, path, digest) in enumerate(wanted.itertuples(), 1):
        try:
            vectors[digest] = encoder.encode_file(path, **hearing)
        except (DataError, OSError) as error:
            failures[str(track)] = str(error)
        if done % SAVE_EVERY == 0:
            _save(Path(out), files["digest"], vectors, {**made_by, "failures": failures})
        if progress:
            progress("encode", done, len(wanted))
    if not vectors:
        raise DataError(
            f"{encoder.sidecar.name} encoded none of {len(files)} tracks: {next(iter(failures.values()), '')}"
        )
    facts = _save(Path(out), files["digest"], vectors, {**made_by, "failures": failures})
    return {**facts, "encoded": len(wanted) - len(failures)}


def _held(out: Path, made_by: Mapping[str, Any]) -> dict[str, Floats]:
    """Vectors by digest that an earlier run with the same encoder left."""
    if not out.is_dir() or not manifest.find(out):
        return {}
    facts = manifest.read(out, KIND)
    if any(facts.get(name) != value for name, value in made_by.items()):
        return {}
    table = pd.read_parquet(out / _file(facts["encoder"]))
    return {
        digest: np.asarray(vector, np.float32) for digest, vector in zip(table["digest"], table["vector"], strict=True)
    }


def _save(out: Path, digests: pd.Series, vectors: Mapping[str, Floats], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the vectors of the tracks that have one; the facts with what there is of them."""
    kept = digests[digests.isin(vectors.keys())]
    rows = [vectors[digest] for digest in kept]
    frame = pd.DataFrame({"track_id": kept.index.to_numpy(), "digest": kept.to_numpy(), "vector": rows})
    told = {**facts, "tracks": len(rows), "dimensions": len(rows[0]) if rows else 0}
    with manifest.fresh_folder(out) as work:
        frame.to_parquet(work / _file(str(facts["encoder"])), index=False)
        manifest.seal(work, KIND, told, name=manifest.OUTPUT_NAME)
    return told


def read_vectors(folder: str | Path, features: Features) -> Embeddings:
    """The vectors of a folder for the tracks of a library, of length 1, in a space named after the encoder.

    Raises:
        ArtefactError: ``folder`` holds no such vectors.
    """
    facts = manifest.read(Path(folder), KIND)
    table = pd.read_parquet(Path(folder) / _file(facts["encoder"]))
    vectors = np.zeros((len(features.catalogue), facts["dimensions"]), np.float32)
    place = {digest: row for row, digest in enumerate(features.catalogue["digest"])}
    for digest, vector in zip(table["digest"], table["vector"], strict=True):
        if digest in place:
            vectors[place[digest]] = vector
    return Embeddings.normalised(vectors, Path(_file(facts["encoder"])).stem)


def _file(encoder: str) -> str:
    return f"{SPECIAL.sub('-', encoder)}.parquet"
