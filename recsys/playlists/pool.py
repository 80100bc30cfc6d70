"""Candidates of one list: which tracks, how relevant, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsys.errors import DataError
from recsys.playlists.facts import Codes, Facts, Floats
from recsys.playlists.goals import Likeness
from recsys.tables import Catalogue

Rows = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates; position i of every array describes candidate i.

    Attributes:
        rows: track rows, each once, int32 (c,); ascending when made by ``of``.
        scores: how well each fits as its model says it, larger is better, float32 (c,); NaN = not scored (asked for
            by row only).
        facts: of the whole catalogue.
        likeness: two arrays of track rows, (a,) and (b,), to the likeness of each pair (a, b), larger is closer.
        familiarity: how well the listener knows each candidate, 0..1, (c,); None = not known.
    """

    rows: Rows
    scores: Floats
    facts: Facts
    likeness: Likeness | None = None
    familiarity: Floats | None = None

    @classmethod
    def of(
        cls,
        catalogue: Catalogue | Facts,
        rows: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        *,
        likeness: Likeness | None = None,
        familiarity: ArrayLike | None = None,
    ) -> Pool:
        """A pool from candidates as models give them; many lists share one ``Facts``.

        Args:
            catalogue: what is known of all tracks.
            rows: candidates, (m,); −1 is padding; of a row that is there twice the best score counts. None = all.
            scores: larger is better, (m,); a candidate whose score is not finite is left out. None = all alike.
            familiarity: 0..1, (m,).

        Raises:
            DataError: shapes that differ, or rows outside the catalogue.

        >>> import pandas as pd
        >>> songs = Catalogue(pd.DataFrame({"artist": ["Ann", "Ann", "Bo"]}))
        >>> pool = Pool.of(songs, [2, 0, 2, -1], [.1, .5, .3, 0])
        >>> pool.rows.tolist(), pool.relevance.tolist()
        ([0, 2], [1.0, 0.0])
        """
        facts = catalogue if isinstance(catalogue, Facts) else Facts(catalogue)
        rows = np.arange(len(facts), dtype=np.int32) if rows is None else np.asarray(rows, np.int32)
        scores = np.ones(len(rows), np.float32) if scores is None else np.asarray(scores, np.float32)
        known = None if familiarity is None else np.asarray(familiarity, np.float32)
        _check(rows, scores, known, len(facts))
        usable = np.flatnonzero((rows >= 0) & np.isfinite(scores))
        usable = usable[np.lexsort((-scores[usable], rows[usable]))] if (np.diff(rows[usable]) <= 0).any() else usable
        usable = usable[np.diff(rows[usable], prepend=-1) > 0]
        return cls(rows[usable], scores[usable], facts, likeness, None if known is None else known[usable])

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: NDArray[Any]) -> Pool:
        """The pool of these positions, in this order."""
        known = None if self.familiarity is None else self.familiarity[positions]
        return replace(self, rows=self.rows[positions], scores=self.scores[positions], familiarity=known)

    def with_rows(self, rows: ArrayLike) -> Pool:
        """The pool with these rows in it, unscored if they are new."""
        wanted = np.asarray(rows, np.int32)
        if not len(wanted):
            return self
        new = np.setdiff1d(wanted, self.rows)
        blank = np.full(len(new), np.nan, np.float32)
        known = None if self.familiarity is None else np.append(self.familiarity, np.zeros(len(new), np.float32))
        return replace(self, rows=np.append(self.rows, new), scores=np.append(self.scores, blank), familiarity=known)

    @property
    def relevance(self) -> Floats:
        """Scores brought to 0 (least of the pool) .. 1 (best), (c,); 1 where nothing is scored or all are alike."""
        known = self.scores[np.isfinite(self.scores)]
        low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
        if not high > low:
            return np.ones(len(self), np.float32)
        return np.nan_to_num((self.scores - low) / (high - low), nan=1.0).astype(np.float32)

    @property
    def artist(self) -> Codes:
        """Artist codes, −1 where unknown, (c,)."""
        return self.facts.artist[self.rows]

    @property
    def album(self) -> Codes:
        """Album codes, −1 where unknown, (c,)."""
        return self.facts.album[self.rows]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Lengths, unknown ones as typical, (c,)."""
        return self.facts.seconds[self.rows]

    def versions(self) -> Codes:
        """Codes that are equal for the same recording, −1 for a track that is like no other, (c,)."""
        return self.facts.versions(self.rows)

    def number(self, name: str) -> Floats:
        """A fact such as tempo, key, energy, loudness, year; NaN where unknown, (c,)."""
        return self.facts.number(name)[self.rows]

    def alike(self) -> Floats | None:
        """Likeness of all pairs, float32 (c, c); None without a likeness."""
        return None if self.likeness is None else np.asarray(self.likeness(self.rows, self.rows), np.float32)


def _check(rows: Rows, scores: Floats, familiarity: Floats | None, tracks: int) -> None:
    if rows.ndim != 1 or rows.shape != scores.shape or (familiarity is not None and familiarity.shape != rows.shape):
        shapes = f"rows {rows.shape}, scores {scores.shape}"
        raise DataError(f"{shapes}, familiarity {None if familiarity is None else familiarity.shape}; expected (m,)")
    if len(rows) and not (rows.min() >= -1 and rows.max() < tracks):
        raise DataError(f"rows span {rows.min()}..{rows.max()}; expected -1..{tracks - 1}")
