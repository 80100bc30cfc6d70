"""A factorisation whose listeners are drawn to what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.ials import IALS, USERS, Held, levels
from recsys.models.people import People
from recsys.models.whitened import System

OWN_DOUBT = 3.0  # own plays at which what a listener did not play begins to count as much as who they are


class Peopled(IALS):
    """iALS that can hold listeners at a point ``people_`` has for them; without ``people_`` it is iALS."""

    people: float  # share of a listener's ridge that pulls to the point
    people_: People | None = None

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """The best vector for each history; of trained listeners (``users``) of whom something is known, with that."""
        points = self._points_of(users)
        return super().user_vectors(histories) if points is None else self.vectors_from(histories, points)

    def vectors_from(self, histories: Histories, points: Floats) -> Floats:
        """The best vectors for histories of people who are drawn to ``points`` (q, d), as ``people_.place`` gives them.

        Without plays they are these points.
        """
        extra = self._extra(histories, levels(histories))
        system = System(self.items_, self.spectrum_)
        made = self._folded(system, extra, self._kept(system, extra, points))
        return np.where(np.diff(histories.indptr)[:, None] > 0, made, points)[:, : self.factors]

    def acquainted(self, users: Rows) -> NDArray[np.bool_]:
        """Of which trained listeners something is known besides their plays, bool (q,)."""
        points = self._points_of(users)
        return np.asarray(np.zeros(len(users), bool) if points is None else points.any(axis=1))

    def _points_of(self, users: Rows | None) -> Floats | None:
        """Where what is known puts some trained listeners, (q, d), 0 for others; None when nothing is known."""
        if self.people_ is None or users is None:
            return None
        points = self.people_.points_
        known = (users >= 0) & (users < len(points))  # playlists come after the listeners
        return np.where(known[:, None], points[np.where(known, users, 0)], np.float32(0))

    def _drawn(self, system: System, plays: Histories, users: Floats) -> Held:
        points = np.zeros_like(users)  # playlists, which come after the listeners, are drawn to 0
        if self.people_ is not None and users.any():
            points[: len(self.people_.known)] = self.people_.guesses(users[: len(self.people_.known)])
        return self._kept(system, plays, points)

    def _kept(self, system: System, plays: Histories, points: Floats) -> Held:
        """How listeners (rows of ``plays``) are held at these points; those without one just by their ridge."""
        ridge, known = self._ridge(plays, USERS), points.any(axis=1)
        if self.people_ is None or not known.any():
            return Held(ridge)
        more = known * self._doubts(system, plays, OWN_DOUBT * self.people_.worth_)
        return Held(ridge + more, points * (self.people * ridge + more)[:, None])

    def _settle_listeners(self, users: Floats) -> None:
        if self.people_ is not None:
            self.people_.settled(users[: len(self.people_.known)])

    def _doubts(self, system: System, plays: Histories, doubt: float) -> Floats:
        """What holds each row of ``plays`` at its point besides the ridge, (n,)."""
        level = doubt * float(system.spectrum[: self.factors].mean())
        return (level / np.maximum(np.diff(plays.indptr), 1)).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state."""
        people = self.people_.arrays() if self.people_ else {}
        return super().arrays() | {f"people.{name}": value for name, value in people.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted model back from ``arrays()`` and ``params()``."""
        made = super().from_arrays(arrays, **params)
        own = {name.removeprefix("people."): value for name, value in arrays.items() if name.startswith("people.")}
        made.people_ = People.from_arrays(own) if own else None
        return made
