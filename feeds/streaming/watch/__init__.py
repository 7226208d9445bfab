"""What a stream watches: hours, liveness, lag, halts, gaps; each pure and by itself."""
