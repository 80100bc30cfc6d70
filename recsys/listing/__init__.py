"""A recipe and a listener in, finished lists out: candidates, rules and goals from an engine, then the solver."""

from recsys.listing.desk import Desk, Listener
from recsys.listing.make import Listing, make

__all__ = ["Desk", "Listener", "Listing", "make"]
