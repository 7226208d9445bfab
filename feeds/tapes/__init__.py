"""Recorded and imported tapes: reading, playing, recording."""
