"""Rooms: one rendering for all viewers who see the same, and the bytes that draw it."""
