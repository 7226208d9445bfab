"""``rotation-tui host``: one desk for many viewers over SSH."""
