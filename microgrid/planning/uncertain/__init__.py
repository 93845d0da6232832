"""Sizing for several years that may come."""
