"""Alpaca: US equities with a free key, by stream and REST."""
