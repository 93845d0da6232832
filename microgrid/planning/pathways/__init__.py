"""Pathways: what to build, keep and give up in which year, and what that is worth."""
