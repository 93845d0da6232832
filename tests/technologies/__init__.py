"""Hand-computed optima, a file for each technology."""
