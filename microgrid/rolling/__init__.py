"""Rolling dispatch: windows of a longer time, planned one after the other and carried out against what happens."""
