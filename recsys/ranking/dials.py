"""Lists in, lists as a listener wants them out: rarer, of the own mix, not again so soon, unlike what was skipped.

Conventions:
    * Lists are candidates (``TopK``), longer than what is wanted in the end: ask for ``Dials.reach(n)``, dial, cut.
    * Each dial is neutral by default and then returns its lists as they are.
    * Scores keep their unit: a dial adds to a score or takes from it, in deviations of the scores of one list, so the
      difference is that dial's part of the score. ``calibrated`` and ``capped`` change the order or the choice only.
    * Times are Unix seconds UTC and ``now`` is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.ranking.dislikes import unlike
from recsys.ranking.even import evened
from recsys.ranking.lists import reordered, scale
from recsys.ranking.mix import calibrated, own_mix
from recsys.tables import TopK

DAY = 86_400.0
Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Times = NDArray[np.int64]


@dataclass(frozen=True)
class Dials:
    """Where the dials stand; all neutral by default.

    Attributes:
        novelty: 0 by score alone … 1 by rarity alone.
        calibrate: 0 by score alone … 1 only that the mix (of popularity and genre) is the listener's own.
        not_heard_days: nothing heard within so many days; tracks heard before may come back. None = no such rule.
        max_per_artist: at most so many by one artist; None = any number.
        dislike: how many deviations of a list's scores the likeness to a disliked track takes away.
        half_life: days after which a skip or dislike counts half.
        even: 0 exposure as it is … 1 as it should be, over groups of tracks.
        even_by: the attribute that makes the groups: popularity, decade, or a column such as country.
        even_to: "catalogue", each track alike, or "plays", as tracks are listened to.
    """

    novelty: float = 0.0
    calibrate: float = 0.0
    not_heard_days: float | None = None
    max_per_artist: int | None = None
    dislike: float = 0.0
    half_life: float = 60.0
    even: float = 0.0
    even_by: str = "popularity"
    even_to: str = "catalogue"

    @property
    def neutral(self) -> bool:
        """Whether lists come out as they are."""
        return replace(self, half_life=0, even_by="", even_to="") == Dials(half_life=0, even_by="", even_to="")

    def reach(self, n: int) -> int:
        """How many candidates a list of ``n`` should be chosen from.

        >>> Dials().reach(50), Dials(novelty=0.2).reach(50)
        (50, 400)
        """
        return n if self.neutral else max(5 * n, n + 350)


class Facts(NamedTuple):
    """What dials know of tracks.

    Attributes:
        listeners: how many each has, (tracks,).
        artists: codes, −1 = unknown, (tracks,); None = unknown altogether.
        classes: share of each class (genres, bands of popularity) in each track, see ``classes``; None = none known.
        vectors: unit vectors whose cosine is likeness, (tracks, d), or None.
        offsets: what evens exposure out, in deviations, see ``even.offsets``, (tracks,), or None.
    """

    listeners: NDArray[Any]
    artists: Rows | None = None
    classes: sp.csr_array | None = None
    vectors: Floats | None = None
    offsets: Floats | None = None


def dialled(
    lists: TopK, dials: Dials, facts: Facts, n: int, *, histories: sp.csr_array, dislikes: sp.csr_array | None = None
) -> TopK:
    """Candidates with every dial applied, cut to ``n``.

    Args:
        lists: candidates, (q, ``dials.reach(n)``); what was heard too lately is left out by the caller, see ``recent``.
        dials: where they stand.
        facts: of tracks.
        n: length of the answer.
        histories: what each listener played, CSR (q, tracks): the own mix.
        dislikes: how much each listener dislikes what, CSR (q, tracks), see ``disliked``.

    >>> lists = TopK(np.array([[0, 1, 2]]), np.array([[3.0, 2.9, 1.0]]))
    >>> dialled(lists, Dials(novelty=0.3), Facts(np.array([99, 1, 9])), 2, histories=sp.csr_array((1, 3))).rows
    array([[1, 0]], dtype=int32)
    """
    if dislikes is not None and dials.dislike > 0:
        lists = unlike(lists, dislikes, facts.vectors, dials.dislike)
    lists = novel(lists, facts.listeners, dials.novelty)
    if facts.offsets is not None and dials.even > 0:
        lists = evened(lists, facts.offsets)
    if facts.artists is not None and dials.max_per_artist is not None:
        lists = capped(lists, facts.artists, dials.max_per_artist)
    if facts.classes is not None and dials.calibrate > 0:
        lists = calibrated(lists, own_mix(histories, facts.classes), facts.classes, dials.calibrate, n)
    return lists.head(n)


def novel(lists: TopK, listeners: NDArray[Any], dial: float) -> TopK:
    """Scores traded for rarity: ``(1 − dial) score − dial · log(1 + listeners)``, both standardised within each list.

    Args:
        lists: candidates (q, c).
        listeners: how many each track has, (tracks,).
        dial: 0 … 1.

    >>> novel(TopK(np.array([[0, 1]]), np.array([[2.0, 1.0]])), np.array([100, 1]), 1.0).rows
    array([[1, 0]], dtype=int32)
    """
    if dial <= 0:
        return lists
    real = lists.rows >= 0
    fame = np.log1p(np.asarray(listeners, np.float32))[lists.rows]
    mean, spread = scale(lists.scores, real)
    usual, wide = scale(fame, real)
    rarity = mean - spread * (fame - usual) / np.where(wide > 0, wide, 1)
    return reordered(lists, np.float32(1 - dial) * np.where(real, lists.scores, 0) + np.float32(dial) * rarity)


def recent(histories: sp.csr_array, last: Times, now: float, days: float) -> sp.csr_array:
    """What was heard within the last ``days``: entries of the histories, to exclude from the search, CSR (q, tracks).

    Args:
        histories: CSR (q, tracks).
        last: when each entry was last heard, (nnz,).
        now: when the lists are for.
        days: heard this long ago or longer may come back.

    >>> heard = sp.csr_array([[1.0, 2.0]])
    >>> recent(heard, np.array([0, 80_000]), now=86_400.0, days=0.5).toarray()
    array([[0., 2.]])
    """
    return _entries(histories, np.asarray(last) > now - days * DAY)


def capped(lists: TopK, artists: Rows, most: int) -> TopK:
    """The same lists without what comes after the first ``most`` by one artist; unknown artists (−1) are not limited.

    >>> capped(TopK(np.array([[0, 1, 2]]), np.array([[3.0, 2.0, 1.0]])), np.array([5, 5, 7]), 1).rows
    array([[ 0,  2, -1]], dtype=int32)
    """
    real = lists.rows >= 0
    codes = np.where(real, artists[lists.rows], -1)
    order = np.argsort(codes, axis=1, kind="stable")
    sorted_codes = np.take_along_axis(codes, order, axis=1)
    starts = np.concatenate([np.ones((len(codes), 1), bool), sorted_codes[:, 1:] != sorted_codes[:, :-1]], axis=1)
    place = np.arange(codes.shape[1])
    within = place - np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    many = np.zeros(codes.shape, bool)
    np.put_along_axis(many, order, within >= most, axis=1)
    gone = many & (codes >= 0)
    keep = np.argsort(gone | ~real, axis=1, kind="stable")
    left = np.take_along_axis(real & ~gone, keep, axis=1)
    rows, scores = (np.take_along_axis(values, keep, axis=1) for values in (lists.rows, lists.scores))
    return TopK(np.where(left, rows, -1), np.where(left, scores, -np.inf))


def _entries(matrix: sp.csr_array, kept: NDArray[np.bool_]) -> sp.csr_array:
    ends = np.r_[0, np.cumsum(kept)][matrix.indptr]
    return sp.csr_array((matrix.data[kept], matrix.indices[kept], ends), shape=matrix.shape)
