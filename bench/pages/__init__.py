"""What the pages add to a tick."""
