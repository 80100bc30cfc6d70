"""Descriptor blocks in, one content space out: where every track, and any other sound, lies beside the others.

Each feature is centred on the median of the catalogue, divided by its interquartile range and clipped, so that odd
files move nothing. The blocks then weigh as ``WEIGHTS`` says. What varies a lot counts less: directions are divided
by their spread within artists, where enough artists have several tracks (within-class covariance normalisation,
Hatch, Kajarekar & Stolcke, Interspeech 2006), and within genres, where these are known too; else by the root of their
spread in all. Directions in which genres differ (Fisher, 1936) then count more. Similarity is the cosine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys import bundle, manifest
from recsys.errors import ArtefactError, DataError
from recsys.tables import Embeddings

NAME = "sound"
FACTS = "space.json"
WEIGHTS = {"dynamics": 0.3, "rhythm": 0.15, "tonal": 0.15}
TIMBRE = {"statistics": 1.0, "envelope": 0.3, "correlation": 0.7}  # parts of the timbre block
CLIP = 4.0  # deviations beyond which a value counts no more
POWER = 0.5  # of the spread in all: 0 leaves directions as they are, 1 makes them even
POWER_WITHIN = 1.0  # of the spread within artists and genres
OF_GENRES = 0.3  # share of the spread within genres beside that within artists
BETWEEN = 0.3  # what directions between genres count more
SHRINKAGE = 0.5  # towards an even spread: what few tracks say is not believed altogether
ENOUGH = 50  # tracks beyond the first of each artist, from which the spread within artists is known
GENRE = 10, 3  # tracks and artists from which a genre is one
DIMENSIONS = 128
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Space:
    """The way from blocks to the content space; made by ``fit``.

    Attributes:
        widths: length of each block's vector, in the order in which blocks are joined, D numbers in all.
        middle, scale: of each feature, (D,).
        weight: of each feature, (D,).
        projection: from weighted features to the space, (D, d).
        facts: what else the maker wants to know again.

    >>> rng = np.random.default_rng(0)
    >>> blocks = {"timbre": Embeddings(rng.normal(size=(20, 5)), np.ones(20, bool), "timbre")}
    >>> space = Space.fit(blocks)
    >>> found = space.place({"timbre": blocks["timbre"].vectors[3]})
    >>> bool(np.allclose(found, space.vectors(blocks).vectors[3], atol=1e-6))
    True
    """

    widths: Mapping[str, int]
    middle: Doubles
    scale: Doubles
    weight: Doubles
    projection: Doubles
    facts: Mapping[str, Any]

    @classmethod
    def fit(
        cls,
        blocks: Mapping[str, Embeddings],
        artists: NDArray[np.int32] | None = None,
        *,
        genres: NDArray[np.int32] | None = None,
        facts: Mapping[str, Any] | None = None,
        dimensions: int = DIMENSIONS,
    ) -> Self:
        """Learn from a catalogue.

        Args:
            blocks: vectors of each descriptor, over the same n tracks.
            artists, genres: codes (n,), −1 where unknown; None when nothing is known.
            facts: kept with the space.
            dimensions: d, at most.

        Raises:
            DataError: no block.
        """
        names = sorted(blocks)
        if not names:
            raise DataError("found no descriptor block; expected the features of at least one file with sound")
        widths = {name: blocks[name].dimensions for name in names}
        middle, scale = (np.concatenate(part) for part in zip(*(_centre(blocks[n]) for n in names), strict=True))
        weight = np.concatenate([_weight(name, width) for name, width in widths.items()])
        flat = cls(widths, middle, scale, weight, np.eye(len(middle)), facts or {})
        features, known = flat._features(blocks)
        by, of = (np.full(len(known), -1, np.int32) if codes is None else codes for codes in (artists, genres))
        projection = _projection(features[known], by[known], of[known], dimensions)
        return cls(widths, middle, scale, weight, projection, facts or {})

    def vectors(self, blocks: Mapping[str, Embeddings]) -> Embeddings:
        """Unit vectors of tracks, (n, d); a track of which no block is known has none."""
        features, known = self._features(blocks)
        return Embeddings.normalised(np.where(known[:, None], features @ self.projection, 0), NAME)

    def place(self, blocks: Mapping[str, Floats]) -> Floats:
        """The unit vector of one sound, (d,), from the vectors of its blocks.

        Raises:
            DataError: it has none of the blocks: it is silent.
        """
        known = {n: np.nan_to_num(v)[None, :] for n, v in blocks.items() if n in self.widths}
        made = self.vectors({n: Embeddings(v, np.ones(1, np.bool_), n) for n, v in known.items()})
        if not made.known.any():
            raise DataError("there is nothing to hear in this file; expected sound")
        return made.vectors[0]

    def save(self, folder: Path) -> None:
        """Write the space as plain arrays into ``folder``."""
        arrays = {name: getattr(self, name) for name in ("middle", "scale", "weight", "projection")}
        bundle.save_arrays(folder, arrays)
        manifest.write_json(folder / FACTS, {"widths": dict(self.widths), **self.facts})

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            ArtefactError: missing or torn.
        """
        try:
            told = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            return cls(told.pop("widths"), **bundle.open_arrays(folder), facts=told)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtefactError(f"{folder} holds no content space ({error}); ingest and train again") from error

    def _features(self, blocks: Mapping[str, Embeddings]) -> tuple[Doubles, NDArray[np.bool_]]:
        """Scaled and weighted features (n, D), 0 where a block is unknown, and which tracks have any block."""
        there = [embedding for name, embedding in blocks.items() if name in self.widths]
        n = len(there[0]) if there else 1
        values, known = np.tile(self.middle, (n, 1)), np.zeros(n, bool)
        end = 0
        for name, width in self.widths.items():
            start, end = end, end + width
            if name in blocks:
                mine = blocks[name]
                if mine.dimensions != width:
                    raise DataError(f"block {name!r} has {mine.dimensions} numbers; expected {width}: analyze again")
                values[mine.known, start:end] = mine.vectors[mine.known]
                known |= mine.known
        return np.clip((values - self.middle) / self.scale, -CLIP, CLIP) * self.weight, known


