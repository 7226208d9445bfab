"""Where each leg stands against the benchmark, and where it is heading: the rotation graph."""
