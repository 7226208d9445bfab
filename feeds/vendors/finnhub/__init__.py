"""Finnhub: US trades with a free key, by stream."""
