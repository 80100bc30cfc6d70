"""Features of candidates in, a score for each out: a small net, learned list by list from hidden plays.

The score is w·x + Σ b relu(A x + c), averaged over a few nets that differ in their random start. It is learned by the
listwise softmax loss (Cao et al. 2007, Learning to rank: from pairwise approach to listwise approach, ICML) and, being
piecewise linear, can be told apart into what each feature gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.contracts import Floats

CLIP = 8.0  # deviations from the mean beyond which a feature counts no more
BATCH = 32  # lists
MOMENTS = 200_000  # candidates that mean and deviation are taken over
SAMPLE = 128  # candidates of a list that are looked at in one step: the hits, and others at random
RATE, DECAY = 3e-3, 1e-2
AT_ONCE = 1 << 16  # candidates scored together
ROUNDED = 5  # decimals of what is learned: in double precision, and rounded, it does not depend on where memory lies
Doubles = NDArray[np.float64]
NAMES = ("mean", "scale", "line", "turn", "shift", "tip")


@dataclass(frozen=True, eq=False)
class Net:
    """Arrays of the learned ranker.

    Attributes:
        mean, scale: of the features, float32 (f,).
        line: w of each net, float32 (nets, f).
        turn, shift, tip: A, c and b, float32 (nets, f, hidden), (nets, hidden), (nets, hidden).
    """

    mean: Floats
    scale: Floats
    line: Floats
    turn: Floats
    shift: Floats
    tip: Floats

    def score(self, features: Floats) -> Floats:
        """float32 (n,); comparable within a list."""
        found = np.zeros(len(features), np.float32)
        for some in _slices(len(features)):
            rows = self.scaled(features[some])
            for line, turn, shift, tip in zip(self.line, self.turn, self.shift, self.tip, strict=True):
                found[some] += rows @ line + np.maximum(rows @ turn + shift, 0) @ tip
        found /= len(self.line)
        return found

    def parts(self, features: Floats) -> Floats:
        """What each feature gave, and last what none of them did, float32 (n, f + 1); they sum to the score."""
        found = np.zeros((len(features), features.shape[1] + 1), np.float32)
        for some in _slices(len(features)):
            rows = self.scaled(features[some])
            for line, turn, shift, tip in zip(self.line, self.turn, self.shift, self.tip, strict=True):
                awake = (rows @ turn + shift > 0) * tip
                found[some, :-1] += rows * (line + awake @ turn.T)
                found[some, -1] += awake @ shift
        found /= len(self.line)
        return found

    def scaled(self, features: Floats) -> Floats:
        """Features as the nets see them: mean 0 and deviation 1, unknown ones 0, float32 (n, f)."""
        rows = np.clip((features - self.mean) / self.scale, -CLIP, CLIP)
        return np.nan_to_num(rows, nan=0.0).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to store."""
        return {name: getattr(self, name) for name in NAMES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The net back from ``arrays()``."""
        return cls(**{name: arrays[name] for name in NAMES})


def learn(
    features: Floats,
    starts: NDArray[np.int64],
    hits: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    hidden: int = 16,
    nets: int = 5,
    epochs: int = 20,
) -> Net:
    """Learn to put hits first; lists without one are passed over.

    Args:
        features: float32 (n, f), NaN where unknown.
        starts: where each list begins, (q + 1,).
        hits: (n,).
        rng: starts and order.
        hidden: width of each net.
        nets: how many are averaged.
        epochs: how often each list is looked at.

    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(400, 2)).astype(np.float32)
    >>> net = learn(features, np.arange(0, 401, 20), features[:, 0] > 1, rng=rng, nets=1)
    >>> bool(net.score(np.float32([[3, 0]]))[0] > net.score(np.float32([[0, 3]]))[0])
    True
    """
    mean, scale = _moments(features[:: max(1, len(features) // MOMENTS)])
    found = Net(mean, scale, *(w.astype(np.float32) for w in _started(nets, features.shape[1], hidden, rng)))
    rows = np.empty_like(features, dtype=np.float32)
    for some in _slices(len(features)):
        rows[some] = found.scaled(features[some])
    lists = np.flatnonzero(np.diff(np.r_[0, np.cumsum(hits)][starts]))
    weights = [w.astype(np.float64) for w in (found.line, found.turn, found.shift, found.tip)]
    with one_blas_thread():  # the products are small
        _descend(weights, rows, starts, hits, lists, epochs, rng)
    return Net(mean, scale, *(np.round(w, ROUNDED).astype(np.float32) for w in weights))


def _moments(features: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of the known values of each feature; 0 and 1 where none is known or all are the same."""
    known = np.isfinite(features)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, features, 0)
    mean = filled.sum(axis=0, dtype=np.float64) / count
    spread = np.sqrt((np.where(known, features - mean, 0) ** 2).sum(axis=0) / count)
    return mean.astype(np.float32), np.where(spread > 1e-6, spread, 1).astype(np.float32)


