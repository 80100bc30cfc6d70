"""Scored tracks in, a list that is pleasant to play out, and its file."""

from recsys.playlists.formats import Entry, write_playlist
from recsys.playlists.recipe import Playlist, build_playlist

__all__ = ["Entry", "Playlist", "build_playlist", "write_playlist"]
