"""Log-mel windows in, instruments out: the shipped tagger."""
