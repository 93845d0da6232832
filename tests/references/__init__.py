"""Cases that other tools solved."""
