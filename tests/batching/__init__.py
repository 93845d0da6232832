"""Sweeps, stores, batches, clusters, comparing."""
