"""Tiingo: daily history, with a free key."""
