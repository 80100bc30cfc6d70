"""Words about tracks in, found tracks and a content space out."""
