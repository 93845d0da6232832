"""The test suite; `plants` builds small plants for it."""
