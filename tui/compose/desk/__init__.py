"""Desks: opened, watched, and become another while they run."""
