"""Log-mel windows in, vectors and predictions out: a short-chunk network, its teaching and its warm start."""
