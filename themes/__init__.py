"""Palettes (TOML) and the base style sheet, as package data."""
