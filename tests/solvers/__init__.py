"""Solver drivers: the contract that every one keeps, and what HiGHS does beyond it."""
