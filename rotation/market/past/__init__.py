"""What lies before the session shown: one pass over history, and that pass kept as bytes."""
