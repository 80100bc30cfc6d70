"""Labelled sound in, predictions of labels and numbers out: what is learned, how it is chosen and kept."""
