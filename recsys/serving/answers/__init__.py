"""An opened bundle and a question in, plain values out, ready for JSON."""
