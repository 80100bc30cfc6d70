"""Candidates in, an ordered list with reasons out."""
