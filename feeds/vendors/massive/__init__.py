"""Massive (formerly Polygon): the consolidated tape by stream and REST."""
