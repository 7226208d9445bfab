"""Stooq: daily history with a key."""
