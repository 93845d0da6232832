"""Measurements: what a run costs outside the solver, and how much memory it needs."""
