"""Scored tracks in, a list that is pleasant to play out, its file, and the memory of it."""

from recsys.playlists.formats import Entry, write_playlist
from recsys.playlists.goals import Curve, Goals
from recsys.playlists.ledger import Ledger
from recsys.playlists.pool import Pool
from recsys.playlists.rules import Quota, Relaxed, Rules, Spread
from recsys.playlists.solve import Playlist, solve

__all__ = [
    "Curve",
    "Entry",
    "Goals",
    "Ledger",
    "Playlist",
    "Pool",
    "Quota",
    "Relaxed",
    "Rules",
    "Spread",
    "solve",
    "write_playlist",
]