def _centre(block: Embeddings) -> tuple[Doubles, Doubles]:
    """Median of each feature and its interquartile range in deviations of a bell curve; 1 where nothing varies."""
    if not block.known.any():
        return np.zeros(block.dimensions), np.ones(block.dimensions)
    low, middle, high = np.percentile(block.vectors[block.known].astype(np.float64), [25, 50, 75], axis=0)
    spread = (high - low) / 1.349
    return middle, np.where(spread > 1e-9 * np.maximum(1, np.abs(middle)), spread, 1.0)


def _weight(name: str, width: int) -> Doubles:
    """What each feature of a block weighs, (width,): as much in all for a block, or part, of many as for one of few."""
    from recsys.audio.timbre import PARTS

    if name != "timbre" or width != max(part.stop for part in PARTS.values()):
        return np.full(width, WEIGHTS.get(name, 1.0) / np.sqrt(width))
    sizes = {part: place.stop - place.start for part, place in PARTS.items()}
    return np.concatenate([np.full(size, TIMBRE[part] / np.sqrt(size)) for part, size in sizes.items()])


def _projection(features: Doubles, artists: NDArray[np.int32], genres: NDArray[np.int32], dimensions: int) -> Doubles:
    """From features (n, D) to the space: directions evened out, then the ``dimensions`` that hold most of it."""
    genres = _common(genres, artists)
    within, power = _within(features, artists), POWER_WITHIN
    if within is None:
        covariance, power = _covariance(features - features.mean(axis=0)), POWER
    else:
        covariance, styles = _covariance(within), _within(features, genres)
        if styles is not None:
            covariance = (1 - OF_GENRES) * covariance + OF_GENRES * _covariance(styles)
    even = np.trace(covariance) / len(covariance) or 1.0
    spread, directions = np.linalg.eigh((1 - SHRINKAGE) * covariance + SHRINKAGE * even * np.eye(len(covariance)))
    made = directions / spread ** (power / 2)
    made = made + BETWEEN * made @ _between(features @ made, genres)
    _, _, axes = np.linalg.svd(features @ made, full_matrices=False)
    return made @ axes[:dimensions].T


def _covariance(centred: Doubles) -> Doubles:
    return centred.T @ centred / max(1, len(centred))


def _common(genres: NDArray[np.int32], artists: NDArray[np.int32]) -> NDArray[np.int32]:
    """Genres of several tracks by several artists; −1 for the others, so that an artist is not taken for a genre."""
    kept = genres.copy()
    for genre in np.unique(genres[genres >= 0]):
        mine = genres == genre
        if mine.sum() < GENRE[0] or len(np.unique(artists[mine & (artists >= 0)])) < GENRE[1]:
            kept[mine] = -1
    return kept


def _between(features: Doubles, genres: NDArray[np.int32]) -> Doubles:
    """The projection onto the directions in which the means of genres differ, (D, D); 0 for fewer than two."""
    names = np.unique(genres[genres >= 0])
    if len(names) < 2:
        return np.zeros((features.shape[1], features.shape[1]))
    means = np.stack([features[genres == name].mean(axis=0) for name in names])
    _, _, axes = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    span = axes[: len(names) - 1]
    return span.T @ span


def _within(features: Doubles, artists: NDArray[Any]) -> Doubles | None:
    """What each track differs from the mean of its artist, or genre; None when too few of them have several tracks."""
    known = np.flatnonzero(artists >= 0)
    _, codes, counts = np.unique(artists[known], return_inverse=True, return_counts=True)
    several = counts[codes] > 1
    if several.sum() - (counts > 1).sum() < ENOUGH:
        return None
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, codes, features[known])
    apart = features[known] - (sums / counts[:, None])[codes]
    return apart[several] * np.sqrt(counts / np.maximum(counts - 1, 1))[codes][several, None]
