"""Pieces in symbols in, a model of what comes next out; and from the model, music that nobody has written."""
