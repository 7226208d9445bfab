"""Settled daily history: import, download, store, keep up to date."""
