"""Mutants of the model: small faults put in on purpose, to see whether the tests notice."""
