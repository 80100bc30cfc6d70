"""What producers said of the tracks of a library: on disk, as columns of a catalogue, and as content spaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import manifest
from recsys.producers.tagging.given import key, split
from recsys.tables import Embeddings
from recsys.tables.predicted import BY, CHANCE, EVEN, PREDICTED, SIGMA, chance_of, listed

Floats = NDArray[np.float32]
KIND = "labels"
FILE = "said.npz"
SPACE = "tagger"  # content spaces are called tagger:genre and the like
EMBEDDING = "embedding"


@dataclass(frozen=True, eq=False)
class Said:
    """What was said of one target.

    Attributes:
        name, kind, classes: of the target, see ``targets``.
        mean: float32 (n, c), probabilities or numbers; NaN where nothing was said.
        sigma: float32 (n, c) of numbers; None for labels.
        by: the producer, name@version.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    mean: Floats
    sigma: Floats | None
    by: str

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of which tracks anything was said, (n,)."""
        return ~np.isnan(self.mean.sum(axis=1))

    def take(self, rows: NDArray[Any]) -> Said:
        """Some tracks; −1 is a track of which nothing was said."""
        sigma = None if self.sigma is None else _taken(self.sigma, rows)
        return replace(self, mean=_taken(self.mean, rows), sigma=sigma)

    def columns(self) -> dict[str, Any]:
        """Columns of a catalogue as ``tables.predicted`` names them."""
        if self.kind == "numeric":
            return self._numbers()
        best = np.where(self.known, np.nan_to_num(self.mean).max(axis=1, initial=0), np.nan)
        made: dict[str, Any] = {f"{self.name}{PREDICTED}": self._labels(), f"{CHANCE}{self.name}": best}
        for label, chances in zip(self.classes, self.mean.T, strict=True):
            made.setdefault(chance_of(self.name, label), chances.astype(np.float64))
        return {**made, f"{self.name}{BY}": self._by()}

    def _labels(self) -> pd.Series[Any]:
        """Labels of at least even chance, likeliest first; None where nothing was said."""
        made = np.full(len(self.mean), None, object)
        order = np.argsort(-np.nan_to_num(self.mean), axis=1, kind="stable")
        for row in np.flatnonzero(self.known):
            likely = [self.classes[c] for c in order[row] if self.mean[row, c] >= EVEN]
            made[row] = likely[:1] if self.kind == "single" else likely
        return pd.Series(made, dtype=object)

    def _numbers(self) -> dict[str, Any]:
        sigma = np.full_like(self.mean, np.nan) if self.sigma is None else self.sigma
        made: dict[str, Any] = {}
        for place, name in enumerate(self.classes):
            made[f"{name}{PREDICTED}"] = self.mean[:, place].astype(np.float64)
            made[f"{name}{SIGMA}"] = sigma[:, place].astype(np.float64)
            made[f"{name}{BY}"] = self._by()
        return made

    def _by(self) -> pd.Series[Any]:
        return pd.Series([self.by if known else None for known in self.known], dtype=object)

    def space(self) -> Embeddings:
        """The block TAG of this target: chances, or means and deviations, (n, c) or (n, 2c)."""
        parts = [self.mean] if self.sigma is None else [self.mean, self.sigma]
        values = np.concatenate(parts, axis=1)
        known = ~np.isnan(values.sum(axis=1))
        return Embeddings(np.where(known[:, None], values, 0).astype(np.float32), known, f"{SPACE}:{self.name}")


@dataclass(frozen=True, eq=False)
class Labelled:
    """All that was said of n tracks.

    Attributes:
        said: by target.
        embedding: float32 (n, 128), NaN rows where there is none; None where no network was asked.
        facts: of the manifest.
    """

    said: Mapping[str, Said]
    embedding: Floats | None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def take(self, rows: NDArray[Any]) -> Labelled:
        """Some tracks; −1 is a track of which nothing was said."""
        said = {name: one.take(rows) for name, one in self.said.items()}
        return replace(self, said=said, embedding=None if self.embedding is None else _taken(self.embedding, rows))

    def columns(self) -> pd.DataFrame:
        """Columns of a catalogue, one row per track."""
        return pd.DataFrame({name: values for one in self.said.values() for name, values in one.columns().items()})

    def spaces(self) -> list[Embeddings]:
        """The block TAG: a space for each target, and the embedding."""
        made = [one.space() for one in self.said.values()]
        if self.embedding is not None:
            made.append(Embeddings.normalised(np.nan_to_num(self.embedding), f"{SPACE}:{EMBEDDING}"))
        return [space for space in made if space.known.any()]


def with_given(space: Embeddings, classes: Sequence[str], cells: Iterable[Any]) -> Embeddings:
    """A space of chances in which a label that was given has chance 1, and the others of that track 0.

    Args:
        space: of the target, over the tracks.
        classes: of its columns.
        cells: what was given of each track; a track whose labels are no classes has zeros.

    >>> said = Embeddings(np.array([[0.5, 0.25], [0.5, 0.25]]), np.array([True, True]), "tagger:genre")
    >>> with_given(said, ("hip hop", "jazz"), [["Jazz"], None]).vectors.tolist()
    [[0.0, 1.0], [0.5, 0.25]]
    """
    place = {key(label): column for column, label in enumerate(classes)}
    vectors, known = space.vectors.copy(), space.known.copy()
    for row, cell in enumerate(cells):
        labels = [key(part) for label in listed(cell) for part in split(str(label))]
        if labels:
            vectors[row], known[row] = 0, True
            spelt = [(label, label.removesuffix("s"), f"{label}s") for label in labels]
            vectors[row, [place[name] for names in spelt for name in names if name in place]] = 1
    return replace(space, vectors=vectors, known=known)


def save(folder: Path, digests: list[str], labelled: Labelled) -> None:
    """Write arrays into a working folder, which the caller seals with ``told`` among its facts."""
    arrays: dict[str, Any] = {"digests": np.array(digests, "S")}
    for name, one in labelled.said.items():
        arrays[f"mean.{name}"] = one.mean
        if one.sigma is not None:
            arrays[f"sigma.{name}"] = one.sigma
    if labelled.embedding is not None:
        arrays[EMBEDDING] = labelled.embedding
    with open(folder / FILE, "wb") as file:
        np.savez(file, **arrays)


def told(labelled: Labelled) -> dict[str, Any]:
    """What the manifest says of each target."""
    return {n: {"kind": one.kind, "classes": list(one.classes), "by": one.by} for n, one in labelled.said.items()}


def open_labels(folder: str | Path, digests: list[str]) -> Labelled:
    """What a folder says of the tracks with these sounds, in this order.

    Raises:
        ArtefactError: not such a folder, unfinished, or too new.
    """
    facts = manifest.read(Path(folder), KIND)
    with np.load(Path(folder) / FILE, allow_pickle=False) as arrays:
        place = {digest.decode(): row for row, digest in enumerate(arrays["digests"].tolist())}
        said = {}
        for name, one in facts["targets"].items():
            sigma = arrays.get(f"sigma.{name}")
            said[name] = Said(name, one["kind"], tuple(one["classes"]), arrays[f"mean.{name}"], sigma, one["by"])
        embedding = arrays.get(EMBEDDING)
    rows = np.array([place.get(digest, -1) for digest in digests], np.int64)
    return Labelled(said, embedding, facts).take(rows)


def _taken(values: Floats, rows: NDArray[Any]) -> Floats:
    there = np.asarray(rows) >= 0
    made = np.full((len(rows), values.shape[1]), np.nan, np.float32)
    made[there] = values[np.asarray(rows)[there]]
    return made
