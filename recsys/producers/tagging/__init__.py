"""A library's own labels in, predictions for tracks that have none out."""
