"""``rotation-tui lists``."""
