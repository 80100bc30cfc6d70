"""Sound in, chords and keys over time out, and what says that two tracks share a harmony."""
