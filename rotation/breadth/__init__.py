"""Breadth: how many of an index's members take part in its move, and which of them make it."""
