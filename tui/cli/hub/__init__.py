"""The command ``hub``."""
