"""Sequences kept from everything that is fitted, and their last places: what next-track models are judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from recsys.contracts import Rows
from recsys.models.sequences import Sequences, is_ordered, session_numbers
from recsys.tables import Dataset

MOST = 1000  # sequences that are hidden, of each kind
SHARE = 0.2  # of the playlists
CUTS = 4  # places of a sequence that are looked at, the last ones


class Hidden(NamedTuple):
    """A dataset without some sequences, and these, each at least two tracks long."""

    train: Dataset
    lists: list[Rows]


def hide(dataset: Dataset, *, rng: np.random.Generator) -> Hidden:
    """Leave out the last session of listeners who have others, and a fifth of the playlists; ``MOST`` at most."""
    plays, held = dataset.plays, []
    kept = np.ones(len(plays), bool)
    if is_ordered(plays):
        order, number = session_numbers(plays)
        first = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
        user = plays.user[order][first]
        last = np.flatnonzero(np.r_[user[1:] != user[:-1], True] & np.r_[False, user[1:] == user[:-1]])
        last = np.sort(rng.permutation(last)[:MOST])
        ends = np.r_[first, len(order)]
        held += [plays.track[order[ends[one] : ends[one + 1]]] for one in last.tolist()]
        kept[order[np.isin(number, last)]] = False
    train = replace(dataset, plays=plays.take(kept))
    lists = dataset.playlists
    if lists is not None and lists.time is not None and len(lists):
        there = np.unique(lists.user)
        some = rng.permutation(there)[: min(MOST, round(SHARE * len(there)))]
        out = np.isin(lists.user, some)
        away = lists.take(out)
        order = np.lexsort((lists.time[out], away.user))
        held += np.split(away.track[order], np.flatnonzero(np.diff(away.user[order])) + 1)
        train = replace(train, playlists=lists.take(~out))
    return Hidden(train, Sequences.of(held, len(dataset.tracks)).lists())


class Cuts(NamedTuple):
    """Beginnings of sequences, the track that came next, and which sequence each is of."""

    starts: list[Rows]
    target: Rows
    owner: Rows

    @classmethod
    def of(cls, lists: Sequence[Rows]) -> Cuts:
        """The last ``CUTS`` places of each sequence, or as many as it has."""
        places = [(i, end) for i, one in enumerate(lists) for end in range(max(1, len(one) - CUTS), len(one))]
        owner, target = [i for i, _ in places], [lists[i][end] for i, end in places]
        return cls([lists[i][:end] for i, end in places], np.array(target, np.int32), np.array(owner, np.int32))
