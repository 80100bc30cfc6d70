"""Descriptors in, predictions out: linear maps, kernels, trees, mixtures, and what combines them."""
