"""Dispatch: one planning run for a plant server: site, state and the newest numbers in, set-points out."""
