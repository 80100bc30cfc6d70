"""Descriptors in, likenesses out: groups of descriptors that weigh by their size, and kernels over a few landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from recsys.audio.timbre import PARTS
from recsys.producers.labelling.arms import Arrays
from recsys.producers.learners.linear import spread

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
CLIP = 4.0  # deviations beyond which a descriptor counts no more
SIZE = 0.5  # a group of n descriptors weighs n^SIZE of one: 1 would make descriptors even, 0 groups
IN_KEYS = ("extra:chroma", "extra:bass_chroma")  # left out: they say in which key, which is no kind of music
LEAST = 0.02  # weight of a group of descriptors that says nothing, beside that of the best one
SMALL = 1e-7  # share of the largest eigenvalue below which a direction is noise of rounding


class Shape(NamedTuple):
    """Of a kernel: the share of the linear one beside the Gaussian one, and how fast that falls with distance."""

    linear: float
    gamma: float = 0.5


def grouped(names: Sequence[str]) -> tuple[str, ...]:
    """The group of each descriptor: its name without number; the parts of the timbre are groups of their own.

    >>> grouped(["trait:tempo_bpm", "patterns:delta:7", "timbre:3", "timbre:90", "rhythm:0"])
    ('trait', 'patterns:delta', 'timbre:statistics', 'timbre:envelope', 'rhythm')
    """
    return tuple(_group(name) for name in names)


def _group(name: str) -> str:
    front, _, last = name.rpartition(":")
    if not last.isdigit():
        return front or name
    if front != "timbre":
        return front
    parts = [part for part, place in PARTS.items() if place.start <= int(last) < place.stop]
    return f"timbre:{parts[0]}" if parts else front


@dataclass(frozen=True, eq=False)
class Space:
    """Where sounds lie: places (d,) of the descriptors that count, their middle, scale and weight (d,).

    >>> space = Space.fit(np.array([[1.0, 5, 0], [3, 5, np.nan]], np.float32), ["a:0", "a:1", "b"])
    >>> space.place(np.array([[5.0, 5, 0]])).tolist()
    [[3.0]]
    """

    columns: NDArray[np.int32]
    middle: Doubles
    scale: Doubles
    weight: Doubles

    @classmethod
    def fit(cls, descriptors: NDArray[Any], names: Sequence[str], only: Sequence[str] = ()) -> Space:
        """Learn from descriptors (n, d); what is unknown or the same everywhere does not count.

        Args:
            only: groups that count; all but ``IN_KEYS`` when empty.
        """
        middle, scale = spread(descriptors)
        groups = np.array(grouped(names))
        far = np.nanmax(np.where(np.isfinite(descriptors), np.abs(descriptors - middle), 0), axis=0)
        wanted = np.isin(groups, only) if len(only) else ~np.isin(groups, IN_KEYS)
        columns = np.flatnonzero((far > 1e-9 * np.maximum(1, np.abs(middle))) & wanted)
        _, codes, counts = np.unique(groups[columns], return_inverse=True, return_counts=True)
        weight = counts[codes].astype(np.float64) ** (SIZE - 1.0) if len(columns) else np.ones(0)
        return cls(columns.astype(np.int32), middle[columns], scale[columns], _even(weight))

    def weighed(self, descriptors: NDArray[Any], names: Sequence[str], values: Doubles, files: NDArray[Any]) -> Space:
        """The same, but groups of descriptors weigh more the more they have to do with what is to be learned.

        What counts is how far descriptors and values (n, c) agree in pairs of files of different groups, so that
        knowing a group by heart does not help (after Cristianini et al., On kernel-target alignment, NIPS 2001).

        Args:
            files: (n,) the group of each file.
        """
        if not len(self.columns):
            return self
        deviations = np.clip(np.nan_to_num((descriptors[:, self.columns] - self.middle) / self.scale), -CLIP, CLIP)
        unit = np.maximum(np.nanstd(values, axis=0), 1e-9) * np.sqrt(len(values))
        agreed = _agreement(deviations, np.nan_to_num((values - np.nanmean(values, axis=0)) / unit), files)
        _, codes, counts = np.unique(np.array(grouped(names))[self.columns], return_inverse=True, return_counts=True)
        mean = np.maximum(np.bincount(codes, agreed) / counts, 0)
        share = mean / mean.max() if mean.max() > 0 else np.ones(len(mean))
        return replace(self, weight=_even(self.weight**2 * (share[codes] + LEAST)))

    def place(self, descriptors: NDArray[Any]) -> Floats:
        """Weighted deviations (n, d), 0 where unknown."""
        found = (descriptors[:, self.columns] - self.middle) / self.scale
        return (np.clip(np.nan_to_num(found), -CLIP, CLIP) * self.weight).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        return {"columns": self.columns, "middle": self.middle, "scale": self.scale, "weight": self.weight}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Space:
        """The inverse of ``arrays``."""
        return cls(*(np.asarray(arrays[name]) for name in ("columns", "middle", "scale", "weight")))


@dataclass(frozen=True, eq=False)
class Likeness:
    """A kernel to some landmarks (l, d), in units of their own: 1 is a sound to itself, on average.

    Attributes:
        landmarks: float32 (l, d).
        shape: of the kernel.
        power: mean squared length of a landmark.
        reach: median squared distance of two landmarks.
    """

    landmarks: Floats
    shape: Shape
    power: float
    reach: float

    @classmethod
    def to(cls, landmarks: Floats, shape: Shape) -> Likeness:
        """To these landmarks; they are rounded to 16 bits, so that what is kept predicts the same."""
        landmarks = landmarks.astype(np.float16).astype(np.float32)
        squares = _squares(landmarks, landmarks)[np.triu_indices(len(landmarks), 1)]
        reach = float(np.median(squares)) if len(squares) else 1.0
        return cls(landmarks, shape, float((landmarks**2).sum(axis=1).mean()) or 1.0, reach or 1.0)

    def of(self, places: Floats) -> Doubles:
        """Likeness of each place (m, d) to each landmark, (m, l)."""
        linear, gamma = self.shape
        found = np.zeros((len(places), len(self.landmarks)))
        if linear:
            found += linear / self.power * (places @ self.landmarks.T)
        if linear < 1:
            found += (1 - linear) * np.exp(-gamma / self.reach * _squares(places, self.landmarks))
        return found

    def own(self, places: Floats) -> Doubles:
        """Likeness of each place to itself, (m,)."""
        linear = self.shape.linear
        return linear / self.power * (places.astype(np.float64) ** 2).sum(axis=1) + 1 - linear

    def root(self) -> Doubles:
        """(l, r), so that ``of(x) @ root`` are coordinates whose products are likenesses (Nyström's way)."""
        inside = self.of(self.landmarks)
        values, vectors = scipy.linalg.eigh((inside + inside.T) / 2)
        good = values > SMALL * values[-1]
        return np.asarray(vectors[:, good] / np.sqrt(values[good]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it."""
        facts = np.array([*self.shape, self.power, self.reach])
        return {"landmarks": self.landmarks.astype(np.float16), "likeness": facts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Likeness:
        """The inverse of ``arrays``."""
        linear, gamma, power, reach = (float(fact) for fact in arrays["likeness"])
        return cls(np.asarray(arrays["landmarks"], np.float32), Shape(linear, gamma), power, reach)


def _even(weight: Doubles) -> Doubles:
    """Roots of weights whose sum is 1."""
    return np.asarray(np.sqrt(weight / max(weight.sum(), 1e-9)))


def _agreement(deviations: Doubles, values: Doubles, files: NDArray[Any]) -> Doubles:
    """Squared covariance of each descriptor with the values, without pairs of files of one group, (d,)."""
    order = np.argsort(files, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(files[order])) + 1]
    found = np.zeros(deviations.shape[1])
    for column in values.T:
        products = np.add.reduceat(deviations[order] * column[order][:, None], starts, axis=0)
        found += products.sum(axis=0) ** 2 - (products**2).sum(axis=0)
    return found


def _squares(one: Floats, other: Floats) -> Doubles:
    """Squared distances, (m, l)."""
    lengths, others = (one.astype(np.float64) ** 2).sum(axis=1), (other.astype(np.float64) ** 2).sum(axis=1)
    return np.maximum(0, lengths[:, None] + others[None] - 2 * (one @ other.T))
