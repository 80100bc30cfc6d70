"""Analysed audio in, features out."""
