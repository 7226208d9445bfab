"""From a person's wishes to a market and its feed, or to a single snapshot."""
