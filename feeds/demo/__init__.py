"""The built-in demo: the rotation of July 2024, generated from a seed."""
