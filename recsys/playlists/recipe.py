"""Scored candidates to a finished playlist: choose, arrange, and say what could not be kept."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsys.errors import DataError
from recsys.playlists.constraints import (
    Rules,
    Start,
    artist_keys,
    closest_gap,
    identities,
    loosest_needed,
    most_tracks,
    select,
    smallest,
)
from recsys.playlists.sequence import Similarity, arrange
from recsys.tables import Catalogue

TYPICAL_SECONDS = 210.0  # assumed where no track of the catalogue has a known duration
Rows = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Playlist:
    """Tracks in playing order.

    Attributes:
        rows: int32, shape (n,).
        scores: the candidates' scores, float32, shape (n,); NaN for a seed that was no candidate.
        seconds: total length, unknown durations counted as typical; None when none of the list is known.
        relaxed: what could not be kept and by how much; empty when every rule holds.
    """

    rows: Rows
    scores: NDArray[np.float32]
    seconds: float | None
    relaxed: list[str]

    def __len__(self) -> int:
        return len(self.rows)


def build_playlist(
    rows: ArrayLike,
    scores: ArrayLike,
    catalogue: Catalogue,
    *,
    seeds: Sequence[int] = (),
    n: int | None = 50,
    minutes: float | None = None,
    max_per_artist: int = 2,
    artist_gap: int = 3,
    similarity: Similarity | None = None,
) -> Playlist:
    """The best candidates as a list that keeps the rules listeners expect.

    No track and no recording (same title and artist) twice; at most ``max_per_artist`` tracks of an artist, at
    least ``artist_gap`` places apart. Where the candidates do not allow it, the gap gives way first, then the cap,
    each as little as needed, and ``relaxed`` names both. Unknown artists are bound by no artist rule.

    Args:
        rows: candidate track rows, shape (m,); −1 is padding.
        scores: larger is better, shape (m,); candidates whose score is not finite are left out.
        seeds: track rows that open the list, in this order; they count towards all rules.
        n: number of tracks, seeds included; None means 50; not used with ``minutes``.
        minutes: length instead of ``n``, met within half a track. An unknown duration counts as the catalogue's
            median, or 210 s where it knows none; longer candidates than the whole list are left out.
        similarity: (a,) and (b,) rows to similarities (a, b); each track is then followed by its closest. Without
            it the order is by score.

    Raises:
        DataError: shapes that differ, or a number out of range.

    >>> import pandas as pd
    >>> songs = Catalogue(pd.DataFrame({"title": list("abcd"), "artist": ["Ann", "Ann", "Ann", "Bo"]}))
    >>> made = build_playlist([0, 1, 2, 3], [.9, .8, .7, .6], songs, n=3)
    >>> made.rows.tolist(), made.relaxed
    ([0, 3, 1], ['artist gap of 3 lowered to 2'])
    """
    rows, scores = np.asarray(rows, np.int32), np.asarray(scores, np.float32)
    n = 50 if n is None else n
    _check(rows, scores, seeds, len(catalogue), n, minutes, max_per_artist, artist_gap)
    rules, lengths = Rules(max_per_artist, max(artist_gap, 1)), _Lengths.of(catalogue)
    opening = _distinct(np.asarray(seeds, np.int32), catalogue)
    pool = _pool(rows, scores, catalogue, opening)
    if minutes is not None:
        pool = pool[lengths.seconds[pool] <= 60 * minutes]
    desk = _Desk(pool, opening, catalogue, rules)
    places = min(n - len(opening), len(pool)) if minutes is None else _places(desk, lengths, 60 * minutes)
    made = np.concatenate([opening, desk.arranged(places, similarity)])
    relaxed = _broken_rules(artist_keys(catalogue, made), max_per_artist, artist_gap)
    if minutes is not None:
        relaxed += _length_notes(made, lengths, minutes, used_up=places == len(pool))
    elif len(made) < n:
        relaxed.append(f"{n} tracks shortened to {len(made)}: the candidates ran out")
    return Playlist(made, _scores_of(made, rows, scores), lengths.total(made), relaxed)


class _Desk:
    """The candidates, best first, and the ways to take some of them."""

    def __init__(self, pool: Rows, opening: Rows, catalogue: Catalogue, rules: Rules) -> None:
        self.pool, self.opening, self.rules = pool, opening, rules
        self.artists = artist_keys(catalogue, pool)
        self.start = Start(artist_keys(catalogue, opening))

    def chosen(self, places: int) -> tuple[list[int], Rules]:
        """Positions of the best ``places`` candidates, and the rules that they can keep."""
        rules = loosest_needed(self.artists, places, self.rules, self.start)
        return select(self.artists, places, rules, self.start), rules

    def arranged(self, places: int, similarity: Similarity | None) -> Rows:
        """The best ``places`` candidates in playing order."""
        chosen, rules = self.chosen(places)
        rows, artists = self.pool[chosen], [self.artists[i] for i in chosen]
        last = int(self.opening[-1]) if len(self.opening) else None
        return rows[arrange(rows, artists, rules.gap, self.start, last, similarity)]


@dataclass(frozen=True, eq=False)
class _Lengths:
    """Seconds of every track of the catalogue, the unknown ones as ``typical``."""

    seconds: NDArray[np.float64]
    known: NDArray[np.bool_]
    typical: float

    @classmethod
    def of(cls, catalogue: Catalogue) -> _Lengths:
        found = catalogue.frame["duration"].to_numpy(np.float64, na_value=np.nan)
        known = np.isfinite(found) & (found > 0)
        typical = float(np.median(found[known])) if known.any() else TYPICAL_SECONDS
        return cls(np.where(known, found, typical), known, typical)

    def total(self, rows: Rows) -> float | None:
        return float(self.seconds[rows].sum()) if self.known[rows].any() else None


def _places(desk: _Desk, lengths: _Lengths, target: float) -> int:
    """How many candidates bring the list closest to ``target`` seconds."""

    def off(places: int) -> float:
        rows = np.concatenate([desk.opening, desk.pool[desk.chosen(places)[0]]])
        return float(lengths.seconds[rows].sum()) - target

    enough = smallest(0, len(desk.pool), lambda places: off(places) >= 0)
    return min((enough, max(enough - 1, 0)), key=lambda places: abs(off(places)))


def _pool(rows: Rows, scores: NDArray[np.float32], catalogue: Catalogue, opening: Rows) -> Rows:
    """Candidates best first, each recording once and none that opens the list already."""
    usable = np.flatnonzero((rows >= 0) & np.isfinite(scores))
    best_first = rows[usable[np.argsort(-scores[usable], kind="stable")]]
    return _distinct(np.concatenate([opening, best_first]), catalogue)[len(opening) :]


def _distinct(rows: Rows, catalogue: Catalogue) -> Rows:
    """The first of each track and of each recording."""
    unique = rows[np.sort(np.unique(rows, return_index=True)[1])]
    keys = identities(catalogue, unique)
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    return unique[sorted(first.values())]


def _scores_of(made: Rows, rows: Rows, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    known: dict[int, float] = {}
    for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
        known[row] = max(score, known.get(row, score))
    return np.array([known.get(row, np.nan) for row in made.tolist()], np.float32)


def _broken_rules(artists: Sequence[Hashable | None], max_per_artist: int, artist_gap: int) -> list[str]:
    """What the finished list itself shows, in the order in which rules give way."""
    found = []
    gap, most = closest_gap(artists), most_tracks(artists)
    if gap is not None and gap < artist_gap:
        found.append(f"artist gap of {artist_gap} lowered to {gap}")
    if most > max_per_artist:
        found.append(f"artist cap of {max_per_artist} raised to {most}")
    return found


def _length_notes(made: Rows, lengths: _Lengths, minutes: float, used_up: bool) -> list[str]:
    notes = []
    total = float(lengths.seconds[made].sum())
    if abs(total - 60 * minutes) > lengths.seconds[made].max(initial=lengths.typical) / 2:
        cause = "the candidates ran out" if used_up and total < 60 * minutes else "no choice of tracks comes closer"
        notes.append(f"{minutes:g} minutes became {total / 60:.1f}: {cause}")
    if unknown := int((~lengths.known[made]).sum()):
        notes.append(f"{unknown} of {len(made)} durations unknown, counted as {lengths.typical:.0f} s each")
    return notes


def _check(
    rows: Rows,
    scores: NDArray[np.float32],
    seeds: Sequence[int],
    tracks: int,
    n: int,
    minutes: float | None,
    max_per_artist: int,
    artist_gap: int,
) -> None:
    if rows.ndim != 1 or rows.shape != scores.shape:
        raise DataError(f"rows {rows.shape} and scores {scores.shape}; expected one shape (m,)")
    for noun, found, lowest in (("rows", rows, -1), ("seeds", np.asarray(seeds, np.int32), 0)):
        if len(found) and not (found.min() >= lowest and found.max() < tracks):
            raise DataError(f"{noun} span {found.min()}..{found.max()}; expected {lowest}..{tracks - 1}")
    for name, value, low in (("n", n, 1), ("max_per_artist", max_per_artist, 1), ("artist_gap", artist_gap, 0)):
        if value < low:
            raise DataError(f"{name} is {value}; expected at least {low}")
    if minutes is not None and not 0 < minutes < 1e6:
        raise DataError(f"minutes is {minutes}; expected more than 0")
    if minutes is None and len(set(seeds)) > n:
        raise DataError(f"{len(set(seeds))} seeds for {n} tracks; expected n of at least {len(set(seeds))}")
