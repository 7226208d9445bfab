"""Palettes (TOML) and the base style sheet, as package data."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Of these files: ``importlib.resources`` would bring zipfile and tempfile, ten milliseconds of a start."""
