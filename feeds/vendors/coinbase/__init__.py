"""Coinbase: keyless trades that never pause, for ``doctor --stream``."""
