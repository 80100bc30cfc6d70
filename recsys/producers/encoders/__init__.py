"""Sound in, vectors out: encoders of one's own as files."""
