"""A whole session on loopback, made from a seed: the true tape, what goes wrong, and who knows better."""
