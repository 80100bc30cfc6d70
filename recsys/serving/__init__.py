"""An engine in, answers over HTTP out."""
