"""What the supervisor is made of: readers, the state of feeds, their tasks, what the market is given."""
