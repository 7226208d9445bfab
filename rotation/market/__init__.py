"""The market: quotes in, Snapshot out."""
