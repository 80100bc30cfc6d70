"""Raw files in, tables out."""

from recsys.sources.found import find_files
from recsys.sources.gather import Gathered, Histories, gather, read_histories, read_ids

__all__ = ["Gathered", "Histories", "find_files", "gather", "read_histories", "read_ids"]
