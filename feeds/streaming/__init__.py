"""The heart of every streaming vendor: connection, liveness, filter, buffer, gaps, corrections."""
