"""What was heard or listed one after another: sessions cut from timed plays, and playlists."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.errors import SettingsError, did_you_mean
from recsys.models.base import Model

if TYPE_CHECKING:
    from recsys.tables import Dataset, Interactions

GAP = 1800  # seconds between the starts of two plays beyond which a session ends
RECENT = 50  # tracks of a beginning that are looked at
TIED = 0.5  # share of neighbouring plays with one and the same time from which on there is no order


@dataclass(frozen=True, eq=False)
class Sequences:
    """Track rows one after another; each track once per sequence, where it came first.

    Attributes:
        track: int32 (n,), all sequences joined.
        starts: int64 (s + 1,), where each begins; the last is n.
        tracks: how many tracks there are in all.

    >>> Sequences.of([[3, 1, 3, 2], [0]], tracks=4).track.tolist()
    [3, 1, 2]
    """

    track: Rows
    starts: NDArray[np.int64]
    tracks: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owner(self) -> NDArray[np.int64]:
        """Which sequence each place belongs to, (n,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @classmethod
    def of(cls, lists: Sequence[Sequence[int] | Rows], tracks: int) -> Self:
        """From lists of track rows; those with fewer than two different tracks say nothing and are left out."""
        owner = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        joined = np.concatenate([np.empty(0, np.int32), *(np.asarray(one, np.int32) for one in lists)])
        return cls._cut(joined.astype(np.int32), owner, tracks)

    @classmethod
    def _cut(cls, track: Rows, owner: NDArray[np.int64], tracks: int) -> Self:
        """From joined tracks and whose they are, non-decreasing."""
        pair = owner.astype(np.int64) * tracks + track
        first = np.sort(np.unique(pair, return_index=True)[1])
        track, owner = track[first], owner[first]
        long = np.bincount(owner, minlength=int(owner.max(initial=-1)) + 1) > 1
        track, owner = track[long[owner]], owner[long[owner]]
        starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]) if len(owner) else np.empty(0, np.int64)
        return cls(np.ascontiguousarray(track, np.int32), np.r_[starts, len(track)].astype(np.int64), tracks)

    def lists(self) -> list[Rows]:
        """Each sequence as an array."""
        return np.split(self.track, self.starts[1:-1]) if len(self) else []

    def matrix(self) -> sp.csr_array:
        """Which tracks each holds, float32 CSR (s, tracks) of ones, in order of place."""
        return sp.csr_array(
            (np.ones(len(self.track), np.float32), self.track, self.starts), shape=(len(self), self.tracks)
        )


def session_numbers(plays: Interactions, gap: float = GAP) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The order of plays by listener and time, and in that order the number of the session of each.

    A session ends where the listener changes, or more than ``gap`` seconds pass between the starts of two plays.
    """
    assert plays.time is not None
    order = np.lexsort((plays.time, plays.user))
    user, time = plays.user[order], plays.time[order]
    new = (user[1:] != user[:-1]) | (np.diff(time) > gap)
    return order, np.cumsum(np.r_[False, new]).astype(np.int64)[: len(order)]


def is_ordered(plays: Interactions) -> bool:
    """Whether plays have times that tell which came first within a session."""
    if plays.time is None or len(plays) < 2:
        return False
    order, number = session_numbers(plays)
    within = number[1:] == number[:-1]
    tied = np.diff(plays.time[order]) == 0
    return bool(within.any()) and float(tied[within].mean()) < TIED


def sequences_of(dataset: Dataset) -> Sequences:
    """Sessions of timed plays, then playlists; empty where nothing has an order."""
    parts: list[tuple[Rows, NDArray[np.int64]]] = []
    if is_ordered(dataset.plays):
        order, number = session_numbers(dataset.plays)
        parts.append((dataset.plays.track[order], number))
    lists = dataset.playlists
    if lists is not None and lists.time is not None and len(lists):
        order = np.lexsort((lists.time, lists.user))
        base = parts[0][1][-1] + 1 if parts else 0
        parts.append((lists.track[order], lists.user[order].astype(np.int64) + base))
    track = np.concatenate([np.empty(0, np.int32), *(part for part, _ in parts)])
    owner = np.concatenate([np.empty(0, np.int64), *(part for _, part in parts)])
    return Sequences._cut(track, owner, len(dataset.tracks))


def beginnings(lists: Sequence[Rows], length: int = RECENT) -> Rows:
    """The last ``length`` tracks of each list, newest last, padded with −1 in front, int32 (q, length).

    >>> beginnings([np.array([4, 5, 6]), np.array([7])], 2).tolist()
    [[5, 6], [-1, 7]]
    """
    made = np.full((len(lists), length), -1, np.int32)
    for row, one in enumerate(lists):
        some = one[-length:]
        made[row, length - len(some) :] = some
    return made


def faded(recent: Rows, tracks: int, decay: float) -> sp.csr_array:
    """Weights 1, decay, decay² … from the newest track back, float32 CSR (q, tracks)."""
    row, place = np.nonzero(recent >= 0)
    age = recent.shape[1] - 1 - place
    made = sp.csr_array(
        ((decay**age).astype(np.float32), (row, recent[row, place])), shape=(len(recent), tracks), dtype=np.float32
    )
    made.sum_duplicates()
    return made


class NextModel(Model):
    """Sequences in, scores of what comes next out; parameters, storing and printing as every model has them."""

    state: ClassVar[tuple[str, ...]] = ()
    unheard: ClassVar[bool] = False  # whether tracks that are in no sequence can be found

    def fit(self, sequences: Sequences, vectors: Floats, *, rng: np.random.Generator) -> Self:
        """Learn from sequences, and from track vectors (tracks, d), zeros where unknown."""
        raise NotImplementedError

    def scores(self, recent: Rows) -> Floats:
        """Scores of all tracks after each beginning (q, length) as ``beginnings`` gives them, float32 (q, tracks)."""
        raise NotImplementedError


HOMES: Mapping[str, tuple[str, str]] = {
    "transitions": ("transitions", "Transitions"),
    "sessions": ("sessions", "Sessions"),
    "nextvector": ("nextvector", "NextVector"),
    "gru": ("gru", "GRU"),
    "sasrec": ("sasrec", "SASRec"),
}


QUICK = ("transitions", "sessions", "nextvector")  # seconds on any log, and nothing but numpy


def next_class(name: str) -> type[Any]:
    """The class behind a next-track model's name."""
    from importlib import import_module

    module, found = HOMES[name]
    return getattr(import_module(f"recsys.models.{module}"), found)


def build_next(name: str, **params: Any) -> NextModel:
    """A next-track model by name, not yet fitted.

    Raises:
        SettingsError: no such parameter.

    >>> build_next("transitions", widow=3)
    Traceback (most recent call last):
    ...
    recsys.errors.SettingsError: transitions.widow is not a parameter; did you mean window?
    """
    cls = next_class(name)
    known = inspect.signature(cls).parameters
    for key in params:
        if key not in known:
            raise SettingsError(f"{name}.{key} is not a parameter{did_you_mean(key, known)}")
    return cls(**params)
