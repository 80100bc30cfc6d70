"""Notes or a hummed tune in, its melody and the tracks that have it out."""
