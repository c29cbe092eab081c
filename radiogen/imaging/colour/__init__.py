"""Colours as values: the colour bar, the overlay and what lies beneath it."""
