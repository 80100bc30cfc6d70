"""Who says how much: the weights of a blend's members for a history of some length and a track of some evidence."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Recommender, Rows
from recsys.models.base import Model, divided
from recsys.models.evidence import spoken_for, trust, weights_by_length

SOONER = 0.25  # a member that is moved by plays is believed after this share of the plays that others need
UNKNOWN = -1.0  # evidence of a track that came late, of a member that has not taken it up


class Say(NamedTuple):
    """What each member's standardised scores are multiplied by, for some histories.

    Attributes:
        weights: for each history, (q, members).
        trusted: share of them that evidence leaves to each member, (members, tracks).
        fallback: shares in what it takes away, (members, tracks).
        open_: what it takes away, (q, tracks).
    """

    weights: Floats
    trusted: Floats
    fallback: Floats
    open_: Floats

    def of(self, member: int) -> Floats:
        """The multiplier of one member, float32 (q, tracks)."""
        own = self.weights[:, member, None] * self.trusted[member]
        return own + self.fallback[member] * self.open_ if self.fallback[member].any() else own


class Believed(NamedTuple):
    """What evidence makes of every track, whoever asks.

    Attributes:
        trusted: share of its weight that each member keeps, (members, tracks).
        fallback: each member's share in what others lose, (members, tracks).
        lost: what each member loses, 1 − ``trusted``, (members, tracks).
        late: tracks that came after training and not every member has learned, (late,).
        counted: 1 for tracks that scores are standardised over, (tracks,); None = all.
    """

    trusted: Floats
    fallback: Floats
    lost: Floats
    late: Rows
    counted: Floats | None


class Weighted(Model):
    """Members with weights by length of history, which evidence moves from those that know plays to the others.

    A member that knows tracks by plays alone keeps n / (n + half) of its weight for a track with n listeners. One that
    knows what tracks are, but lets plays place them as soon as there are any (``moved``), keeps all of it for tracks
    without plays, and n / (n + half / 4) for others. What they lose goes to the members that know what the track is,
    in the proportions of ``fallback`` and as far as each is trusted itself.
    """

    models_: list[Recommender]
    weights_: Floats  # (lengths, members)
    lengths_: NDArray[np.float64]  # (lengths,)
    fallback_: Floats  # (members,), 0 for members that know plays alone
    evidence_: Floats  # (members, tracks): listeners that a member has learned a track from; UNKNOWN if not at all
    alike_: Floats  # (members, members): correlation of their scores; only ``absorb`` needs to know
    half_: float

    def weights_for(self, histories: Histories, users: Rows | None = None) -> Floats:
        """Weights of the members for each history by its length, float32 (q, members).

        Empty ones have popularity alone, or the members that know something of the listener (``users``) besides plays.
        """
        empty = np.diff(histories.indptr) == 0
        weights = weights_by_length(np.diff(histories.indptr), self.lengths_, self.weights_)
        weights[empty] = 0
        weights[empty, -1] = 1
        if empty.any() and users is not None:
            theirs = np.stack([_acquainted(model, users) for model in self.models_], axis=1) & empty[:, None]
            some = theirs.any(axis=1)
            weights[some] = divided(theirs[some], theirs[some].sum(axis=1, keepdims=True))
        return weights

    def acquainted(self, users: Rows) -> NDArray[np.bool_]:
        """Of which trained listeners any member knows something besides their plays, bool (q,)."""
        return np.any([_acquainted(model, users) for model in self.models_], axis=0)

    def say(self, weights: Floats) -> Say:
        """Multipliers for histories with these weights (q, members)."""
        believed, blind = self.believed, self._blind()
        open_, late = weights @ believed.lost, believed.late
        if len(late):
            theirs, doubts = weights[:, blind], 1 - believed.trusted[:, late][blind]
            spoken = theirs @ (doubts * self._knows(late)[blind]) * self._said(weights, late)
            open_[:, late] += spoken - theirs @ doubts
        return Say(weights, believed.trusted, believed.fallback, open_)

    @cached_property
    def believed(self) -> Believed:
        """What evidence makes of every track; kept until ``reconsider``."""
        trusted = self.trusted(self.evidence_, self.half_)
        return Believed(trusted, self.stand_ins(trusted), 1 - trusted, self._late(), self._counted())

    def reconsider(self) -> None:
        """Forget what was kept: the evidence is another."""
        self.__dict__.pop("believed", None)

    def trusted(self, plays: Floats, half: float) -> Floats:
        """Share of its weight that each member keeps for tracks of so many plays, (members, tracks).

        Args:
            plays: listeners of each track, (members, tracks) or for all members alike (tracks,).
            half: listeners at which plays decide one half.
        """
        each = np.broadcast_to(plays, (len(self.models_), plays.shape[-1]))
        if not self.fallback_.any():
            return np.ones(each.shape, np.float32)
        found = trust(each, half)
        for number, model in enumerate(self.models_):
            if getattr(model, "cold", False):
                placed = trust(each[number], SOONER * half) if getattr(model, "moved", False) else np.float32(1)
                found[number] = np.where(each[number] > 0, placed, each[number] >= 0)
        return found

    def stand_ins(self, trusted: Floats) -> Floats:
        """Each member's share in the weight that others lose, (members, tracks), sum 1 where anybody is trusted."""
        shares = self.fallback_[:, None] * trusted
        return divided(shares, shares.sum(axis=0)).astype(np.float32)

    def _used(self, weights: Floats) -> NDArray[np.bool_]:
        return (weights > 0).any(axis=0) | (self.fallback_ > 0)

    def _counted(self) -> Floats | None:
        """1 for tracks with plays, over which scores are standardised; None when that is all or none of them."""
        played = (self.evidence_[-1] > 0).astype(np.float32)
        return played if 0 < played.sum() < len(played) else None

    def _blind(self) -> list[int]:
        """The members that know a track by its plays alone."""
        return [number for number, model in enumerate(self.models_) if not getattr(model, "cold", False)]

    def _late(self) -> Rows:
        """Tracks that came after training, which some members know and others, with a weight, do not."""
        blind = [number for number in self._blind() if self._used(self.weights_)[number]]
        known = self.evidence_[blind] > 0
        return np.flatnonzero(known.any(axis=0) & ~known.all(axis=0)).astype(np.int32)

    def _knows(self, late: Rows) -> Floats:
        """1 where a member has learned a late track from plays, float32 (members, late)."""
        return (self.evidence_[:, late] > 0).astype(np.float32)

    def _said(self, weights: Floats, late: Rows) -> Floats:
        """What members that know late tracks are multiplied by, to speak for those that do not, float32 (q, late)."""
        blind = self._blind()
        return spoken_for(weights[:, blind], self.alike_[blind][:, blind], self._knows(late)[blind])


def _acquainted(model: Recommender, users: Rows) -> NDArray[np.bool_]:
    return model.acquainted(users) if hasattr(model, "acquainted") else np.zeros(len(users), bool)
