"""Measurements on data that is not part of the project: each takes its path as an argument and prints a table."""
