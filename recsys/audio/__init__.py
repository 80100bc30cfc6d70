"""A sound file in, numbers out."""
