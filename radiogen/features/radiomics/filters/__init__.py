"""Filters of the engine ``native``: one file per image type, and a registry of them."""
