"""API keys: where they are found and kept."""
