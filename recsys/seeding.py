"""Seed tracks in, a playlist of their neighbours out, in rows."""

from __future__ import annotations

from recsys import nearby
from recsys.contracts import Rows
from recsys.errors import DataError
from recsys.index import Index
from recsys.nearby import Seeds, neighbours
from recsys.playlists.goals import Goals
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Rules
from recsys.playlists.solve import Playlist, solve
from recsys.settings import Playlist as Settings
from recsys.tables import Catalogue

OF_MINUTES = 2  # minutes that a track has at least, for how many candidates are looked for


def from_seeds(
    index: Index,
    catalogue: Catalogue,
    seeds: Seeds,
    settings: Settings,
    *,
    n: int | None = None,
    minutes: float | None = None,
    allow: Rows | None = None,
) -> Playlist:
    """The tracks nearest to all seeds together, in an order that is good to hear; seeds that are tracks open the list.

    Args:
        seeds: tracks, and sounds that are none: then all are compared by sound.
        n: length in tracks; not used with ``minutes``.
        allow: the only tracks to choose from, besides the seeds.

    Raises:
        DataError: there is none to choose from.
    """
    if allow is not None and not len(allow):
        raise DataError("no track to choose from satisfies the filter; loosen it")
    weights = _weights(index, seeds)
    length = int(minutes / OF_MINUTES) if minutes else n or settings.n
    most = min(20 * length + 200, len(catalogue))
    near = neighbours(index, catalogue, seeds, most, weights=weights, allow=allow)
    pool = Pool.of(catalogue, near.rows, near.scores, likeness=nearby.likeness(index, weights))
    rules = Rules(
        tracks=None if minutes else n or settings.n,
        minutes=minutes,
        opening=tuple(dict.fromkeys(seeds.likes.tolist())),
        max_per_artist=settings.max_per_artist,
        artist_gap=settings.artist_gap,
    )
    return solve(pool, rules, Goals())


def reasons(index: Index, catalogue: Catalogue, seeds: Seeds, rows: Rows) -> list[str]:
    """Why each row is in the list: a seed, or how it is like all seeds."""
    weights = _weights(index, seeds)
    return [
        "chosen as a seed" if row in seeds.likes else nearby.alike(index, catalogue, seeds, row, weights)
        for row in rows.tolist()
    ]


def _weights(index: Index, seeds: Seeds) -> dict[str, float]:
    return nearby.weights(index, "sound" if seeds.outside else "hybrid", 0.5)
