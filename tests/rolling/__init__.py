"""Tests of rolling dispatch."""
