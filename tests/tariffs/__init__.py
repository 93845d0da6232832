"""Tariffs, their bills, and the models that keep to them."""
