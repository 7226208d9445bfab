"""What stands around a reading, as data: the prices at which it turns, and what followed earlier ones."""
