"""One module for each part of the API: addresses and parameters in, calls of ``answers`` out."""
