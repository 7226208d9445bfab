"""Rooms: one rendering for all who see the same, and the bytes that show it."""
