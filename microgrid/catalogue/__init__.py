"""Data with unit, source, validity and status: facts that change from year to year, and never stand in code."""
