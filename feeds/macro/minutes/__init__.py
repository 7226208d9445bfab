"""Minute bars of the pair around publications: downloaded once, and kept for good."""
