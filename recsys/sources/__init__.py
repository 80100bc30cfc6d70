"""Raw files in, tables out."""

from recsys.sources.gather import Gathered, Histories, gather, read_histories, read_ids

__all__ = ["Gathered", "Histories", "gather", "read_histories", "read_ids"]
