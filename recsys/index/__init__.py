"""Vectors in, neighbours out: exact search is the truth, approximate search the fast guess that is checked by it."""

from recsys.index.blocks import Index
from recsys.index.exact import select, top_k

__all__ = ["Index", "select", "top_k"]