def _started(nets: int, features: int, hidden: int, rng: np.random.Generator) -> list[Doubles]:
    """w and b are 0, so that a net starts flat; A and c are random."""
    limit = 1 / np.sqrt(max(features, 1))
    turn = rng.uniform(-limit, limit, (nets, features, hidden))
    return [np.zeros((nets, features)), turn, rng.uniform(-limit, limit, (nets, hidden)), np.zeros((nets, hidden))]


def _descend(
    weights: list[Doubles],
    rows: Floats,
    starts: NDArray[np.int64],
    hits: NDArray[np.bool_],
    lists: NDArray[np.intp],
    epochs: int,
    rng: np.random.Generator,
) -> None:
    """Adam with decoupled decay (Loshchilov, Hutter 2019) and a rate that falls along a cosine, in place."""
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    total, step = epochs * -(-len(lists) // BATCH), 0
    for _ in range(epochs):
        order = rng.permutation(lists)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            slopes = _slopes(weights, *_drawn(rows, starts, hits, chosen, rng))
            step += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * (step - 1) / total))
            for weight, slope, low, high in zip(weights, slopes, first, second, strict=True):
                low += 0.1 * (slope - low)
                high += 0.001 * (slope**2 - high)
                move = low / (1 - 0.9**step) / (np.sqrt(high / (1 - 0.999**step)) + 1e-8)
                weight -= rate * (move + DECAY * weight)


def _drawn(
    rows: Floats,
    starts: NDArray[np.int64],
    hits: NDArray[np.bool_],
    chosen: NDArray[np.intp],
    rng: np.random.Generator,
) -> tuple[Doubles, NDArray[np.bool_], NDArray[np.int64]]:
    """Of each chosen list the hits and some of the rest: features, hits, and how many there are of each list."""
    sizes = np.diff(starts)[chosen]
    places = np.repeat(starts[chosen] - np.r_[0, np.cumsum(sizes)[:-1]], sizes) + np.arange(sizes.sum())
    kept = hits[places] | (rng.random(len(places)) < np.repeat(np.minimum(1, SAMPLE / sizes), sizes))
    counts = np.add.reduceat(kept.astype(np.int64), np.r_[0, np.cumsum(sizes)[:-1]])
    return rows[places[kept]].astype(np.float64), hits[places[kept]], counts


def _slopes(weights: list[Doubles], x: Doubles, hits: NDArray[np.bool_], sizes: NDArray[np.int64]) -> list[Doubles]:
    """Slopes, for each net, of the mean over lists of −Σ log softmax(hit) / √hits; each list has at least one hit."""
    line, turn, shift, tip = weights
    nets, features, width = turn.shape
    begins, hit = np.r_[0, np.cumsum(sizes)[:-1]], hits[:, None].astype(np.float64)
    inner = (x @ turn.transpose(1, 0, 2).reshape(features, -1)).reshape(-1, nets, width) + shift
    awake = np.maximum(inner, 0)
    score = x @ line.T + np.einsum("nmh,mh->nm", awake, tip)
    power = np.exp(score - np.repeat(np.maximum.reduceat(score, begins), sizes, axis=0))
    count = np.add.reduceat(hit, begins)
    share = power / np.repeat(np.add.reduceat(power, begins), sizes, axis=0)
    weight = np.repeat(1 / (np.sqrt(count) * len(sizes)), sizes, axis=0)
    error = (share * np.repeat(count, sizes, axis=0) - hit) * weight  # (n, nets)
    back = np.where(inner > 0, error[:, :, None] * tip, 0)
    slope = (x.T @ back.reshape(len(x), -1)).reshape(features, nets, width).transpose(1, 0, 2)
    return [error.T @ x, slope, back.sum(axis=0), np.einsum("nmh,nm->mh", awake, error)]


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE))
