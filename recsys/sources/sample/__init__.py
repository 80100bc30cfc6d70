"""A seed in, a small music world out: tracks that sound, listeners with taste, playlists, and the truth about them.

Everything in it is made by code, so all of it is known and free to share. It is for tests, documents and a first
run; numbers measured on it say nothing about quality on real data.
"""

from recsys.sources.sample.write import World, write_world

__all__ = ["World", "write_world"]
